//! The routers of all services, and the response for requests of none.

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderName, Request, StatusCode};
use local_gateway::ServiceRoute;
use serde_json::json;

/// The routers of all services.
pub struct Routers {
    pub appsync: Router,
    pub bedrock: Router,
    pub cognito: Router,
    pub dynamodb: Router,
    pub execute_api: Router,
    pub function_url: Router,
    pub lambda: Router,
    pub sqs: Router,
}

impl Routers {
    /// The gateway's routes.
    pub fn routes(self) -> Vec<ServiceRoute> {
        let services = [
            (&local_appsync::ENDPOINT, self.appsync),
            (&local_apigateway::ENDPOINT, self.execute_api),
            (&local_bedrock::ENDPOINT, self.bedrock),
            (&local_lambda::ENDPOINT, self.lambda),
            (&local_lambda::function_url::ENDPOINT, self.function_url),
            // Before SQS, because the path of a user pool's keys could be a queue's.
            (&local_cognito::ENDPOINT, self.cognito),
            (&local_dynamodb::ENDPOINT, self.dynamodb),
            (&local_sqs::ENDPOINT, self.sqs),
        ];
        services
            .into_iter()
            .map(|(endpoint, router)| ServiceRoute { endpoint, router })
            .collect()
    }
}

/// The response for a request of no service, which lists what there is.
pub async fn nothing_here(request: Request<Body>) -> Response {
    let asked = match request.headers().get("x-amz-target") {
        Some(target) => format!(
            "X-Amz-Target {}",
            String::from_utf8_lossy(target.as_bytes())
        ),
        None => format!("{} {}", request.method(), request.uri().path()),
    };
    let body = json!({
        "__type": "UnknownOperationException",
        "message": format!("Nothing on this port answers {asked}."),
        "serves": {
            "AppSync": "/graphql, /graphql/realtime",
            "Bedrock": "/model/{modelId}/converse-stream, /model/{modelId}/invoke-with-response-stream",
            "API Gateway": "/websocket/{stage}, /websocket/{stage}/@connections/{id}",
            "Cognito": "X-Amz-Target AWSCognitoIdentityProviderService.*, /{poolId}/.well-known/*",
            "DynamoDB": "X-Amz-Target DynamoDB_20120810.*",
            "Lambda": "/2015-03-31/functions/{name}/invocations, /function-urls/{name}/",
            "SQS": "X-Amz-Target AmazonSQS.*, /{accountId}/{queue}",
        },
    });
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (
            HeaderName::from_static("x-amzn-errortype"),
            "UnknownOperationException",
        ),
    ];
    (StatusCode::NOT_FOUND, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use local_gateway::Routes;

    use super::*;

    fn routers() -> Routers {
        let router = Router::new;
        Routers {
            appsync: router(),
            bedrock: router(),
            cognito: router(),
            dynamodb: router(),
            execute_api: router(),
            function_url: router(),
            lambda: router(),
            sqs: router(),
        }
    }

    fn check(method: &str, path: &str, headers: &[(&str, &str)], expected: Option<&str>) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        let routes = Routes {
            services: routers().routes(),
            ..Routes::default()
        };
        let service = routes.service_of(&request);
        assert_eq!(service, expected, "{method} {path} {headers:?}");
    }

    #[test]
    fn services() {
        let target = |value| [("x-amz-target", value)];
        check("POST", "/", &target("AmazonSQS.SendMessage"), Some("sqs"));
        check(
            "POST",
            "/000000000000/jobs",
            &target("AmazonSQS.SendMessage"),
            Some("sqs"),
        );
        check(
            "POST",
            "/",
            &target("DynamoDB_20120810.PutItem"),
            Some("dynamodb"),
        );
        check(
            "POST",
            "/",
            &target("AWSCognitoIdentityProviderService.InitiateAuth"),
            Some("cognito"),
        );
        check("POST", "/", &target("Logs_20140328.PutLogEvents"), None);
        check("POST", "/", &target("nonsense"), None);
        check("POST", "/graphql", &[], Some("appsync"));
        check("GET", "/graphql/realtime?header=e30", &[], Some("appsync"));
        check("GET", "/graphqlx", &[], None);
        check(
            "POST",
            "/model/anthropic.claude/converse-stream",
            &[],
            Some("bedrock"),
        );
        check(
            "POST",
            "/2015-03-31/functions/worker/invocations",
            &[],
            Some("lambda"),
        );
        check(
            "GET",
            "/2018-06-01/runtime/invocation/next",
            &[],
            Some("lambda"),
        );
        check(
            "GET",
            "/us-east-1_abc/.well-known/jwks.json",
            &[],
            Some("cognito"),
        );
        check("POST", "/000000000000/jobs", &[], Some("sqs"));
        check("GET", "/000000000000/", &[], None);
        check("GET", "/", &[], None);
        check("GET", "/index.html", &[], None);
        check(
            "OPTIONS",
            "/",
            &[("access-control-request-headers", "a, X-Amz-Target")],
            Some("cognito"),
        );
        check(
            "OPTIONS",
            "/graphql",
            &[("access-control-request-headers", "authorization")],
            Some("appsync"),
        );
        check(
            "POST",
            "/",
            &[("content-type", "application/x-www-form-urlencoded")],
            Some("sqs"),
        );
        let signed = "AWS4-HMAC-SHA256 Credential=AKID/20260102/us-east-1/bedrock/aws4_request, SignedHeaders=host";
        check(
            "GET",
            "/foundation-models",
            &[("authorization", signed)],
            Some("bedrock"),
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
        check("GET", "/websocket/dev?token=x", &[], Some("execute-api"));
        check("GET", "/websocket", &[], None);
        check(
            "POST",
            "/websocket/dev/@connections/abc%3D",
            &[],
            Some("execute-api"),
        );
        check("POST", "/function-urls/chat", &[], Some("functionurl"));
        check("GET", "/function-urls/", &[], None);
        check(
            "POST",
            "/graphql",
            &[("host", "chat.lambda-url.localhost:4680")],
            Some("functionurl"),
        );
    }

    #[test]
    fn browsers_call_what_they_call_on_aws() {
        let is_open = |name: &str, path: &str| {
            let routes = routers().routes();
            let route = routes.iter().find(|route| route.endpoint.name == name);
            let request = Request::builder().uri(path).body(Body::empty());
            let route = route.expect("a service of that name");
            (route.endpoint.takes_browsers)(&request.expect("a request"))
        };
        for name in ["appsync", "cognito", "execute-api", "functionurl"] {
            assert!(is_open(name, "/"), "{name}");
        }
        for name in ["bedrock", "dynamodb", "lambda", "sqs"] {
            assert!(!is_open(name, "/"), "{name}");
        }
        assert!(!is_open("execute-api", "/websocket/dev/@connections/abc"));
    }
}
