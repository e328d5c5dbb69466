//! Function URLs and the WebSocket API of the local stack, with small functions. The functions are this test
//! executable, started again, on the official Rust runtime.
//!
//! A referee opens a gate for a function by writing a file into the stack's directory.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use lambda_runtime::streaming::{Body, Response, channel};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use local_stack::config::{
    CorsConfig, FunctionUrlConfig, RequestAuthorizerConfig, RouteConfig, WebSocketApiConfig,
    WebSocketLimits,
};
use local_stack::iam::{Principal, Statement};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::NODE_MODULES;
use local_stack::testing::{TestStack, function, gate, variable};

const LIMIT: Duration = Duration::from_mins(2);
const STAGE: &str = "dev";

#[tokio::test(flavor = "multi_thread")]
async fn fetch_reads_a_function_url_chunk_by_chunk() {
    check("function-url-chunks.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ws_talks_to_the_websocket_api() {
    check("websocket-api.test.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_for_connections() {
    check("connections.test.mjs").await;
}

/// Runs one file against a stack of its own. It passes if Node exits with success.
async fn check(file: &str) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("referees");
    assert!(directory.join("node_modules").is_dir(), "{NODE_MODULES}");
    let stack = start().await;
    let node = Command::new("node")
        .args(["--test-force-exit", file])
        .current_dir(directory)
        .env("DELIVERIES", described(&stack).to_string())
        .env_remove("AWS_PROFILE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LIMIT, node).await;
    stack.stop().await;
    let output = output
        .expect("Node ends")
        .expect("Node 20 or newer, as `node`");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{file}\n{said}\n{complained}");
}

async fn start() -> TestStack {
    let route = |key: &str, route_response| {
        let route = RouteConfig {
            function: "delivery".to_owned(),
            route_response,
        };
        (key.to_owned(), route)
    };
    let stack = TestStack::start(|config| {
        let mut delivery = function("delivery");
        delivery.args[1] = "deliveries::function_process".into();
        let mut streaming = delivery.clone();
        "streaming".clone_into(&mut streaming.name);
        let streams = ("STREAMS".to_owned(), "yes".to_owned());
        streaming.environment.extend([streams]);
        config.functions = vec![delivery, streaming];
        config.function_urls = vec![FunctionUrlConfig {
            name: "steps".to_owned(),
            function: "streaming".to_owned(),
            cors: Some(CorsConfig::default()),
        }];
        config.websocket_apis = vec![WebSocketApiConfig {
            stage: STAGE.to_owned(),
            authorizer: Some(RequestAuthorizerConfig {
                function: "delivery".to_owned(),
                identity_sources: Vec::new(),
            }),
            routes: [
                route("echo", true),
                route("fail", true),
                route("$default", true),
            ]
            .into(),
            limits: WebSocketLimits::default(),
        }];
    })
    .await;
    let resource = stack.local.endpoints().websocket_arn(STAGE, "*");
    stack.local.credentials().insert(backend(resource));
    stack
}

fn described(stack: &TestStack) -> Value {
    let endpoints = stack.local.endpoints();
    let key = backend(String::new());
    json!({
        "directory": stack.directory.path(),
        "region": endpoints.region,
        "functionUrl": endpoints.function_url("steps"),
        "webSocketUrl": endpoints.websocket_url(STAGE),
        "callbackUrl": endpoints.websocket_callback_url(STAGE),
        "credentials": {
            "accessKeyId": key.access_key_id,
            "secretAccessKey": key.secret_access_key,
            "sessionToken": key.session_token,
        },
    })
}

fn backend(resource: String) -> Principal {
    Principal {
        access_key_id: "ASIAREFEREE".to_owned(),
        secret_access_key: "of-the-referee".to_owned(),
        session_token: Some("session".to_owned()),
        account_id: "000000000000".to_owned(),
        arn: "arn:aws:sts::000000000000:assumed-role/referee/session".to_owned(),
        expires_at_ms: None,
        policy: vec![Statement {
            actions: vec!["execute-api:ManageConnections".to_owned()],
            resources: vec![resource],
        }],
    }
}

/// The local Lambda starts this test alone, as the functions' process. As a test of its own it does nothing.
#[test]
fn function_process() {
    if variable("AWS_LAMBDA_RUNTIME_API").is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let ended = runtime.block_on(async {
        match variable("STREAMS") {
            Some(_) => lambda_runtime::run(service_fn(stream)).await,
            None => lambda_runtime::run(service_fn(deliver)).await,
        }
    });
    std::process::exit(i32::from(ended.is_err()));
}

/// Sends three events. It waits for the gates `2` and `3` before the second and the third. With `?break`, it ends in
/// the middle.
async fn stream(event: LambdaEvent<Value>) -> Result<Response<Body>, Error> {
    let breaks = event.payload["rawQueryString"] == "break";
    let (mut sender, body) = channel();
    tokio::spawn(async move {
        for number in 1..=3 {
            if number > 1 {
                gate(&number.to_string()).await;
            }
            if breaks && number == 3 {
                std::process::exit(1);
            }
            let event = format!("id: {number}\ndata: event {number}\n\n");
            if sender.send_data(event.into()).await.is_err() {
                return;
            }
        }
    });
    let mut response = Response::from(body);
    let headers = &mut response.metadata_prelude.headers;
    headers.insert("content-type", "text/event-stream".parse()?);
    Ok(response)
}

/// Answers for the authorizer and the routes.
async fn deliver(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let event = event.payload;
    if event["type"] == "REQUEST" {
        let token = event["queryStringParameters"]["token"].as_str();
        let effect = match token {
            None => return Err("Unauthorized".into()),
            Some("denied") => "Deny",
            Some(_) => "Allow",
        };
        let arn = &event["methodArn"];
        let statement =
            json!({ "Action": "execute-api:Invoke", "Effect": effect, "Resource": arn });
        return Ok(json!({
            "principalId": token,
            "policyDocument": { "Version": "2012-10-17", "Statement": [statement] },
            "context": { "owner": token },
        }));
    }
    if event["requestContext"]["routeKey"] == "fail" {
        return Err("as asked".into());
    }
    Ok(json!({ "statusCode": 200, "body": event.to_string() }))
}
