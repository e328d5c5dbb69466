//! Signed calls of AWS's APIs: SQS, DynamoDB, Lambda, Service Quotas, CloudWatch.
//!
//! They are few, and read only except for a poisoned message. `reqwest` and `aws-sigv4` do what four more SDK crates
//! would.

use std::error::Error as _;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use serde_json::{Value, json};
use tokencast_aws::sdk::SdkConfig;

use super::probe::{Found, Wrong};
use super::wire::chain;

const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// A service: its name for people, in signatures and in host names, and its id in `AWS_ENDPOINT_URL_…`.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    name: &'static str,
    scope: &'static str,
    host: &'static str,
    variable: &'static str,
    is_local: bool,
}

pub const SQS: Service = Service {
    name: "SQS",
    scope: "sqs",
    host: "sqs",
    variable: "AWS_ENDPOINT_URL_SQS",
    is_local: true,
};
pub const DYNAMODB: Service = Service {
    name: "DynamoDB",
    scope: "dynamodb",
    host: "dynamodb",
    variable: "AWS_ENDPOINT_URL_DYNAMODB",
    is_local: true,
};
pub const LAMBDA: Service = Service {
    name: "Lambda",
    scope: "lambda",
    host: "lambda",
    variable: "AWS_ENDPOINT_URL_LAMBDA",
    is_local: false,
};
pub const SERVICE_QUOTAS: Service = Service {
    name: "Service Quotas",
    scope: "servicequotas",
    host: "servicequotas",
    variable: "AWS_ENDPOINT_URL_SERVICE_QUOTAS",
    is_local: false,
};
pub const CLOUDWATCH: Service = Service {
    name: "CloudWatch",
    scope: "monitoring",
    host: "monitoring",
    variable: "AWS_ENDPOINT_URL_CLOUDWATCH",
    is_local: false,
};

/// The services whose endpoints a variable can name.
const SERVICES: [Service; 5] = [SQS, DYNAMODB, LAMBDA, SERVICE_QUOTAS, CLOUDWATCH];

/// AWS's APIs with somebody's credentials.
#[derive(Clone, Debug)]
pub struct Aws {
    http: reqwest::Client,
    credentials: Credentials,
    region: String,
    /// The endpoints that are given, by the service's scope.
    endpoints: Vec<(&'static str, String)>,
    /// The local stack, if that is what is probed.
    local: Option<String>,
}

impl Aws {
    /// Takes the credentials of the settings. `local` is the local stack's URL.
    ///
    /// # Errors
    ///
    /// There are no credentials.
    pub async fn new(
        http: reqwest::Client,
        sdk: &SdkConfig,
        region: &str,
        local: Option<String>,
        lookup: &impl Fn(&str) -> Option<String>,
    ) -> Found<Self> {
        let none = |why: &str| {
            Wrong::NotProbed(format!(
                "there are no credentials of AWS in the environment: {why}"
            ))
        };
        let provider = sdk
            .credentials_provider()
            .ok_or_else(|| none("no provider"))?;
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|error| match &error {
            CredentialsError::CredentialsNotLoaded(_) => none("none are set"),
            other => none(&in_short(other)),
        })?;
        let for_all = lookup("AWS_ENDPOINT_URL");
        let endpoints = SERVICES.into_iter().filter_map(|service| {
            let given = lookup(service.variable);
            // A variable for all services isn't about the local stack, whose URL is known.
            let given = given.or_else(|| for_all.clone().filter(|_| local.is_none()))?;
            Some((service.scope, given))
        });
        Ok(Self {
            http,
            credentials,
            region: region.to_owned(),
            endpoints: endpoints.collect(),
            local,
        })
    }

    /// Calls DynamoDB.
    ///
    /// # Errors
    ///
    /// It isn't allowed, or there is no response.
    pub async fn dynamodb(&self, operation: &str, input: &Value) -> Found<Value> {
        let target = format!("DynamoDB_20120810.{operation}");
        self.json(DYNAMODB, &target, input).await
    }

    /// Calls SQS.
    ///
    /// # Errors
    ///
    /// It isn't allowed, or there is no response.
    pub async fn sqs(&self, operation: &str, input: &Value) -> Found<Value> {
        self.json(SQS, &format!("AmazonSQS.{operation}"), input)
            .await
    }

    /// Calls Service Quotas.
    ///
    /// # Errors
    ///
    /// It isn't allowed, or there is no response.
    pub async fn quotas_of(&self, service: &str) -> Found<Vec<Value>> {
        let mut quotas = Vec::new();
        let mut input = json!({ "ServiceCode": service });
        loop {
            let target = "ServiceQuotasV20190624.ListServiceQuotas";
            let page = self.json(SERVICE_QUOTAS, target, &input).await?;
            quotas.extend(page["Quotas"].as_array().cloned().unwrap_or_default());
            match page["NextToken"].as_str() {
                Some(next) => input["NextToken"] = next.into(),
                None => return Ok(quotas),
            }
        }
    }

