use serde_json::{Value, json};

use super::*;

fn read(messages: &Value) -> Result<RunRequest, InvalidRun> {
    let body = json!({ "threadId": "thread", "runId": "run", "messages": messages });
    RunRequest::read(body.to_string().as_bytes())
}

#[test]
fn the_last_message_is_asked_and_the_others_are_its_history() {
    let answer = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let request = read(&json!([
        { "id": "s", "role": "system", "content": "Be brief." },
        { "id": "d", "role": "developer", "content": "In French." },
        { "id": "1", "role": "user", "content": "One" },
        { "id": "r", "role": "reasoning", "content": "Hm." },
        { "id": answer, "role": "assistant", "content": "Two", "toolCalls": [{ "id": "t" }] },
        { "id": "t", "role": "tool", "content": "4", "toolCallId": "t" },
        { "id": "2", "role": "assistant" },
        { "id": "3", "role": "user", "content": [{ "type": "text", "text": "Three" }, { "type": "text", "text": "Four" }] },
    ]))
    .expect("a request");
    let chat = request.chat;
    assert_eq!(
        (chat.chat_id.as_str(), chat.message_id.as_str()),
        ("thread", "run 3")
    );
    assert_eq!(chat.texts, ["Three", "Four"]);
    assert_eq!(chat.system.as_deref(), Some("Be brief.\n\nIn French."));
    let said: Vec<_> = chat
        .history
        .iter()
        .map(|said| (said.by.clone(), said.text.as_str()))
        .collect();
    let ours = SaidBy::Assistant(answer.parse().ok());
    assert_eq!(said, [(SaidBy::User, "One"), (ours, "Two")]);
    assert_eq!(request.messages.0.len(), 8);
    assert!(!request.reads_version_1);
}

#[test]
fn the_page_may_name_an_assistant() {
    let body = json!({
        "threadId": "t", "runId": "r", "protocolVersion": "1.0", "tools": [], "context": [], "state": {},
        "messages": [{ "id": "1", "role": "user", "content": "Hello" }],
    });
    for (props, expected) in [
        (json!({ "assistant": "general" }), Some("general")),
        (json!({}), None),
        (json!(7), None),
        (Value::Null, None),
    ] {
        let mut body = body.clone();
        body["forwardedProps"] = props;
        let request = RunRequest::read(body.to_string().as_bytes()).expect("a request");
        assert_eq!(request.chat.assistant.as_deref(), expected);
        assert!(request.reads_version_1);
    }
}

#[test]
fn what_is_wrong_is_refused_by_its_name() {
    let malformed = |name: &str| InvalidRun::Malformed(name.to_owned());
    for (messages, expected) in [
        (json!([]), InvalidRun::NoMessages),
        (json!(null), malformed("messages")),
        (json!([7]), malformed("messages[0]")),
        (
            json!([{ "role": "user", "content": "a" }]),
            malformed("messages[0].id"),
        ),
        (
            json!([{ "id": "1", "role": "user" }]),
            malformed("messages[0].content"),
        ),
        (
            json!([{ "id": "1", "role": "user", "content": 7 }]),
            malformed("messages[0].content"),
        ),
        (
            json!([{ "id": "1", "role": "assistant", "content": "a" }]),
            InvalidRun::LastNotUsers,
        ),
        (
            json!([{ "id": "1", "role": "tool", "content": "a" }]),
            InvalidRun::LastNotUsers,
        ),
        (
            json!([{ "id": "1", "role": "user", "content": "a" }, { "id": "2", "role": "system", "content": "b" }]),
            InvalidRun::LastRole("system"),
        ),
        (json!([["1", "user", "a"]]), malformed("messages[0]")),
        (
            json!([{ "id": "1", "role": "boss", "content": "a" }]),
            InvalidRun::Role("messages[0].role".to_owned()),
        ),
        (
            json!([{ "id": "1", "role": "user", "content": [{ "type": "image", "source": {} }] }]),
            InvalidRun::Part("messages[0].content[0]".to_owned()),
        ),
    ] {
        assert_eq!(
            read(&messages).expect_err("refused"),
            expected,
            "{messages}"
        );
    }
    let role = InvalidRun::Role("messages[0].role".to_owned()).to_string();
    assert!(role.contains("`user`, `assistant`, `system`"), "{role}");
    for body in ["", "{", "7", "[]", "{\"threadId\":\"t\"} x"] {
        let refused = RunRequest::read(body.as_bytes()).expect_err("refused");
        assert_eq!(refused, InvalidRun::NoJson, "{body}");
    }
    for (body, expected) in [
        (json!({ "threadId": "t" }), "runId"),
        (json!({ "threadId": 5, "runId": "r" }), "threadId"),
        (
            json!({ "threadId": "t", "runId": "r", "messages": "x" }),
            "messages",
        ),
        (
            json!({ "threadId": "t", "runId": "r", "forwardedProps": { "assistant": 4 },
                "messages": [{ "id": "1", "role": "user", "content": "a" }] }),
            "forwardedProps.assistant",
        ),
    ] {
        let refused = RunRequest::read(body.to_string().as_bytes()).expect_err("refused");
        assert_eq!(refused, malformed(expected), "{body}");
    }
}

#[test]
fn nothing_that_was_said_is_shown() {
    let request = read(
        &json!([{ "id": "1", "role": "assistant", "content": "secret" }, { "id": "2", "role": "user", "content": "b" }]),
    );
    assert!(!format!("{:?}", request.expect("a request").messages).contains("secret"));
}
