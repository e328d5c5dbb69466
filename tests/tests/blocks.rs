//! An answer's reasoning, citations and tools reach clients and the record as they are, over each channel.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use local_stack::config::{ScriptBlock, ScriptConfig};
use reqwest::header::ACCEPT;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use system_tests::stack::script;
use system_tests::url::text_of;
use system_tests::{Channel, TestStack, collect, over_each_channel};
use tokencast::stack::TABLE;
use uuid::Uuid;

/// What only the model may read.
const SIGNATURE: &str = "c2lnbmF0dXJl";
const REDACTED: &str = "cmVkYWN0ZWQ=";

fn blocks() -> Value {
    json!([
        {"reasoning": ["Rivers ", "bend. "], "signature": SIGNATURE},
        {"redacted": REDACTED},
        {"text": ["They ", "meander"]},
        {"citation": {"title": "Rivers", "url": "https://example.com/rivers", "text": "Rivers meander."}},
        {"text": [" slowly."]},
        {"toolUse": {"toolUseId": "t1", "name": "weather", "input": ["{\"city\":", "\"Rome\"}"]}},
        {"toolResult": {"toolUseId": "t1", "status": "success", "content": "It rains."}},
        {"text": [" So it goes."]},
    ])
}

const TEXT: &str = "They meander slowly. So it goes.";

/// The same blocks as `getStream` has them.
fn of_get_stream() -> Value {
    let block = |index, block_type: &str, field: &str, value: Value| {
        let mut block = json!({"index": index, "type": block_type, "text": null, "reasoning": null,
            "citation": null, "toolUse": null, "toolResult": null});
        block[field] = value;
        block
    };
    json!([
        block(0, "REASONING", "reasoning", json!("Rivers bend. ")),
        block(1, "REASONING", "reasoning", json!("")),
        block(2, "TEXT", "text", json!("They meander")),
        block(
            3,
            "CITATION",
            "citation",
            json!({"title": "Rivers",
            "url": "https://example.com/rivers", "text": "Rivers meander."})
        ),
        block(4, "TEXT", "text", json!(" slowly.")),
        block(
            5,
            "TOOL_USE",
            "toolUse",
            json!({"toolUseId": "t1", "name": "weather",
            "input": "{\"city\":\"Rome\"}"})
        ),
        block(
            6,
            "TOOL_RESULT",
            "toolResult",
            json!({"toolUseId": "t1", "status": "success",
            "content": "It rains."})
        ),
        block(7, "TEXT", "text", json!(" So it goes.")),
    ])
}

fn scripted(blocks: Value, time_between_tokens: Duration) -> ScriptConfig {
    let blocks: Vec<ScriptBlock> = serde_json::from_value(blocks).expect("a script's blocks");
    ScriptConfig {
        tokens: None,
        blocks: Some(blocks),
        ..script(0, time_between_tokens)
    }
}

async fn stack(channel: Channel, blocks: Value, time_between_tokens: Duration) -> TestStack {
    TestStack::start_over(channel, |options| {
        options.script = scripted(blocks, time_between_tokens);
        options.worker_variable("LEASE_SECONDS", "2");
        options.function_url_variable("LEASE_SECONDS", "2");
    })
    .await
}

async fn blocks_of(stack: &TestStack, id: &str) -> Value {
    const DOCUMENT: &str = "query Get($id: String!) { getStream(sessionId: $id) {
        status text reasoningMs blocks { index type text reasoning citation { title url text }
            toolUse { toolUseId name input } toolResult { toolUseId status content } }
    } }";
    let variables = json!({ "id": id });
    let answer = stack.graphql("alice", DOCUMENT, variables).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"]["getStream"].clone()
}

/// The record keeps what goes back to the model.
async fn check_kept(stack: &TestStack, id: &str) {
    let get = stack.dynamodb().get_item().table_name(TABLE);
    let get = get.key("sessionId", AttributeValue::S(id.to_owned()));
    let item = get.send().await.expect("read").item.expect("a record");
    let other = item["other"].as_s().expect("a text");
    assert!(
        other.contains(SIGNATURE) && other.contains(REDACTED),
        "{other}"
    );
    assert_eq!(item["text"], AttributeValue::S(TEXT.to_owned()));
}

async fn check_answer(channel: Channel) {
    let stack = stack(channel, blocks(), Duration::from_millis(5)).await;
    let id = Uuid::new_v4();
    let stream = stack
        .client("alice")
        .stream_as(id, "Why do rivers meander?");
    let answer = collect(stream).await.expect("an answer");
    assert_eq!(answer.text, TEXT);
    assert_eq!(answer.reasoning, "Rivers bend. ");
    let titles: Vec<_> = answer
        .citations
        .iter()
        .map(|it| it.title.as_deref())
        .collect();
    assert_eq!(titles, [Some("Rivers")]);

    let id = id.to_string();
    let session = blocks_of(&stack, &id).await;
    assert_eq!(session["text"], TEXT);
    assert_eq!(session["blocks"], of_get_stream());
    assert!(session["reasoningMs"].as_u64() > Some(0), "{session}");
    check_kept(&stack, &id).await;
    stack.shutdown().await;
}

