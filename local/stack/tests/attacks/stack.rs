//! A stack with something to lose in each service, and plain HTTP.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use local_kit::clock::Clock;
use local_stack::config::{
    FunctionUrlConfig, QueueConfig, TableConfig, WebSocketApiConfig, WebSocketLimits,
};
use local_stack::testing::{TestStack, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) const REGION: &str = "us-east-1";

/// A request that has an effect if it is allowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) name: &'static str,
    /// The service that it is signed for. Empty if the service requires no signature.
    pub(crate) signed_for: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) target: Option<&'static str>,
    pub(crate) content_type: &'static str,
    pub(crate) body: &'static str,
}

const JSON_1_0: &str = "application/x-amz-json-1.0";

/// A call that destroys or costs something, for each service that requires signatures.
pub(crate) const SIGNED: [Call; 5] = [
    Call {
        name: "SQS",
        signed_for: "sqs",
        method: "POST",
        path: "/",
        target: Some("AmazonSQS.PurgeQueue"),
        content_type: JSON_1_0,
        body: r#"{"QueueUrl":"http://localhost/000000000000/jobs"}"#,
    },
    Call {
        name: "DynamoDB",
        signed_for: "dynamodb",
        method: "POST",
        path: "/",
        target: Some("DynamoDB_20120810.Scan"),
        content_type: JSON_1_0,
        body: r#"{"TableName":"sessions"}"#,
    },
    Call {
        name: "Bedrock",
        signed_for: "bedrock",
        method: "POST",
        path: "/model/us.anthropic.claude-3-haiku-20240307-v1%3A0/converse",
        target: None,
        content_type: "application/json",
        body: r#"{"messages":[{"role":"user","content":[{"text":"Why?"}]}]}"#,
    },
    Call {
        name: "Lambda",
        signed_for: "lambda",
        method: "POST",
        path: "/2015-03-31/functions/worker/invocations",
        target: None,
        content_type: "application/json",
        body: "{}",
    },
    Call {
        name: "@connections",
        signed_for: "execute-api",
        method: "POST",
        path: "/websocket/dev/@connections/abc%3D",
        target: None,
        content_type: "application/json",
        body: "{}",
    },
];

/// A call for each service that browsers call.
pub(crate) const OPEN: [Call; 6] = [
    Call {
        name: "AppSync",
        signed_for: "",
        method: "POST",
        path: "/graphql",
        target: None,
        content_type: "application/json",
        body: r#"{"query":"{ ping }"}"#,
    },
    Call {
        name: "AppSync, real time",
        signed_for: "",
        method: "GET",
        path: "/graphql/realtime?header=e30&payload=e30",
        target: None,
        content_type: "",
        body: "",
    },
    Call {
        name: "Cognito",
        signed_for: "",
        method: "POST",
        path: "/",
        target: Some("AWSCognitoIdentityProviderService.InitiateAuth"),
        content_type: "application/x-amz-json-1.1",
        body: "{}",
    },
    Call {
        name: "a function URL",
        signed_for: "",
        method: "POST",
        path: "/function-urls/chat/",
        target: None,
        content_type: "text/plain",
        body: "{}",
    },
    Call {
        name: "a WebSocket API",
        signed_for: "",
        method: "GET",
        path: "/websocket/dev",
        target: None,
        content_type: "",
        body: "",
    },
    Call {
        name: "the page",
        signed_for: "",
        method: "GET",
        path: "/amplify_outputs.json",
        target: None,
        content_type: "",
        body: "",
    },
];

/// Headers by name.
pub(crate) type Headers = Vec<(String, String)>;

