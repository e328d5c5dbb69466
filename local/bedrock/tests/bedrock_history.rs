//! Conversations: what Bedrock refuses, and what its prompt cache reports.

mod bedrock_support;

use aws_sdk_bedrockruntime::types::{
    CachePointBlock, CachePointType, ContentBlock, ConversationRole, Message, SystemContentBlock,
};
use serde_json::{Value, json};

use bedrock_support::{MODEL, Server, fast, read};

const CACHING: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

async fn post(server: &Server, path: &str, body: &Value) -> (u16, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().tls_certs_only([]).build();
    let url = format!("{}/model/{path}", server.url);
    let sent = client.expect("a client").post(url).json(body).send().await;
    let response = sent.expect("a response");
    let status = response.status().as_u16();
    let body: Value = response.json().await.expect("JSON");
    (
        status,
        body["message"].as_str().unwrap_or_default().to_owned(),
    )
}

/// Expects a status, and words of the refusal.
async fn check(server: &Server, path: &str, body: Value, expected: (u16, &str)) {
    let (status, message) = post(server, path, &body).await;
    assert_eq!(status, expected.0, "{path} {body}: {message}");
    assert!(message.contains(expected.1), "{body}: {message}");
}

/// An object with one member, which is a block of Converse.
#[expect(clippy::needless_pass_by_value, reason = "`json!` makes values")]
fn block(member: &str, value: Value) -> Value {
    json!({ member: value })
}

#[expect(clippy::needless_pass_by_value, reason = "`json!` makes values")]
fn message(role: &str, content: Value) -> Value {
    json!({ "role": role, "content": content })
}

fn hi() -> Value {
    block("text", json!("Hi"))
}

fn point() -> Value {
    block("cachePoint", json!({ "type": "default" }))
}

#[expect(clippy::needless_pass_by_value, reason = "`json!` makes values")]
fn reasoning(text: Value) -> Value {
    block("reasoningContent", json!({ "reasoningText": text }))
}

fn signed() -> Value {
    reasoning(json!({ "text": "hm", "signature": "s" }))
}

fn tool(id: &str) -> Value {
    block(
        "toolUse",
        json!({ "toolUseId": id, "name": "n", "input": {} }),
    )
}

fn result(id: &str) -> Value {
    block("toolResult", json!({ "toolUseId": id, "content": [hi()] }))
}

/// A question, this answer, and another question.
fn turns(answer: Value) -> Value {
    let ask = || message("user", json!([hi()]));
    json!([ask(), message("assistant", answer), ask()])
}

#[tokio::test]
async fn what_a_history_says_is_checked() {
    let server = Server::scripted(fast(&["ok"])).await;
    let nova = "amazon.nova-lite-v1:0";
    for (model, messages, expected) in [
        (CACHING, turns(json!([hi()])), (200, "")),
        (
            CACHING,
            json!([
                message("user", json!([hi()])),
                message("assistant", json!([hi()]))
            ]),
            (400, "must end with a user message"),
        ),
        (
            CACHING,
            turns(json!([block("text", json!(" "))])),
            (400, "messages.1.content.0 is blank"),
        ),
        (
            CACHING,
            turns(json!([{ "text": "a", "cachePoint": { "type": "default" } }])),
            (400, "only one of its members"),
        ),
        (
            CACHING,
            turns(json!([hi(), reasoning(json!({ "text": "hm" }))])),
            (
                400,
                "messages.1.content.1.thinking.signature: Field required",
            ),
        ),
        (
            CACHING,
            turns(json!([reasoning(json!({ "text": "hm", "signature": "" }))])),
            (400, "thinking.signature: Field required"),
        ),
        (
            nova,
            turns(json!([reasoning(json!({ "text": "hm" })), hi()])),
            (200, ""),
        ),
        (
            nova,
            turns(json!([reasoning(json!({})), hi()])),
            (400, "Member must not be null"),
        ),
        (
            CACHING,
            json!([message("user", json!([signed(), hi()]))]),
            (400, "messages.0.content.0 holds reasoning"),
        ),
        (
            CACHING,
            turns(json!([
                block("reasoningContent", json!({ "redactedContent": "AAEC" })),
                hi()
            ])),
            (200, ""),
        ),
    ] {
        let body = json!({ "messages": messages });
        check(&server, &format!("{model}/converse"), body, expected).await;
    }
}

#[tokio::test]
async fn cache_points_have_their_places() {
    let server = Server::scripted(fast(&["ok"])).await;
    let five = json!([
        hi(),
        point(),
        hi(),
        point(),
        hi(),
        point(),
        hi(),
        point(),
        hi(),
        point()
    ]);
    for (model, answer, expected) in [
        (CACHING, json!([signed(), hi(), point()]), (200, "")),
        (
            CACHING,
            json!([point(), hi()]),
            (400, "nothing available to cache"),
        ),
        (
            CACHING,
            json!([hi(), point(), point()]),
            (400, "nothing available to cache"),
        ),
        (
            CACHING,
            json!([signed(), point(), hi()]),
            (400, "Cache point cannot be inserted after reasoning block"),
        ),
        (CACHING, five, (400, "Found 5")),
        (
            CACHING,
            json!([hi(), block("cachePoint", json!({ "type": "other" }))]),
            (400, "enum value set: [default]"),
        ),
        (
            CACHING,
            json!([hi(), block("cachePoint", json!({}))]),
            (400, "Member must not be null"),
        ),
        (
            MODEL,
            json!([hi(), point()]),
            (403, "did not allow prompt caching"),
        ),
    ] {
        let body = json!({ "messages": turns(answer) });
        check(&server, &format!("{model}/converse"), body, expected).await;
    }
}

