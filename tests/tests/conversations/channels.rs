//! Conversations over the Function URL and the WebSocket API.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use system_tests::conversations::Talk;
use system_tests::stack::script;
use system_tests::url::{Events, text_of};
use system_tests::{TestStack, within};
use uuid::Uuid;

async fn stack() -> TestStack {
    TestStack::start_with(|options| options.script = script(2, Duration::ZERO)).await
}

async fn json_of(stack: &TestStack, method: Method, path: &str) -> (StatusCode, Value) {
    let request = stack.url(method, path, "alice").send();
    let response = within("a response", request).await.expect("a response");
    (response.status(), response.json().await.expect("JSON"))
}

#[tokio::test]
async fn a_function_url_answers_a_turn_and_shows_its_conversation() {
    let stack = stack().await;
    let talk = Talk::new(&stack);
    let first = talk.ask("One", None).await;
    let question = json!({ "prompt": "Two", "conversationId": talk.id, "parentId": first });
    let request = stack.url(Method::POST, "", "alice").json(&question).send();
    let response = within("a response", request).await.expect("a response");
    let header = response.headers()["x-tokencast-conversation-id"].clone();
    assert_eq!(header.to_str().expect("a text"), talk.id);
    let mut events = Events::of(response);
    let second = events.session_id();
    assert_eq!(text_of(&events.rest().await), "2:0 2:1 ");
    assert_eq!(stack.told(), ["One", "1:0 1:1 ", "Two"]);

    let (status, list) = json_of(&stack, Method::GET, "conversations?limit=1").await;
    assert_eq!(
        (status, &list["items"][0]["title"]),
        (StatusCode::OK, &json!("One"))
    );
    let path = format!("conversations/{}", talk.id);
    let (status, read) = json_of(&stack, Method::GET, &path).await;
    assert_eq!(status, StatusCode::OK, "{read}");
    assert_eq!(read["turns"][1]["sessionId"], second.as_str());
    assert_eq!(read["turns"][1]["stream"]["text"], "2:0 2:1 ");
    let request = stack.url(
        Method::GET,
        &format!("{path}/export?format=markdown"),
        "alice",
    );
    let response = within("a response", request.send())
        .await
        .expect("a response");
    let markdown = response.text().await.expect("text");
    assert!(markdown.starts_with("# One\n"), "{markdown}");
    for format in ["json", "JSON"] {
        let path = format!("{path}/export?format={format}");
        let (_, exported) = json_of(&stack, Method::GET, &path).await;
        assert_eq!(exported["turns"].as_array().map(Vec::len), Some(2));
    }
    for (query, expected) in [
        ("format=pdf", "format is unknown"),
        ("nextToken=zz", "nextToken is not taken here"),
        ("limit=5", "limit is not taken here"),
    ] {
        let path = format!("{path}/export?{query}");
        let (status, refused) = json_of(&stack, Method::GET, &path).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{refused}");
        let message = refused["error"]["message"].as_str().expect("a message");
        assert!(message.starts_with(expected), "{message}");
    }
    let path_of_list = "conversations?limit=99999999999999999999999";
    let (_, refused) = json_of(&stack, Method::GET, path_of_list).await;
    let expected = "limit is malformed: expected a whole number from 1 to 100";
    assert_eq!(refused["error"]["message"], expected);

    let (status, _) = json_of(&stack, Method::DELETE, &path).await;
    assert_eq!(status, StatusCode::OK);
    let (status, gone) = json_of(&stack, Method::GET, &path).await;
    let code = &gone["error"]["code"];
    assert_eq!(
        (status, code),
        (StatusCode::NOT_FOUND, &json!("CONVERSATION_NOT_FOUND"))
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn a_function_url_refuses_with_a_status() {
    let stack = stack().await;
    let talk = Talk::new(&stack);
    talk.ask("One", None).await;
    let itself = Uuid::new_v4().to_string();
    for (question, expected, code) in [
        (
            json!({ "prompt": "x", "parentId": itself }),
            StatusCode::BAD_REQUEST,
            "INVALID_ARGUMENT",
        ),
        (
            json!({ "prompt": "x", "conversationId": "mine" }),
            StatusCode::BAD_REQUEST,
            "INVALID_ARGUMENT",
        ),
        (
            json!({ "prompt": "x", "conversationId": 5 }),
            StatusCode::BAD_REQUEST,
            "INVALID_ARGUMENT",
        ),
        (
            json!({ "prompt": "x", "conversationId": talk.id, "parentId": [itself] }),
            StatusCode::BAD_REQUEST,
            "INVALID_ARGUMENT",
        ),
        (
            json!({ "prompt": "x", "conversationId": talk.id, "sessionId": itself, "parentId": itself }),
            StatusCode::CONFLICT,
            "PARENT_IS_SELF",
        ),
        (
            json!({ "prompt": "x", "conversationId": talk.id, "parentId": Uuid::new_v4() }),
            StatusCode::CONFLICT,
            "PARENT_NOT_STARTED",
        ),
    ] {
        let request = stack.url(Method::POST, "", "alice").json(&question).send();
        let response = within("a response", request).await.expect("a response");
        assert_eq!(response.status(), expected, "{question}");
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(body["error"]["code"], code, "{body}");
    }
    for (method, path, expected) in [
        (
            Method::GET,
            "conversations/mine".to_owned(),
            StatusCode::BAD_REQUEST,
        ),
        (
            Method::GET,
            format!("conversations/{itself}"),
            StatusCode::NOT_FOUND,
        ),
        (
            Method::DELETE,
            format!("conversations/{itself}"),
            StatusCode::NOT_FOUND,
        ),
        (
            Method::GET,
            "conversations?limit=x".to_owned(),
            StatusCode::BAD_REQUEST,
        ),
        (
            Method::POST,
            "conversations".to_owned(),
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (
            Method::GET,
            format!("conversations/{}/other", talk.id),
            StatusCode::NOT_FOUND,
        ),
    ] {
        let (status, body) = json_of(&stack, method, &path).await;
        assert_eq!(status, expected, "{path}: {body}");
    }
    talk.delete().await;
    let question = json!({ "prompt": "x", "conversationId": talk.id });
    let request = stack.url(Method::POST, "", "alice").json(&question).send();
    let response = within("a response", request).await.expect("a response");
    assert_eq!(response.status(), StatusCode::GONE);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_websocket_starts_a_turn() {
    let stack = stack().await;
    let talk = Talk::new(&stack);
    let first = talk.ask("One", None).await;
    let mut socket = stack.websocket("alice").await;
    let message = json!({
        "action": "stream", "prompt": "Two", "conversationId": talk.id, "parentId": first,
    });
    let started = socket.ask(&message, "started").await;
    assert_eq!(started["conversationId"], talk.id.as_str(), "{started}");
    assert_eq!(started["parentId"], first.as_str());
    let second = started["sessionId"].as_str().expect("an id");
    assert_eq!(socket.end_of(second).await.text, "2:0 2:1 ");
    assert_eq!(stack.told(), ["One", "1:0 1:1 ", "Two"]);
    stack.shutdown().await;
}
