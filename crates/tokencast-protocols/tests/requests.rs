//! What is read of a chat's request, and what is said of one that is wrong.

use serde_json::{Value, json};
use tokencast_core::failure::FailureCode;
use tokencast_protocols::ai_sdk::request::{AnswerRequest, SaidBy, Trigger};
use tokencast_protocols::ai_sdk::socket::{Asked, ClientFrame};

const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

fn user(id: &str, texts: &[&str]) -> Value {
    let parts = texts
        .iter()
        .map(|text| json!({"type": "text", "text": text}));
    json!({"id": id, "role": "user", "parts": parts.collect::<Vec<_>>()})
}

fn read(body: &Value) -> Result<AnswerRequest, String> {
    let read = AnswerRequest::read(body.to_string().as_bytes());
    read.map_err(|error| error.to_string())
}

#[test]
fn a_question_is_read_with_what_was_said_before() {
    let request = read(&json!({
        "id": "chat", "trigger": "regenerate-message", "messageId": "x", "more": {"a": 1}, "assistant": "brief",
        "messages": [
            {"id": "s", "role": "system", "parts": [{"type": "text", "text": "Be brief."}]},
            user("m1", &["Hi"]),
            {"id": ID, "role": "assistant", "metadata": {}, "parts": [
                {"type": "step-start"}, {"type": "reasoning", "text": "Hm"},
                {"type": "text", "text": "Hel", "state": "done"},
                {"type": "source-url", "sourceId": "1", "url": "https://example.com"},
                {"type": "tool-weather", "toolCallId": "1", "state": "input-available", "input": {}},
                {"type": "data-note", "data": 5},
                {"type": "text", "text": "lo"},
            ]},
            {"id": "greeting", "role": "assistant", "parts": []},
            user("m2", &["How", "are you?"]),
        ],
    }))
    .expect("a request");
    assert_eq!(request.chat_id, "chat");
    assert_eq!(request.trigger, Trigger::Regenerate);
    assert_eq!(request.message_id, "m2");
    assert_eq!(request.texts, ["How", "are you?"]);
    assert_eq!(request.prompt(), "How\n\nare you?");
    assert_eq!(request.system.as_deref(), Some("Be brief."));
    assert_eq!(request.assistant.as_deref(), Some("brief"));
    let history: Vec<_> = request
        .history
        .iter()
        .map(|said| (said.by.clone(), said.text.as_str()))
        .collect();
    let session = ID.parse().expect("an id");
    assert_eq!(
        history,
        [
            (SaidBy::User, "Hi"),
            (SaidBy::Assistant(Some(session)), "Hello"),
        ]
    );
    assert!(!format!("{request:?}").contains("Hello"));
}

