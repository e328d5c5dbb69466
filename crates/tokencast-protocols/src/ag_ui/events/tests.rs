use tokencast_core::block::{Citation, PieceKind, ToolResult, ToolUse};
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::Sequence;

use super::super::request::RunRequest;
use super::*;

const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

fn events(version: Option<&str>) -> Events {
    let body = json!({
        "threadId": "thread", "runId": "run", "protocolVersion": version,
        "messages": [{ "id": "1", "role": "user", "content": "Hello" }],
    });
    let body = serde_json::to_string_pretty(&body).expect("JSON");
    let request = RunRequest::read(body.as_bytes()).expect("a request");
    let run = Run {
        thread_id: request.thread_id,
        run_id: request.run_id,
        session_id: ID.parse().expect("an id"),
        reads_version_1: request.reads_version_1,
    };
    Events::new(run, request.messages)
}

fn event(attempt: u32, piece: Piece) -> TokenEvent {
    TokenEvent {
        session_id: ID.parse().expect("an id"),
        attempt: Attempt(attempt),
        sequence: Sequence(1),
        piece: Some(piece),
        status: Status::Streaming,
        ending: None,
    }
}

fn text(attempt: u32, text: &str) -> TokenEvent {
    event(attempt, Piece::new(BlockIndex(1), PieceKind::Text, text))
}

fn reasoning(attempt: u32, text: &str) -> TokenEvent {
    event(
        attempt,
        Piece::new(BlockIndex(0), PieceKind::Reasoning, text),
    )
}

fn end(attempt: u32, status: Status, failure: Option<FailureCode>) -> TokenEvent {
    TokenEvent {
        piece: None,
        status,
        ending: Some(Ending {
            stop_reason: Some("end_turn".to_owned()),
            usage: None,
            failure: failure.map(|code| Failure::new(code, "It failed.")),
            ..Ending::default()
        }),
        ..text(attempt, "")
    }
}

