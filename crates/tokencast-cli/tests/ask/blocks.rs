//! What of an answer isn't text: reasoning, sources, tools; and where in a conversation it stands.

use serde_json::{Value, json};

use crate::{SESSION, answered, ask, check_usage, finish};
use client_fakes::{FakeApi, completed, piece, snapshot};

const CONVERSATION: &str = "6a0f3a52-2f0c-4b8e-8f0e-52f6f4a5f1aa";

fn text(sequence: u64, block: u64, text: &str) -> Value {
    let mut event = piece(sequence, block, "TEXT", "reasoning", Value::Null);
    event["token"] = text.into();
    event
}

/// Reasoning, a text with two citations of one source and one of another, and a text after them.
fn events() -> Vec<Value> {
    let cite = |sequence, block, title: &str| {
        let citation =
            json!({ "title": title, "url": format!("https://{title}.example"), "text": null });
        piece(sequence, block, "CITATION", "citation", citation)
    };
    vec![
        piece(1, 0, "REASONING", "reasoning", json!("Let me ")),
        piece(2, 0, "REASONING", "reasoning", json!("think.")),
        text(3, 1, "It splits"),
        cite(4, 2, "waal"),
        cite(5, 3, "rhine"),
        text(6, 4, " twice"),
        cite(7, 5, "waal"),
        completed(1, 8),
    ]
}

#[tokio::test]
async fn a_pipe_gets_the_text_and_stderr_the_sources() {
    let (code, stdout, stderr) = answered(&["Why?"], events()).await;
    assert_eq!((code, stdout.as_str()), (0, "It splits twice\n"));
    assert!(stderr.contains(", thought for 0."), "{stderr}");
    let sources = "[1] waal: https://waal.example\n[2] rhine: https://rhine.example\nsession ";
    assert!(stderr.starts_with(sources), "{stderr}");
    assert!(stderr.contains("4 tokens in 7 events"), "{stderr}");
}

#[tokio::test]
async fn reasoning_is_shown_on_stderr_if_asked_for() {
    let (code, stdout, stderr) = answered(&["Why?", "--show-reasoning"], events()).await;
    assert_eq!((code, stdout.as_str()), (0, "It splits twice\n"));
    assert!(stderr.starts_with("Let me think.\n[1] waal"), "{stderr}");

    let kept = vec![
        piece(1, 0, "REASONING", "reasoning", json!("")),
        text(2, 1, "Yes."),
        completed(1, 3),
    ];
    let (_, stdout, stderr) = answered(&["Why?", "--show-reasoning"], kept).await;
    assert_eq!(stdout, "Yes.\n");
    let told = "[the model keeps its reasoning to itself]\nsession ";
    assert!(stderr.starts_with(told), "{stderr}");
}

#[tokio::test]
async fn json_has_everything_and_stderr_the_summary_alone() {
    let mut all = events();
    let end = all.pop().expect("an end");
    let tool_use = json!({ "toolUseId": "1", "name": "weather", "input": "{}" });
    all.push(piece(8, 6, "TOOL_USE", "toolUse", tool_use));
    let result = json!({ "toolUseId": "1", "status": "success", "content": "9" });
    all.push(piece(9, 7, "TOOL_RESULT", "toolResult", result));
    all.push(Value::clone(&completed(1, 10)));
    drop(end);
    let (code, stdout, stderr) = answered(&["--json", "--show-reasoning", "Why?"], all).await;
    assert_eq!(code, 0);
    let lines: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let kinds: Vec<_> = lines.iter().map(|line| line["type"].as_str()).collect();
    let expected = [
        "started",
        "reasoning",
        "reasoning",
        "text",
        "citation",
        "citation",
        "text",
        "citation",
        "toolUse",
        "toolResult",
        "completed",
    ];
    assert_eq!(kinds, expected.map(Some));
    assert_eq!(
        lines[4],
        json!({
            "type": "citation", "citation": { "title": "waal", "url": "https://waal.example", "text": null },
            "blockIndex": 2, "sequence": 4, "attempt": 1,
        })
    );
    assert_eq!(lines[8]["toolUse"]["input"], "{}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[tokio::test]
async fn the_time_of_the_reasoning_is_the_apis_where_it_says_so() {
    for (reasoning_ms, expected) in [(json!(2_540), Some(2_540)), (Value::Null, None)] {
        let mut api = FakeApi::start().await;
        api.replies(|replies| {
            replies.snapshot = snapshot("COMPLETED", 1, 8, "It splits twice");
            replies.snapshot["reasoningMs"] = reasoning_ms;
        });
        let child = ask(&api, &["--json", "Why?"]);
        let socket = api.subscriber().await;
        api.call("StartStream").await;
        for event in events() {
            socket.event(event).await;
        }
        let (code, stdout, stderr) = finish(child).await;
        assert_eq!(code, 0, "{stderr}");
        let last = stdout.lines().last().expect("a line");
        let last: Value = serde_json::from_str(last).expect("JSON");
        let told = last["reasoningMs"].as_u64().expect("a time");
        match expected {
            Some(expected) => assert_eq!(told, expected),
            // By the clock of who listens.
            None => assert_ne!(told, 2_540),
        }
        assert!(stderr.contains(", thought for "), "{stderr}");
    }
}

#[tokio::test]
async fn a_question_has_its_place_in_a_conversation() {
    let mut api = FakeApi::start().await;
    let child = ask(
        &api,
        &["Why?", "--conversation", CONVERSATION, "--parent", SESSION],
    );
    let socket = api.subscriber().await;
    let variables = api.call("StartStream").await.variables;
    assert_eq!(variables["conversationId"], CONVERSATION);
    assert_eq!(variables["parentId"], SESSION);
    socket.event(text(1, 0, "Yes.")).await;
    socket.event(completed(1, 2)).await;
    assert_eq!(finish(child).await.0, 0);

    check_usage(&["ask", "Why?", "--parent", SESSION], "", "--conversation").await;
    check_usage(
        &["ask", "Why?", "--conversation", "x"],
        "",
        "--conversation",
    )
    .await;
}

#[tokio::test]
async fn a_place_that_the_api_refuses_is_exit_code_3() {
    let mut api = FakeApi::start().await;
    api.replies(|replies| replies.refuse_start("PARENT_NOT_ENDED"));
    let child = ask(&api, &["Why?", "--conversation", CONVERSATION]);
    let _socket = api.subscriber().await;
    let (code, stdout, stderr) = finish(child).await;
    assert_eq!((code, stdout.as_str()), (3, ""));
    assert!(
        stderr.contains("PARENT_NOT_ENDED: said the server"),
        "{stderr}"
    );
}