async fn check_takeover(channel: Channel) {
    let text: Vec<_> = (0..100).map(|n| format!("{{call}}:{n} ")).collect();
    let said = json!([
        {"reasoning": ["{call}: hm"]},
        {"text": text[..50]},
        {"citation": {"title": "Rivers"}},
        {"text": text[50..]},
    ]);
    let stack = stack(channel, said, Duration::from_millis(10)).await;
    let id = Uuid::new_v4();
    let stream = stack
        .client("alice")
        .stream_as(id, "Why do rivers meander?");
    let (answer, ()) = tokio::join!(collect(stream), async {
        stack.model_said(60).await;
        let process = stack.busy_function().await;
        assert!(stack.running.local.lambda().kill(process.pid));
    });
    let answer = answer.expect("an answer");
    let whole = system_tests::stack::text_of(2, 100);
    assert_eq!((answer.text.as_str(), answer.attempt), (whole.as_str(), 2));
    assert_eq!(answer.reasoning, "2: hm");
    assert_eq!(answer.citations.len(), 1);
    let session = blocks_of(&stack, &id.to_string()).await;
    let types: Vec<_> = session["blocks"]
        .as_array()
        .expect("blocks")
        .iter()
        .map(|block| block["type"].as_str().expect("a type"))
        .collect();
    assert_eq!(types, ["REASONING", "TEXT", "CITATION", "TEXT"]);
    assert_eq!(session["blocks"][0]["reasoning"], "2: hm");
    assert_eq!(session["text"], whole);
    stack.shutdown().await;
}

over_each_channel! {
    async fn an_answers_blocks_reach_everybody(channel) {
        check_answer(channel).await;
    }

    async fn a_takeover_begins_all_blocks_anew(channel) {
        check_takeover(channel).await;
    }
}

#[tokio::test]
async fn an_event_of_a_response_has_the_fields_of_its_block() {
    let stack = stack(Channel::FunctionUrl, blocks(), Duration::from_millis(50)).await;
    let events = stack.url_ask(None).await.rest().await;
    assert_eq!(text_of(&events), TEXT);
    let (end, events) = events.split_last().expect("an end");
    for name in ["blockIndex", "blockType", "reasoning"] {
        assert_eq!(end.data.get(name), None, "{name}");
    }
    let fields = [
        "token",
        "blockIndex",
        "blockType",
        "reasoning",
        "citation",
        "toolUse",
        "toolResult",
    ];
    let shown: Vec<_> = events
        .iter()
        .map(|event| {
            assert_eq!(event.kind, "token");
            let fields = fields
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), event.data.get(*name)?.clone())));
            Value::Object(fields.collect())
        })
        .collect();
    for expected in [
        json!({"token": "", "blockIndex": 0, "blockType": "REASONING", "reasoning": "Rivers "}),
        json!({"token": "", "blockIndex": 0, "blockType": "REASONING", "reasoning": ""}),
        json!({"token": "", "blockIndex": 1, "blockType": "REASONING", "reasoning": ""}),
        json!({"token": "They ", "blockIndex": 2, "blockType": "TEXT"}),
        json!({"token": "", "blockIndex": 3, "blockType": "CITATION", "citation":
            {"title": "Rivers", "url": "https://example.com/rivers", "text": "Rivers meander."}}),
        json!({"token": "", "blockIndex": 5, "blockType": "TOOL_USE", "toolUse":
            {"toolUseId": "t1", "name": "weather"}}),
        json!({"token": "", "blockIndex": 6, "blockType": "TOOL_RESULT", "toolResult":
            {"toolUseId": "t1", "status": "success", "content": "It rains."}}),
    ] {
        assert!(shown.contains(&expected), "{expected} is not in {shown:#?}");
    }
    let sent = Value::Array(shown).to_string();
    assert!(!sent.contains(SIGNATURE) && !sent.contains(REDACTED));

    // A response of text has the text alone.
    let asked = stack
        .url(Method::POST, "", "alice")
        .header(ACCEPT, "text/plain")
        .json(&json!({ "prompt": "Why do rivers meander?" }));
    let response = asked.send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.text().await.expect("a text"), TEXT);
    stack.shutdown().await;
}

/// A follower that comes late gets the same pieces, joined where they are of one block.
#[tokio::test]
async fn a_late_follower_gets_the_pieces_of_each_block_by_themselves() {
    let stack = stack(Channel::WebSocket, blocks(), Duration::from_millis(1)).await;
    let mut first = stack.websocket("alice").await;
    let id = first.start("Why do rivers meander?").await;
    first.end_of(&id).await;
    let mut late = stack.websocket("alice").await;
    late.send(&json!({"action": "resume", "sessionId": id}))
        .await;
    let mut frames = Vec::new();
    while frames
        .last()
        .is_none_or(|frame: &Value| frame["type"] != "complete")
    {
        frames.push(late.next().await);
    }
    let blocks: Vec<_> = frames
        .iter()
        .filter_map(|frame| frame["blockIndex"].as_u64())
        .collect();
    // Of the first block, the signature is an event of its own; so is the name of the tool.
    assert_eq!(blocks, [0, 0, 1, 2, 3, 4, 5, 5, 6, 7]);
    let input = &frames.iter().rfind(|frame| frame["blockIndex"] == 5);
    let input = input.expect("an input")["toolUse"].clone();
    assert_eq!(
        input,
        json!({"toolUseId": "t1", "name": "weather", "input": "{\"city\":\"Rome\"}"})
    );
    let text: String = frames
        .iter()
        .filter_map(|frame| frame["token"].as_str())
        .collect();
    assert_eq!(text, TEXT);
    first.close().await;
    late.close().await;
    stack.shutdown().await;
}
