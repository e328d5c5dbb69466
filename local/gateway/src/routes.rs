//! Which service a request is for. AWS gives each service a host; here the request itself has to tell.

use axum::Router;
use axum::body::Body;
use http::header::{ACCESS_CONTROL_REQUEST_HEADERS, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request};

use super::refusal::nothing_here;
use crate::config::AccessConfig;
use crate::faults::Interceptor;
use crate::function_url;
use crate::usage::Usage;

/// Where the stack itself is asked and told things, if it was started with that.
pub const CONTROL_PATH: &str = "/_tokencast/";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    AppSync,
    Bedrock,
    Cognito,
    DynamoDb,
    /// API Gateway's WebSocket APIs, and their `@connections`.
    ExecuteApi,
    FunctionUrl,
    Lambda,
    Sqs,
}

/// Who answers for which service. `None`: not part of this stack.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    pub appsync: Option<Router>,
    pub bedrock: Option<Router>,
    pub cognito: Option<Router>,
    pub dynamodb: Option<Router>,
    pub execute_api: Option<Router>,
    pub function_url: Option<Router>,
    pub lambda: Option<Router>,
    pub sqs: Option<Router>,
    /// For requests of no service, such as a web page's.
    pub fallback: Option<Router>,
    /// For what is below [`CONTROL_PATH`], whatever else the request says.
    pub control: Option<Router>,
    /// Who is heard besides this machine.
    pub access: AccessConfig,
    /// What may go wrong with a request on purpose.
    pub interceptor: Option<Interceptor>,
    /// Where requests are counted.
    pub usage: Option<Usage>,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) service: Option<Service>,
    /// `SendMessage` where the request names one, otherwise method and path.
    pub(super) operation: String,
}

impl Routes {
    /// The stack's own paths, which have a stricter guard of their own.
    pub(super) fn control(&self, request: &Request<Body>) -> Option<&Router> {
        let is_control = request.uri().path().starts_with(CONTROL_PATH);
        self.control.as_ref().filter(|_| is_control)
    }

    pub(super) fn find(&self, target: &Target, request: &Request<Body>) -> Router {
        if let Some(control) = self.control(request) {
            return control.clone();
        }
        let router = match target.service {
            None => &self.fallback,
            Some(Service::AppSync) => &self.appsync,
            Some(Service::Bedrock) => &self.bedrock,
            Some(Service::Cognito) => &self.cognito,
            Some(Service::DynamoDb) => &self.dynamodb,
            Some(Service::ExecuteApi) => &self.execute_api,
            Some(Service::FunctionUrl) => &self.function_url,
            Some(Service::Lambda) => &self.lambda,
            Some(Service::Sqs) => &self.sqs,
        };
        router
            .clone()
            .unwrap_or_else(|| Router::new().fallback(nothing_here))
    }
}

impl Target {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let amz_target = request
            .headers()
            .get("x-amz-target")
            .and_then(|target| target.to_str().ok());
        let operation = match amz_target.and_then(|target| target.split_once('.')) {
            Some((_, operation)) => operation.to_owned(),
            None => format!("{} {}", request.method(), request.uri().path()),
        };
        let service = match amz_target {
            // A URL's caller may send what it wants.
            _ if function_url::is_for(request) => Some(Service::FunctionUrl),
            Some(target) => by_target(target),
            None => by_path(request.uri().path())
                .or_else(|| by_preflight(request))
                .or_else(|| by_query_protocol(request))
                .or_else(|| by_scope(request.headers())),
        };
        Self { service, operation }
    }
}

fn by_target(target: &str) -> Option<Service> {
    let (prefix, _) = target.split_once('.')?;
    match prefix {
        "AmazonSQS" => Some(Service::Sqs),
        "AWSCognitoIdentityProviderService" => Some(Service::Cognito),
        prefix if prefix.starts_with("DynamoDB_") || prefix.starts_with("DynamoDBStreams_") => {
            Some(Service::DynamoDb)
        }
        _ => None,
    }
}

fn by_path(path: &str) -> Option<Service> {
    let mut segments = path.split('/').skip(1);
    match (segments.next().unwrap_or_default(), segments.next()) {
        ("graphql", _) => Some(Service::AppSync),
        ("websocket", Some(_)) => Some(Service::ExecuteApi),
        ("model", Some(_)) => Some(Service::Bedrock),
        ("2015-03-31", Some("functions" | "event-source-mappings"))
        | ("2018-06-01", Some("runtime")) => Some(Service::Lambda),
        (_, Some(".well-known")) => Some(Service::Cognito),
        (account, Some(queue)) if is_account(account) && !queue.is_empty() => Some(Service::Sqs),
        _ => None,
    }
}

fn is_account(segment: &str) -> bool {
    segment.len() == 12 && segment.bytes().all(|byte| byte.is_ascii_digit())
}

/// Of the services without a path of their own, browsers call only Cognito.
fn by_preflight<B>(request: &Request<B>) -> Option<Service> {
    let wanted = request
        .headers()
        .get(ACCESS_CONTROL_REQUEST_HEADERS)?
        .to_str()
        .ok()?;
    let is_target = wanted
        .split(',')
        .any(|name| name.trim().eq_ignore_ascii_case("x-amz-target"));
    (request.method() == Method::OPTIONS && is_target).then_some(Service::Cognito)
}

