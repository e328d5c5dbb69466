use serde_json::json;

use super::*;

fn hello() -> Value {
    json!({ "model": "default", "messages": [{ "role": "user", "content": "Hello" }] })
}

/// A request with these fields besides.
fn with(fields: &Value) -> String {
    let mut request = hello();
    for (name, value) in fields.as_object().expect("an object") {
        request[name] = value.clone();
    }
    request.to_string()
}

fn read(fields: &Value) -> ChatRequest {
    let body = with(fields);
    ChatRequest::read(body.as_bytes()).unwrap_or_else(|error| panic!("{fields}: {error}"))
}

/// The turns and the system prompt as `role:text`.
fn texts(request: &ChatRequest) -> Vec<String> {
    let brought = &request.brought;
    let system = brought.system.iter().map(|text| format!("system:{text}"));
    let turns = brought.turns.iter().map(|turn| match turn.role {
        Role::User => format!("user:{}", turn.text),
        Role::Assistant => format!("assistant:{}", turn.text),
    });
    let prompt = std::iter::once(request.prompt.0.clone());
    system.chain(turns).chain(prompt).collect()
}

#[test]
fn the_last_message_is_the_prompt_and_the_others_are_brought() {
    let request = read(&json!({ "messages": [
        { "role": "developer", "content": "Be brief." },
        { "role": "user", "content": [{ "type": "text", "text": "One" }, { "type": "text", "text": "Two" }] },
        { "role": "assistant", "content": "Three", "tool_calls": null, "refusal": null },
        { "role": "system", "content": [{ "type": "text", "text": "In French." }] },
        { "role": "assistant", "content": [{ "type": "refusal", "refusal": "No." }], "tool_calls": [] },
        { "role": "user", "content": "Four", "name": "alice" },
    ] }));
    let expected = [
        "system:Be brief.\n\nIn French.",
        "user:One\nTwo",
        "assistant:Three",
        "assistant:No.",
        "Four",
    ];
    assert_eq!(texts(&request), expected);
    assert!(!request.is_streamed);
}

#[test]
fn what_only_tunes_a_model_is_ignored_and_what_is_null_is_not_there() {
    let request = read(&json!({
        "seed": 7, "top_p": 0.5, "user": "alice", "logit_bias": { "50256": -100 }, "n": 1, "stop": null, "tools": [],
        "tool_choice": "auto", "modalities": ["text"], "logprobs": false, "response_format": { "type": "text" },
        "stream": null, "max_tokens": null, "foo": null,
    }));
    assert_eq!(request, read(&json!({})));
}

#[test]
fn the_answers_limits_are_read() {
    let request = read(&json!({
        "max_tokens": 10, "max_completion_tokens": 20, "temperature": 1.5,
        "stream": true, "stream_options": { "include_usage": true, "include_obfuscation": false },
    }));
    let brought = &request.brought;
    assert_eq!(
        (brought.max_tokens, brought.temperature),
        (Some(20), Some(1.5))
    );
    assert!(request.is_streamed && request.includes_usage);
    let request = read(&json!({ "max_tokens": 5_000_000_000_u64 }));
    assert_eq!(request.brought.max_tokens, Some(u32::MAX));
}