pub(crate) struct Target {
    pub(crate) stack: TestStack,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Target {
    /// A stack that allows these hosts and origins.
    pub(crate) async fn start(hosts: &[&str], origins: &[&str]) -> Self {
        let texts = |all: &[&str]| all.iter().map(ToString::to_string).collect();
        let stack = TestStack::start(|config| {
            config.access.allow_hosts = texts(hosts);
            config.access.allow_origins = texts(origins);
            config.queues.push(QueueConfig {
                name: "jobs".to_owned(),
                visibility_timeout: Duration::from_secs(30),
                retention: Duration::from_hours(1),
                receive_wait: Duration::ZERO,
                redrive: None,
            });
            config
                .tables
                .push(TableConfig::new("sessions", "sessionId"));
            // Functions whose program doesn't exist, so an invocation that is allowed fails.
            for name in ["worker", "chat"] {
                let mut function = local_stack::testing::function(name);
                function.program = "/nowhere/bootstrap".into();
                config.functions.push(function);
            }
            config.function_urls.push(FunctionUrlConfig {
                name: "chat".to_owned(),
                function: "chat".to_owned(),
                cors: None,
            });
            config.websocket_apis.push(WebSocketApiConfig {
                stage: "dev".to_owned(),
                authorizer: None,
                routes: std::collections::BTreeMap::new(),
                limits: WebSocketLimits::default(),
            });
        })
        .await;
        Self { stack }
    }

    pub(crate) async fn stop(self) {
        self.stack.stop().await;
    }

    /// The stack's usual host.
    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.stack.local.endpoints().address.port())
    }

    /// The headers that a program sends with a call, without credentials. `host` replaces the stack's own.
    pub(crate) fn headers(&self, call: &Call, host: Option<&str>) -> Headers {
        let host = host.map_or_else(|| self.host(), ToOwned::to_owned);
        let mut headers = vec![("host".to_owned(), host)];
        if let Some(target) = call.target {
            headers.push(("x-amz-target".to_owned(), target.to_owned()));
        }
        if !call.content_type.is_empty() {
            headers.push(("content-type".to_owned(), call.content_type.to_owned()));
        }
        headers
    }

    /// The headers with a signature by the stack's key, or with another secret.
    pub(crate) fn signed(&self, call: &Call, host: Option<&str>, secret: Option<&str>) -> Headers {
        let key = self.stack.local.developer();
        let secret = secret.unwrap_or(&key.secret_access_key);
        let mut headers = self.headers(call, host);
        headers.extend(signature(call, &headers, &key.access_key_id, secret));
        headers
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(&self, call: &Call, method: &str, headers: &Headers) -> Response {
        use std::fmt::Write as _;
        let mut request = format!("{method} {} HTTP/1.1\r\n", call.path);
        for (name, value) in headers {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        let length = call.body.len();
        let _ = write!(
            request,
            "content-length: {length}\r\nconnection: close\r\n\r\n"
        );
        request.push_str(call.body);
        let answered = async {
            let mut stream = TcpStream::connect(self.stack.local.endpoints().address).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await?;
            std::io::Result::Ok(bytes)
        };
        let bytes = within(answered).await.expect("answered");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Response {
            status: status.expect("a status"),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }
}

/// The headers that a signature adds.
pub(crate) fn signature(call: &Call, headers: &Headers, key: &str, secret: &str) -> Headers {
    let identity = Credentials::new(key, secret, None, None, "test").into();
    let now_ms = Clock::system().now_ms().unsigned_abs();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name(call.signed_for)
        .time(UNIX_EPOCH + Duration::from_millis(now_ms))
        .settings(SigningSettings::default())
        .build()
        .expect("complete")
        .into();
    let host = &headers
        .iter()
        .find(|(name, _)| name == "host")
        .expect("a host")
        .1;
    let url = format!("http://{host}{}", call.path);
    let signed = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let body = SignableBody::Bytes(call.body.as_bytes());
    let request = SignableRequest::new(call.method, url, signed, body).expect("signable");
    let (instructions, _) = sign(request, &parameters).expect("signed").into_parts();
    let added = instructions.headers();
    added
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

pub(crate) fn with(mut headers: Headers, name: &str, value: &str) -> Headers {
    headers.push((name.to_owned(), value.to_owned()));
    headers
}
