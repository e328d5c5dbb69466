//! The function under test: the authorizer and every route. It does what the token or the action says.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use local_stack::testing::{gate, leave_note, variable};
use serde_json::{Value, json};

/// The local Lambda starts this executable with arguments that select only this test. Run as a test, it does nothing.
#[test]
fn function_process() {
    if variable("AWS_LAMBDA_RUNTIME_API").is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let ended = runtime.block_on(lambda_runtime::run(service_fn(handle)));
    std::process::exit(i32::from(ended.is_err()));
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let event = event.payload;
    if event["type"] == "REQUEST" {
        return authorize(&event);
    }
    match event["requestContext"]["eventType"].as_str() {
        Some("CONNECT") => Ok(connect(&event)),
        Some("DISCONNECT") => {
            let id = event["requestContext"]["connectionId"].as_str();
            leave_note(&format!("{}.disconnect", id.unwrap_or_default()), &event);
            Ok(json!({ "statusCode": 200 }))
        }
        _ => message(&event).await,
    }
}

fn authorize(event: &Value) -> Result<Value, Error> {
    leave_note("authorizer", event);
    let token = event["queryStringParameters"]["token"]
        .as_str()
        .or_else(|| event["headers"]["Authorization"].as_str())
        .unwrap_or("none");
    let effect = match token {
        "none" => return Err("Unauthorized".into()),
        "crash" => return Err("something else".into()),
        "null" => return Ok(Value::Null),
        "denied" => "Deny",
        _ => "Allow",
    };
    let resource = match token {
        "elsewhere" => &json!("arn:aws:execute-api:us-east-1:000000000000:other/*"),
        _ => &event["methodArn"],
    };
    Ok(json!({
        "principalId": token,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{ "Action": "execute-api:Invoke", "Effect": effect, "Resource": resource }],
        },
        "context": { "owner": token, "level": 3 },
    }))
}

fn connect(event: &Value) -> Value {
    leave_note("connect", event);
    match event["requestContext"]["authorizer"]["owner"].as_str() {
        Some("refused") => json!({ "statusCode": 418 }),
        Some("broken") => json!("not an answer"),
        _ if event["headers"]["Sec-WebSocket-Protocol"].is_string() => {
            json!({ "statusCode": 200, "headers": { "Sec-WebSocket-Protocol": "chat" } })
        }
        _ => json!({ "statusCode": 200 }),
    }
}

async fn message(event: &Value) -> Result<Value, Error> {
    let route = event["requestContext"]["routeKey"].as_str();
    let body = match route {
        Some("fail") => return Err("as asked".into()),
        Some("null") => return Ok(Value::Null),
        Some("hang") => {
            leave_note("hanging", &json!(true));
            std::future::pending::<()>().await;
            Value::Null
        }
        Some("wait") => {
            gate("wait").await;
            json!("waited")
        }
        Some("large") => json!("x".repeat(130 * 1024)),
        _ => event.to_string().into(),
    };
    Ok(json!({ "statusCode": 200, "body": body }))
}