fn check(change: impl FnOnce(&mut Value), code: FailureCode, expected: &str) {
    let mut body = json!({"id": "chat", "messages": [user("m1", &["Hi"])]});
    change(&mut body);
    let error = AnswerRequest::read(body.to_string().as_bytes()).expect_err("refused");
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn what_is_wrong_is_named() {
    use FailureCode::{InvalidArgument, InvalidPrompt};
    let part = |part: Value| move |body: &mut Value| body["messages"][0]["parts"][0] = part;
    for other in [json!("secret"), json!([]), json!(["chat", []])] {
        check(
            |body| *body = other,
            InvalidArgument,
            "the body is no JSON object: expected {\"id\": …",
        );
    }
    check(
        |body| body["id"] = json!(""),
        InvalidArgument,
        "id is empty: expected a text",
    );
    check(
        |body| body["messages"][0] = json!(["m1", "user", []]),
        InvalidArgument,
        "messages[0] is malformed",
    );
    check(
        |body| body["id"] = json!(null),
        InvalidArgument,
        "id is missing",
    );
    check(
        |body| body["id"] = json!(5),
        InvalidArgument,
        "id is malformed",
    );
    check(
        |body| body["messages"] = json!([]),
        InvalidArgument,
        "messages is empty",
    );
    check(
        |body| body["messages"] = json!({}),
        InvalidArgument,
        "messages is malformed",
    );
    check(
        |body| body["trigger"] = json!("unknown"),
        InvalidArgument,
        "trigger is `unknown`: expected `submit-message` or `regenerate-message`",
    );
    check(
        |body| body["trigger"] = json!("a secret"),
        InvalidArgument,
        "trigger is `?`",
    );
    check(
        |body| body["trigger"] = json!(5),
        InvalidArgument,
        "trigger is malformed",
    );
    check(
        |body| body["messages"][0]["parts"] = json!(null),
        InvalidArgument,
        "messages[0].parts is missing",
    );
    check(
        |body| body["messages"][0]["id"] = json!(null),
        InvalidArgument,
        "messages[0].id is missing",
    );
    check(
        part(json!({"type": "text", "text": ["secret"]})),
        InvalidArgument,
        "messages[0].parts[0].text is malformed",
    );
    check(
        part(json!({"type": "text"})),
        InvalidArgument,
        "messages[0].parts[0].text is missing",
    );
    check(
        part(json!({"type": "file", "url": "data:secret"})),
        InvalidPrompt,
        "messages[0].parts[0] is of the type `file`, which is not supported: expected `text`",
    );
    check(
        part(json!({"type": "a secret"})),
        InvalidPrompt,
        "messages[0].parts[0] is of the type `?`",
    );
    check(
        |body| body["messages"][0]["role"] = json!("assistant"),
        InvalidPrompt,
        "the last message is not the user's",
    );
    check(
        |body| body["messages"][0]["role"] = json!("system"),
        InvalidPrompt,
        "the last message is of the role `system`: expected `user`",
    );
    check(
        |body| body["messages"][0]["role"] = json!("tool"),
        InvalidPrompt,
        "messages[0].role is not supported",
    );
}

#[test]
fn a_text_that_is_cut_in_a_character_is_named() {
    let body = r#"{"id":"chat","more":"\ud83d","messages":[{"id":"m","role":"user","parts":[{"type":"text","text":"cut \ud83d"}]}]}"#;
    let error = AnswerRequest::read(body.as_bytes()).expect_err("refused");
    assert_eq!(error.code(), FailureCode::InvalidPrompt);
    let error = error.to_string();
    assert!(
        error.starts_with("messages[0].parts[0].text is no Unicode text"),
        "{error}"
    );
}

#[test]
fn frames_of_a_socket_are_told_by_their_type() {
    let read = |frame: Value| Asked::read(&frame.to_string());
    for native in [
        json!({"action": "stream", "prompt": "Hi", "type": "send"}),
        json!({"prompt": "Hi"}),
        json!([]),
        json!(["send", null, "r1"]),
    ] {
        assert!(read(native.clone()).is_none(), "{native}");
    }
    let sent = read(json!({
        "type": "send", "requestId": "r1", "id": "chat", "trigger": "submit-message", "messages": [user("m1", &["Hi"])],
        "headers": {}, "body": {"assistant": "brief"},
    }))
    .expect("a frame");
    assert_eq!(sent.request_id, "r1");
    let Ok(ClientFrame::Send(request)) = sent.frame else {
        panic!("{sent:?}")
    };
    assert_eq!(request.assistant.as_deref(), Some("brief"));
    let resume =
        read(json!({"type": "resume", "requestId": "r2", "id": "chat", "headers": {}, "body": {}}));
    let frame = resume.expect("a frame").frame;
    assert!(matches!(frame, Ok(ClientFrame::Resume { chat_id }) if chat_id == "chat"));
    let abort = read(json!({"type": "abort", "requestId": "r2"}));
    assert!(matches!(
        abort.expect("a frame").frame,
        Ok(ClientFrame::Abort)
    ));
    for (wrong, expected) in [
        (json!({"type": "abort"}), "requestId is missing"),
        (
            json!({"type": "abort", "requestId": "a b"}),
            "requestId is malformed: expected 1 to 128 visible ASCII characters",
        ),
        (
            json!({"type": "abort", "requestId": "x".repeat(129)}),
            "requestId is malformed: expected 1 to 128 visible ASCII characters",
        ),
        (json!({"type": "resume", "requestId": "r"}), "id is missing"),
        (
            json!({"type": "resume", "requestId": "r", "id": ""}),
            "id is empty",
        ),
        (
            json!({"type": "other", "requestId": "r"}),
            "type is `other`: expected `send`, `resume` or `abort`",
        ),
        (
            json!({"type": "send", "requestId": "r", "id": "chat"}),
            "messages is missing",
        ),
    ] {
        let error = read(wrong.clone())
            .expect("a frame")
            .frame
            .expect_err("refused");
        assert!(error.to_string().starts_with(expected), "{wrong}: {error}");
    }
}