/// SQS's protocol before JSON, which it answers for itself. Other services still have it, and are told by their signature.
fn by_query_protocol<B>(request: &Request<B>) -> Option<Service> {
    let content_type = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let is_form = content_type.starts_with("application/x-www-form-urlencoded");
    let is_sqs = scope(request.headers()).is_none_or(|service| service == "sqs");
    (request.method() == Method::POST && request.uri().path() == "/" && is_form && is_sqs)
        .then_some(Service::Sqs)
}

/// The service in the scope of a signature: `Credential=AKID/20260102/us-east-1/sqs/aws4_request`.
fn scope(headers: &HeaderMap) -> Option<&str> {
    let authorization = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = authorization.split_once("Credential=")?;
    credential.split('/').nth(3)
}

fn by_scope(headers: &HeaderMap) -> Option<Service> {
    match scope(headers)? {
        "appsync" => Some(Service::AppSync),
        "bedrock" => Some(Service::Bedrock),
        "cognito-idp" => Some(Service::Cognito),
        "dynamodb" => Some(Service::DynamoDb),
        "execute-api" => Some(Service::ExecuteApi),
        "lambda" => Some(Service::Lambda),
        "sqs" => Some(Service::Sqs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, path: &str, headers: &[(&str, &str)], expected: Option<Service>) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let target = Target::of(&request.body(()).expect("a request"));
        assert_eq!(target.service, expected, "{method} {path} {headers:?}");
    }

    #[test]
    fn services() {
        let target = |value| [("x-amz-target", value)];
        check(
            "POST",
            "/",
            &target("AmazonSQS.SendMessage"),
            Some(Service::Sqs),
        );
        check(
            "POST",
            "/000000000000/jobs",
            &target("AmazonSQS.SendMessage"),
            Some(Service::Sqs),
        );
        check(
            "POST",
            "/",
            &target("DynamoDB_20120810.PutItem"),
            Some(Service::DynamoDb),
        );
        check(
            "POST",
            "/",
            &target("AWSCognitoIdentityProviderService.InitiateAuth"),
            Some(Service::Cognito),
        );
        check("POST", "/", &target("Logs_20140328.PutLogEvents"), None);
        check("POST", "/", &target("nonsense"), None);
        check("POST", "/graphql", &[], Some(Service::AppSync));
        check(
            "GET",
            "/graphql/realtime?header=e30",
            &[],
            Some(Service::AppSync),
        );
        check("GET", "/graphqlx", &[], None);
        check(
            "POST",
            "/model/anthropic.claude/converse-stream",
            &[],
            Some(Service::Bedrock),
        );
        check(
            "POST",
            "/2015-03-31/functions/worker/invocations",
            &[],
            Some(Service::Lambda),
        );
        check(
            "GET",
            "/2018-06-01/runtime/invocation/next",
            &[],
            Some(Service::Lambda),
        );
        check(
            "GET",
            "/us-east-1_abc/.well-known/jwks.json",
            &[],
            Some(Service::Cognito),
        );
        check("POST", "/000000000000/jobs", &[], Some(Service::Sqs));
        check("GET", "/000000000000/", &[], None);
        check("GET", "/", &[], None);
        check("GET", "/index.html", &[], None);
        check(
            "OPTIONS",
            "/",
            &[("access-control-request-headers", "a, X-Amz-Target")],
            Some(Service::Cognito),
        );
        check(
            "OPTIONS",
            "/graphql",
            &[("access-control-request-headers", "authorization")],
            Some(Service::AppSync),
        );
        check(
            "POST",
            "/",
            &[("content-type", "application/x-www-form-urlencoded")],
            Some(Service::Sqs),
        );
        let signed = "AWS4-HMAC-SHA256 Credential=AKID/20260102/us-east-1/bedrock/aws4_request, SignedHeaders=host";
        check(
            "GET",
            "/foundation-models",
            &[("authorization", signed)],
            Some(Service::Bedrock),
        );
        check(
            "GET",
            "/x",
            &[("authorization", "AWS4-HMAC-SHA256 Credential=AKID")],
            None,
        );
        let of_sts = "AWS4-HMAC-SHA256 Credential=AKID/20260102/us-east-1/sts/aws4_request, SignedHeaders=host";
        let form = ("content-type", "application/x-www-form-urlencoded");
        check("POST", "/", &[form, ("authorization", of_sts)], None);
    }

    #[test]
    fn deliveries() {
        check(
            "GET",
            "/websocket/dev?token=x",
            &[],
            Some(Service::ExecuteApi),
        );
        check("GET", "/websocket", &[], None);
        check(
            "POST",
            "/websocket/dev/@connections/abc%3D",
            &[],
            Some(Service::ExecuteApi),
        );
        check(
            "POST",
            "/function-urls/chat",
            &[],
            Some(Service::FunctionUrl),
        );
        check("GET", "/function-urls/", &[], None);
        check(
            "POST",
            "/graphql",
            &[("host", "chat.lambda-url.localhost:4680")],
            Some(Service::FunctionUrl),
        );
    }

    #[test]
    fn an_operation_has_the_name_that_the_request_gives_it() {
        let request = Request::builder()
            .uri("/")
            .header("x-amz-target", "AmazonSQS.SendMessage")
            .body(());
        assert_eq!(
            Target::of(&request.expect("a request")).operation,
            "SendMessage"
        );
        let request = Request::builder().method("POST").uri("/graphql?x").body(());
        assert_eq!(
            Target::of(&request.expect("a request")).operation,
            "POST /graphql"
        );
    }
}