    /// Reads something of Lambda's.
    ///
    /// # Errors
    ///
    /// It isn't allowed, or there is no response.
    pub async fn lambda(&self, path: &str) -> Found<Value> {
        let text = self.send(LAMBDA, "GET", path, &[], String::new()).await?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Asks CloudWatch over its Query protocol, whose response is XML.
    ///
    /// # Errors
    ///
    /// It isn't allowed, or there is no response.
    pub async fn cloudwatch(&self, fields: &[(&str, &str)]) -> Found<String> {
        let version = [("Version", "2010-08-01")];
        let fields = fields.iter().chain(&version);
        let pairs: Vec<String> = fields
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
            .collect();
        let header = [("content-type", "application/x-www-form-urlencoded")];
        self.send(CLOUDWATCH, "POST", "/", &header, pairs.join("&"))
            .await
    }

    async fn json(&self, service: Service, target: &str, input: &Value) -> Found<Value> {
        let version = if service.scope == SERVICE_QUOTAS.scope {
            "application/x-amz-json-1.1"
        } else {
            "application/x-amz-json-1.0"
        };
        let headers = [("content-type", version), ("x-amz-target", target)];
        let text = self
            .send(service, "POST", "/", &headers, input.to_string())
            .await?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    fn endpoint(&self, service: Service) -> Found<String> {
        let given = self
            .endpoints
            .iter()
            .find(|(scope, _)| *scope == service.scope);
        match (given, &self.local) {
            (Some((_, url)), _) => Ok(url.trim_end_matches('/').to_owned()),
            (None, Some(url)) if service.is_local => Ok(url.clone()),
            (None, Some(_)) => Err(Wrong::NotProbed(format!(
                "the local stack has no {} to ask",
                service.name
            ))),
            (None, None) => {
                let suffix = if self.region.starts_with("cn-") {
                    ".cn"
                } else {
                    ""
                };
                Ok(format!(
                    "https://{}.{}.amazonaws.com{suffix}",
                    service.host, self.region
                ))
            }
        }
    }

    async fn send(
        &self,
        service: Service,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Found<String> {
        let url = format!("{}{path}", self.endpoint(service)?);
        let unsigned = |why: String| {
            Wrong::NotProbed(format!(
                "the call to {} can't be signed: {why}",
                service.name
            ))
        };
        let identity = self.credentials.clone().into();
        #[expect(
            clippy::disallowed_methods,
            reason = "AWS compares a signature's time with its own clock, whatever ours decides"
        )]
        let now = SystemTime::now();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service.scope)
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unsigned(chain(&error)))?
            .into();
        let signable = SignableBody::Bytes(body.as_bytes());
        let signable = SignableRequest::new(method, &url, headers.iter().copied(), signable)
            .map_err(|error| unsigned(chain(&error)))?;
        let signed = sign(signable, &parameters).map_err(|error| unsigned(chain(&error)))?;
        let (instructions, _) = signed.into_parts();
        let method = if method == "GET" {
            reqwest::Method::GET
        } else {
            reqwest::Method::POST
        };
        let mut request = self.http.request(method, &url).timeout(CALL_TIMEOUT);
        for (name, value) in headers.iter().copied().chain(instructions.headers()) {
            request = request.header(name, value);
        }
        let lost = |error: reqwest::Error| {
            Wrong::NotProbed(format!(
                "{} can't be reached: {}",
                service.name,
                chain(&error)
            ))
        };
        let response = request.body(body).send().await.map_err(lost)?;
        let status = response.status();
        let text = response.text().await.map_err(lost)?;
        if status.is_success() {
            return Ok(text);
        }
        let kind = error_type(&text);
        Err(Wrong::NotProbed(format!(
            "{} answered HTTP {} {kind}",
            service.name,
            status.as_u16()
        )))
    }
}

/// An error and the first line of its cause. Further causes are dumps for debugging.
fn in_short(error: &CredentialsError) -> String {
    let cause = error.source().map(ToString::to_string);
    match cause.as_deref().and_then(|cause| cause.lines().next()) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// The name of an error, in JSON or in XML. Its message may name the account.
fn error_type(text: &str) -> String {
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    let kind = json["__type"].as_str().or_else(|| json["Code"].as_str());
    let kind = kind.map(|kind| kind.rsplit('#').next().unwrap_or(kind).to_owned());
    kind.or_else(|| elements(text, "Code").into_iter().next())
        .unwrap_or_default()
}

/// The texts of the elements with this name.
pub fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = xml.split(&open).skip(1);
    parts
        .filter_map(|part| part.split_once(&close))
        .map(|(text, _)| text.to_owned())
        .collect()
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_elements_are_found() {
        for (text, expected) in [
            (
                r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}"#,
                "QueueDoesNotExist",
            ),
            ("<Error><Code>AccessDenied</Code></Error>", "AccessDenied"),
            ("no such thing", ""),
        ] {
            assert_eq!(error_type(text), expected);
        }
        let xml = "<a><b>1</b><b>2</b></a>";
        assert_eq!(elements(xml, "b"), ["1", "2"]);
        assert_eq!(escaped("a b/ü"), "a%20b%2F%C3%BC");
    }
}