#[tokio::test]
async fn each_use_of_a_tool_has_its_result() {
    let server = Server::scripted(fast(&["ok"])).await;
    let path = format!("{CACHING}/converse");
    let body = json!({ "messages": turns(json!([tool("t1")])) });
    check(
        &server,
        &path,
        body,
        (400, "toolConfig field must be defined"),
    )
    .await;
    let tools =
        json!({ "tools": [{ "toolSpec": { "name": "n", "inputSchema": { "json": {} } } }] });
    let ask = || message("user", json!([hi()]));
    let uses = message("assistant", json!([tool("t1")]));
    for (messages, expected) in [
        (
            json!([ask(), uses, message("user", json!([result("t1")]))]),
            (200, ""),
        ),
        (
            json!([ask(), uses, ask()]),
            (400, "messages.2.content for the following Ids: t1"),
        ),
        (
            json!([message("user", json!([result("t1")]))]),
            (400, "exceeds the number of toolUse blocks"),
        ),
        (
            json!([message("user", json!([tool("t1")]))]),
            (400, "the assistant's"),
        ),
        (
            turns(json!([tool("t1"), tool("t1")])),
            (400, "contain duplicate Ids"),
        ),
        (
            turns(json!([block("toolUse", json!({ "name": "n" }))])),
            (400, "Member must not be null"),
        ),
    ] {
        let body = json!({ "messages": messages, "toolConfig": tools });
        check(&server, &path, body, expected).await;
    }
}

#[tokio::test]
async fn invoke_checks_histories_too() {
    let server = Server::scripted(fast(&["ok"])).await;
    let cached = json!({ "type": "text", "text": "Hi", "cache_control": { "type": "ephemeral" } });
    for (content, expected) in [
        (
            json!([{ "type": "thinking", "thinking": "hm", "signature": "s" }, cached]),
            (200, ""),
        ),
        (
            json!([{ "type": "redacted_thinking", "data": "AAEC" }, cached]),
            (200, ""),
        ),
        (
            json!([{ "type": "thinking", "thinking": "hm" }]),
            (400, "thinking.signature: Field required"),
        ),
        (
            json!([{ "type": "redacted_thinking" }]),
            (400, "redacted_thinking.data: Field required"),
        ),
        (
            json!([{ "type": "tool_use", "id": "t", "name": "n" }]),
            (400, "tool_use.input: Field required"),
        ),
    ] {
        let body = json!({
            "anthropic_version": "bedrock-2023-05-31", "max_tokens": 5,
            "messages": [
                { "role": "user", "content": "Why?" },
                { "role": "assistant", "content": content },
                { "role": "user", "content": "Why?" },
            ],
        });
        check(&server, &format!("{CACHING}/invoke"), body, expected).await;
    }
}

fn sdk_point() -> CachePointBlock {
    let point = CachePointBlock::builder().r#type(CachePointType::Default);
    point.build().expect("complete")
}

#[tokio::test]
async fn the_prompt_cache_is_in_the_usage() {
    let server = Server::scripted(fast(&["one", "two"])).await;
    let long = "word ".repeat(2_000);
    let say = |role: ConversationRole, text: &str, cached: bool| {
        let mut message = Message::builder()
            .role(role)
            .content(ContentBlock::Text(text.into()));
        if cached {
            message = message.content(ContentBlock::CachePoint(sdk_point()));
        }
        message.build().expect("complete")
    };
    let ask = |turns: usize| {
        let mut request = server.client().converse_stream().model_id(CACHING);
        request = request
            .system(SystemContentBlock::Text("Be brief.".into()))
            .system(SystemContentBlock::CachePoint(sdk_point()));
        for turn in 0..turns {
            request = request
                .messages(say(
                    ConversationRole::User,
                    &format!("{turn} {long}"),
                    false,
                ))
                .messages(say(ConversationRole::Assistant, "Yes.", turn + 1 == turns));
        }
        request.messages(say(ConversationRole::User, "And now?", false))
    };
    let mut seen = Vec::new();
    for turns in [0, 1, 1, 2] {
        let answer = read(ask(turns)).await;
        let (read, written) = answer.cache.expect("cache points");
        let (input, output, total) = answer.usage.expect("usage");
        assert_eq!(total, input + output + read + written);
        seen.push((input, read, written));
    }
    let [
        (short, 0, 0),
        (rest, 0, first),
        (again, known, 0),
        (last, before, more),
    ] = seen[..]
    else {
        panic!("unexpected {seen:?}")
    };
    assert!(short < 10 && first > 2_000, "{seen:?}");
    assert_eq!((rest, again, last), (3, 3, 3), "the question alone");
    assert_eq!((known, before), (first, first));
    assert!(more > 2_000, "{seen:?}");
    let uncached = bedrock_support::converse(&server.client(), "Hi").await;
    assert_eq!(uncached.cache, None);
}
