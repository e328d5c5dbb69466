//! Starts a session by hand, over any channel, with a prompt in JSON that is sent unchanged.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::url::Events;
use system_tests::{Channel, TestStack, within};

/// Why a start was refused: its code and message.
pub(crate) type Refused = (String, String);

/// Starts a session as `alice`, with a prompt that is JSON already.
pub(crate) async fn start_json(
    stack: &TestStack,
    channel: Channel,
    id: &str,
    prompt: &str,
) -> Result<(), Refused> {
    match channel {
        Channel::AppSync => over_appsync(stack, id, prompt).await,
        Channel::FunctionUrl => over_url(stack, id, prompt).await,
        Channel::WebSocket => over_websocket(stack, id, prompt).await,
    }
}

/// Starts a session with a prompt that is encoded here.
pub(crate) async fn start(
    stack: &TestStack,
    channel: Channel,
    id: &str,
    prompt: &str,
) -> Result<(), Refused> {
    start_json(stack, channel, id, &json!(prompt).to_string()).await
}

async fn over_appsync(stack: &TestStack, id: &str, prompt: &str) -> Result<(), Refused> {
    let query = "mutation($prompt: String!, $id: String) { startStream(prompt: $prompt, sessionId: $id) { status } }";
    let body = format!(r#"{{"query":"{query}","variables":{{"prompt":{prompt},"id":"{id}"}}}}"#);
    let client = reqwest::Client::builder().no_proxy().build();
    let request = client
        .expect("a client")
        .post(stack.running.info.endpoints.graphql_url())
        .header("authorization", stack.access_token("alice"))
        .body(body);
    let response = within("an answer", request.send())
        .await
        .expect("an answer");
    let answer: Value = response.json().await.expect("JSON");
    match answer["errors"].get(0) {
        None => Ok(()),
        Some(error) => Err((text(&error["errorType"]), text(&error["message"]))),
    }
}

/// Starts over the Function URL, and reads the whole answer.
async fn over_url(stack: &TestStack, id: &str, prompt: &str) -> Result<(), Refused> {
    let body = format!(r#"{{"prompt":{prompt},"sessionId":"{id}"}}"#);
    let request = stack.url(Method::POST, "", "alice").body(body);
    let response = within("a response", request.send())
        .await
        .expect("a response");
    if response.status() == 200 {
        Events::of(response).rest().await;
        return Ok(());
    }
    let said = response.text().await.expect("a body");
    let error = match serde_json::from_str::<Value>(&said) {
        Ok(error) => error["error"].clone(),
        Err(_) => json!({ "message": said }),
    };
    Err((text(&error["code"]), text(&error["message"])))
}

async fn over_websocket(stack: &TestStack, id: &str, prompt: &str) -> Result<(), Refused> {
    let mut socket = stack.websocket("alice").await;
    let message = format!(r#"{{"action":"stream","prompt":{prompt},"sessionId":"{id}"}}"#);
    socket.send_text(&message).await;
    loop {
        let frame = socket.next().await;
        if frame["type"] == "started" {
            return Ok(());
        }
        // An event may come before the reply.
        if frame.get("sequence").is_none() {
            let error = &frame["error"];
            return Err((text(&error["code"]), text(&error["message"])));
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
