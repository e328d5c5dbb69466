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
        "user:One\n\nTwo",
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
        "seed": 7, "top_p": 0.5, "user": "alice", "logit_bias": { "50256": -100 }, "n": 1, "stop": null, "functions": [], "tools": [],
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
    let stops = |stop: Value| read(&json!({ "stop": stop })).brought.stop_sequences;
    assert_eq!(stops(json!("\n")), ["\n"]);
    assert_eq!(stops(json!(["a", "b"])), ["a", "b"]);
    assert!(stops(json!([])).is_empty());
    for vast in ["5000000000", "18446744073709551615", "99999999999999999999"] {
        let vast: Value = serde_json::from_str(vast).expect("a number");
        let request = read(&json!({ "max_tokens": vast }));
        assert_eq!(request.brought.max_tokens, Some(u32::MAX), "{vast}");
    }
}

/// What is refused, by fields, parameter and code.
fn check(cases: impl IntoIterator<Item = (Value, &'static str, &'static str)>) {
    for (fields, param, code) in cases {
        let error = ChatRequest::read(with(&fields).as_bytes()).expect_err(param);
        let found = (error.param(), error.code());
        assert_eq!(found, (Some(param), Some(code)), "{fields}");
        assert!(error.to_string().contains(&format!("'{param}'")), "{error}");
    }
}

#[test]
fn a_parameter_that_is_wrong_is_refused_by_its_name() {
    const TYPE: &str = "invalid_type";
    const VALUE: &str = "invalid_value";
    const NOT_HERE: &str = "unsupported_parameter";
    const NOT_THIS: &str = "unsupported_value";
    let tools = json!({ "tools": [{ "type": "function" }] });
    let format = json!({ "response_format": { "type": "json_object" } });
    check([
        (json!({ "foo": 1, "bar": 1 }), "bar", "unknown_parameter"),
        (json!({ "model": 1 }), "model", TYPE),
        (
            json!({ "model": null }),
            "model",
            "missing_required_parameter",
        ),
        (json!({ "n": 2 }), "n", NOT_THIS),
        (tools, "tools", NOT_HERE),
        (
            json!({ "tool_choice": "required" }),
            "tool_choice",
            NOT_THIS,
        ),
        (
            json!({ "functions": [{ "name": "f" }] }),
            "functions",
            NOT_HERE,
        ),
        (json!({ "audio": { "voice": "alloy" } }), "audio", NOT_HERE),
        (
            json!({ "modalities": ["text", "audio"] }),
            "modalities",
            NOT_THIS,
        ),
        (json!({ "logprobs": true }), "logprobs", NOT_HERE),
        (format, "response_format", NOT_THIS),
        (json!({ "stop": 1 }), "stop", TYPE),
        (json!({ "stop": ["a", 1] }), "stop", TYPE),
        (json!({ "stop": "" }), "stop", VALUE),
        (json!({ "stop": ["a", "b", "c", "d", "e"] }), "stop", VALUE),
        (
            json!({ "web_search_options": {} }),
            "web_search_options",
            NOT_HERE,
        ),
        (json!({ "stream": "yes" }), "stream", TYPE),
        (json!({ "stream_options": {} }), "stream_options", VALUE),
        (json!({ "max_tokens": 0 }), "max_tokens", VALUE),
        (json!({ "max_tokens": 1.5 }), "max_tokens", TYPE),
        (
            json!({ "max_completion_tokens": -1 }),
            "max_completion_tokens",
            VALUE,
        ),
        (json!({ "temperature": 2.1 }), "temperature", VALUE),
        (json!({ "temperature": "hot" }), "temperature", TYPE),
    ]);
    for body in ["", "[]", "hello", "{\"model\":", "\"\""] {
        let refused = ChatRequest::read(body.as_bytes());
        assert_eq!(refused, Err(InvalidRequest::NoJson), "{body}");
    }
}

#[test]
fn a_message_that_is_wrong_is_refused_by_its_place() {
    const MISSING: &str = "missing_required_parameter";
    let message = |message: Value| json!({ "messages": [message] });
    let user = |content: Value| message(json!({ "role": "user", "content": content }));
    let said = |role: &str| message(json!({ "role": role, "content": "a" }));
    let image = json!({ "type": "image_url", "image_url": { "url": "data:" } });
    let calls = message(json!({ "role": "assistant", "tool_calls": [{ "id": "a" }] }));
    let content = "messages[0].content";
    check([
        (json!({ "messages": null }), "messages", MISSING),
        (json!({ "messages": {} }), "messages", "invalid_type"),
        (json!({ "messages": [] }), "messages", "invalid_value"),
        (message(json!("Hello")), "messages[0]", "invalid_type"),
        (
            user(json!([{ "type": "text", "text": 5 }])),
            "messages[0].content[0]",
            "invalid_type",
        ),
        (
            message(json!({ "content": "a" })),
            "messages[0].role",
            MISSING,
        ),
        (said("tool"), "messages[0].role", "unsupported_value"),
        (said("assistant"), "messages", "invalid_value"),
        (message(json!({ "role": "user" })), content, MISSING),
        (user(json!(7)), content, "invalid_type"),
        (
            user(json!([{ "text": "a" }])),
            "messages[0].content[0].type",
            MISSING,
        ),
        (
            user(json!([{ "type": "text" }])),
            "messages[0].content[0].text",
            MISSING,
        ),
        (
            user(json!([image])),
            "messages[0].content[0].type",
            "unsupported_value",
        ),
        (calls, "messages[0].tool_calls", "unsupported_parameter"),
    ]);
    let cut = hello().to_string().replace("Hello", "\\ud83d");
    let error = ChatRequest::read(cut.as_bytes()).expect_err("no text");
    assert_eq!(error.param(), Some(content));
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