#[test]
fn what_is_wrong_is_refused_by_its_name() {
    let message = |message: Value| json!({ "messages": [message] });
    let user = |content: Value| message(json!({ "role": "user", "content": content }));
    for (fields, param, code) in [
        (json!({ "foo": 1, "bar": 1 }), "bar", "unknown_parameter"),
        (json!({ "model": 1 }), "model", "invalid_type"),
        (
            json!({ "model": null }),
            "model",
            "missing_required_parameter",
        ),
        (
            json!({ "messages": null }),
            "messages",
            "missing_required_parameter",
        ),
        (json!({ "messages": {} }), "messages", "invalid_type"),
        (json!({ "messages": [] }), "messages", "invalid_value"),
        (
            json!({ "messages": ["Hello"] }),
            "messages[0]",
            "invalid_type",
        ),
        (
            message(json!({ "content": "a" })),
            "messages[0].role",
            "missing_required_parameter",
        ),
        (
            message(json!({ "role": "tool", "content": "a" })),
            "messages[0].role",
            "unsupported_value",
        ),
        (
            message(json!({ "role": "assistant", "content": "a" })),
            "messages",
            "invalid_value",
        ),
        (
            message(json!({ "role": "user" })),
            "messages[0].content",
            "missing_required_parameter",
        ),
        (user(json!(7)), "messages[0].content", "invalid_type"),
        (
            user(json!([{ "text": "a" }])),
            "messages[0].content[0].type",
            "missing_required_parameter",
        ),
        (
            user(json!([{ "type": "text" }])),
            "messages[0].content[0].text",
            "missing_required_parameter",
        ),
        (
            user(
                json!([{ "type": "text", "text": "a" }, { "type": "image_url", "image_url": { "url": "data:" } }]),
            ),
            "messages[0].content[1].type",
            "unsupported_value",
        ),
        (
            message(json!({ "role": "assistant", "tool_calls": [{ "id": "a" }] })),
            "messages[0].tool_calls",
            "unsupported_parameter",
        ),
        (json!({ "n": 2 }), "n", "unsupported_value"),
        (
            json!({ "tools": [{ "type": "function" }] }),
            "tools",
            "unsupported_parameter",
        ),
        (
            json!({ "tool_choice": "required" }),
            "tool_choice",
            "unsupported_value",
        ),
        (
            json!({ "functions": [{ "name": "f" }] }),
            "functions",
            "unsupported_parameter",
        ),
        (
            json!({ "audio": { "voice": "alloy" } }),
            "audio",
            "unsupported_parameter",
        ),
        (
            json!({ "modalities": ["text", "audio"] }),
            "modalities",
            "unsupported_value",
        ),
        (
            json!({ "logprobs": true }),
            "logprobs",
            "unsupported_parameter",
        ),
        (
            json!({ "response_format": { "type": "json_object" } }),
            "response_format",
            "unsupported_value",
        ),
        (json!({ "stop": "\n" }), "stop", "unsupported_parameter"),
        (
            json!({ "web_search_options": {} }),
            "web_search_options",
            "unsupported_parameter",
        ),
        (json!({ "stream": "yes" }), "stream", "invalid_type"),
        (
            json!({ "stream_options": {} }),
            "stream_options",
            "invalid_value",
        ),
        (json!({ "max_tokens": 0 }), "max_tokens", "invalid_value"),
        (json!({ "max_tokens": 1.5 }), "max_tokens", "invalid_type"),
        (
            json!({ "max_completion_tokens": -1 }),
            "max_completion_tokens",
            "invalid_value",
        ),
        (
            json!({ "temperature": 2.1 }),
            "temperature",
            "invalid_value",
        ),
        (
            json!({ "temperature": "hot" }),
            "temperature",
            "invalid_type",
        ),
    ] {
        let error = ChatRequest::read(with(&fields).as_bytes()).expect_err(param);
        assert_eq!(
            (error.param(), error.code()),
            (Some(param), Some(code)),
            "{fields}"
        );
        assert!(error.to_string().contains(&format!("'{param}'")), "{error}");
    }
    for body in ["", "[]", "hello", "{\"model\":", "\"\""] {
        assert_eq!(
            ChatRequest::read(body.as_bytes()),
            Err(InvalidRequest::NoJson),
            "{body}"
        );
    }
    let cut = hello().to_string().replace("Hello", "\\ud83d");
    let error = ChatRequest::read(cut.as_bytes()).expect_err("no text");
    assert_eq!(error.param(), Some("messages[0].content"));
}

#[test]
fn nothing_that_was_said_is_shown() {
    let request = read(&json!({ "messages": [
        { "role": "system", "content": "secret" },
        { "role": "user", "content": "secret" },
        { "role": "assistant", "content": "secret" },
        { "role": "user", "content": "secret" },
    ] }));
    assert!(!format!("{request:?}").contains("secret"));
}