/// The events in short: their types, and what they add.
fn short(given: &[TokenEvent]) -> String {
    let mut events = events(None);
    let begin = std::iter::once(events.begin());
    let all: Vec<_> = begin
        .chain(given.iter().flat_map(|event| events.event(event)))
        .collect();
    let all = all.iter().map(|json| {
        assert!(!json.contains('\n'), "{json}");
        let event: Value = serde_json::from_str(json).expect("JSON");
        let kind = event["type"].as_str().expect("a type").to_owned();
        match event["delta"].as_str() {
            Some("") => panic!("an empty delta: {json}"),
            Some(delta) => format!("{kind}:{delta}"),
            None => kind,
        }
    });
    all.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_run_starts_once_and_ends_once() {
    let given = [
        text(1, ""),
        text(1, "a"),
        text(1, "b"),
        end(1, Status::Completed, None),
        end(1, Status::Completed, None),
    ];
    assert_eq!(
        short(&given),
        "RUN_STARTED TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT:a TEXT_MESSAGE_CONTENT:b TEXT_MESSAGE_END RUN_FINISHED"
    );
    assert_eq!(
        short(&[end(0, Status::Cancelled, None)]),
        "RUN_STARTED RUN_FINISHED"
    );
    let failed = end(1, Status::Failed, Some(FailureCode::ModelError));
    assert_eq!(
        short(&[text(1, "a"), failed]),
        "RUN_STARTED TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT:a TEXT_MESSAGE_END RUN_ERROR"
    );
}

#[test]
fn blocks_that_are_no_text_have_events_of_their_own() {
    let tool = ToolUse {
        tool_use_id: "t".into(),
        name: "clock".into(),
        input: None,
    };
    let mut input = Piece::new(BlockIndex(2), PieceKind::ToolInput, "{}");
    input.tool = Some(std::sync::Arc::new(tool.clone()));
    let result = ToolResult {
        tool_use_id: "t".to_owned(),
        content: Some("noon".to_owned()),
        ..ToolResult::default()
    };
    let given = [
        reasoning(1, "hm"),
        event(
            1,
            Piece::new(BlockIndex(0), PieceKind::ReasoningSignature, "secret"),
        ),
        text(1, "a"),
        event(1, Piece::of_tool_use(BlockIndex(2), &tool)),
        event(1, input),
        event(1, Piece::of_tool_result(BlockIndex(3), &result)),
        event(1, Piece::of_citation(BlockIndex(4), &Citation::default())),
        event(
            1,
            Piece::new(BlockIndex(5), PieceKind::RedactedReasoning, "secret"),
        ),
        event(1, Piece::new(BlockIndex(6), PieceKind::Text, "b")),
        end(1, Status::Completed, None),
    ];
    assert_eq!(
        short(&given),
        "RUN_STARTED REASONING_START REASONING_MESSAGE_START REASONING_MESSAGE_CONTENT:hm REASONING_MESSAGE_END \
         REASONING_END TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT:a TOOL_CALL_START TOOL_CALL_ARGS:{} TOOL_CALL_END \
         TOOL_CALL_RESULT CUSTOM REASONING_START REASONING_END TEXT_MESSAGE_CONTENT:b TEXT_MESSAGE_END RUN_FINISHED"
    );
}

#[test]
fn calls_of_tools_are_told_apart() {
    let tool = ToolUse {
        tool_use_id: "t".into(),
        name: "add".into(),
        input: None,
    };
    let input = |block, input: &str| {
        let mut piece = Piece::new(BlockIndex(block), PieceKind::ToolInput, input);
        piece.tool = Some(Arc::new(tool.clone()));
        event(1, piece)
    };
    let result = |block, id: &str| {
        let result = ToolResult {
            tool_use_id: id.to_owned(),
            ..ToolResult::default()
        };
        event(1, Piece::of_tool_result(BlockIndex(block), &result))
    };
    let given = [
        // It is of no call.
        result(0, "t"),
        event(1, Piece::of_tool_use(BlockIndex(1), &tool)),
        input(1, "{}"),
        event(1, Piece::of_tool_use(BlockIndex(2), &tool)),
        input(2, "{\"a\":1}"),
        result(3, "t"),
    ];
    let mut events = events(None);
    let all = given.iter().flat_map(|event| events.event(event));
    let all = all.map(|json| {
        let event: Value = serde_json::from_str(&json).expect("JSON");
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let kind = text("type");
        let kind = kind.trim_start_matches("TOOL_CALL_");
        format!("{kind} {}{}", text("toolCallId"), text("delta"))
    });
    let expected = "START t, ARGS t{}, END t, START t:2, ARGS t:2{\"a\":1}, END t:2, RESULT t:2";
    assert_eq!(all.collect::<Vec<_>>().join(", "), expected);
}

#[test]
fn a_newer_attempt_takes_back_what_was_sent() {
    let given = [
        reasoning(1, "hm"),
        text(1, "a"),
        text(2, "x"),
        text(1, "b"),
        end(2, Status::Completed, None),
    ];
    assert_eq!(
        short(&given),
        "RUN_STARTED REASONING_START REASONING_MESSAGE_START REASONING_MESSAGE_CONTENT:hm REASONING_MESSAGE_END \
         REASONING_END TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT:a TEXT_MESSAGE_END MESSAGES_SNAPSHOT \
         TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT:x TEXT_MESSAGE_END RUN_FINISHED"
    );
    let mut events = events(None);
    let all: Vec<_> = given[..3]
        .iter()
        .flat_map(|event| events.event(event))
        .collect();
    let snapshot = all
        .iter()
        .find(|json| json.contains("SNAPSHOT"))
        .expect("one");
    let snapshot: Value = serde_json::from_str(snapshot).expect("JSON");
    let expected = json!([
        { "id": "1", "role": "user", "content": "Hello" },
        { "id": format!("{ID}:0"), "role": "reasoning", "content": "" },
    ]);
    assert_eq!(snapshot["messages"], expected);
    // Nothing was sent, so nothing is taken back.
    assert_eq!(
        short(&[text(1, ""), text(2, "x")]),
        "RUN_STARTED TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT:x"
    );
    // An end without a text of its own keeps the text before it.
    assert_eq!(
        short(&[text(1, "a"), end(2, Status::Completed, None)]),
        "RUN_STARTED TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT:a TEXT_MESSAGE_END RUN_FINISHED"
    );
}

#[test]
fn only_clients_of_version_1_get_what_is_new_in_it() {
    for (version, outcome) in [
        (None, Value::Null),
        (Some("1.0"), json!({ "type": "cancelled" })),
    ] {
        let mut events = events(version);
        let started: Value = serde_json::from_str(&events.begin()).expect("JSON");
        assert_eq!(started["protocolVersion"], json!(version));
        let ended = events.event(&end(1, Status::Cancelled, None));
        let ended: Value = serde_json::from_str(&ended[0]).expect("JSON");
        assert_eq!(ended["outcome"], outcome);
        assert_eq!(
            (&ended["threadId"], &ended["runId"]),
            (&json!("thread"), &json!("run"))
        );
    }
}

#[test]
fn a_response_that_is_interrupted_ends_its_run() {
    let mut events = events(None);
    events.event(&text(1, "a"));
    let said = events.interrupted();
    assert!(said[0].contains("TEXT_MESSAGE_END") && said[1].contains("RUN_ERROR"));
    assert!(events.interrupted().is_empty() && events.is_over());
}
