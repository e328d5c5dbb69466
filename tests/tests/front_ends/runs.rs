//! AG-UI's runs.

use std::num::NonZeroU32;
use std::time::Duration;

use local_stack::config::{FaultRule, ModelException, ModelFault, ScriptConfig};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use system_tests::TestStack;
use system_tests::stack::{faulty, script, text_of as said};

use crate::stream::{End, blocks, message, place, run, sent, stream, text_of_run};

const TOKENS: usize = 40;

/// The events of a run, which must begin and end as they have to.
async fn events(request: RequestBuilder) -> Vec<Value> {
    let (events, end) = stream(request).await.rest().await;
    assert_eq!(end, End::Whole);
    assert_eq!(events[0]["type"], "RUN_STARTED");
    let is_end = |event: &&Value| event["type"] == "RUN_FINISHED" || event["type"] == "RUN_ERROR";
    let ends: Vec<_> = events.iter().filter(is_end).collect();
    assert_eq!(ends, [events.last().expect("some")]);
    assert!(events.iter().all(|event| event["delta"] != ""));
    events
}

/// The id of a run's answer.
fn answer_id(events: &[Value]) -> &str {
    let start = events
        .iter()
        .find(|event| event["type"] == "TEXT_MESSAGE_START");
    start.expect("an answer")["messageId"]
        .as_str()
        .expect("an id")
}

#[tokio::test]
async fn a_thread_is_a_conversation_and_each_run_an_answer() {
    let stack = TestStack::start_with(|options| options.script = script(1, Duration::ZERO)).await;
    let asked = [message("m1", "user", "One")];
    let first = events(run(&stack, "t", "r1", &asked)).await;
    assert_eq!(text_of_run(&first), "1:0 ");
    let id = answer_id(&first);
    let session = stack.get_stream("alice", id).await;
    assert_eq!(session["status"], "COMPLETED");
    // The same run again is the same answer; another run of the same message is another one.
    let again = events(run(&stack, "t", "r1", &asked)).await;
    assert_eq!(answer_id(&again), id);
    let other = events(run(&stack, "t", "r2", &asked)).await;
    assert_eq!(text_of_run(&other), "2:0 ");
    let beside = place(&stack, answer_id(&other)).await;
    let first_place = place(&stack, id).await;
    assert_eq!(beside["conversationId"], first_place["conversationId"]);
    assert!(beside["conversationId"].is_string() && beside["parentId"].is_null());
    // A follow-up, whose history is the thread's.
    let asked = [
        message("m1", "user", "One"),
        message(&format!("{id}:0"), "reasoning", "Hm."),
        message(id, "assistant", "1:0 "),
        message("m2", "user", "Two"),
    ];
    let second = events(run(&stack, "t", "r3", &asked)).await;
    assert_eq!(stack.told(), ["One", "1:0 ", "Two"]);
    assert_eq!(place(&stack, answer_id(&second)).await["parentId"], id);
    // The AI SDK's chat of the same id is the same conversation.
    let messages = sent(stack.url(Method::GET, "ai-sdk/t/messages", "alice")).await;
    let messages: Vec<Value> = messages.json().await.expect("messages");
    assert!(
        messages.iter().any(|message| message["id"] == id),
        "{messages:?}"
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn a_question_whose_answer_has_no_text_is_left_out() {
    let stack = TestStack::start_with(|options| options.script = script(1, Duration::ZERO)).await;
    let calls = json!([{ "id": "t", "type": "function", "function": { "name": "map", "arguments": "{}" } }]);
    for (thread, empty) in [
        ("a", message("x", "assistant", "")),
        (
            "b",
            json!({ "id": "x", "role": "assistant", "toolCalls": calls }),
        ),
    ] {
        let asked = [
            message("m1", "user", "Lost"),
            empty,
            message("m2", "user", "Two"),
        ];
        events(run(&stack, thread, "r", &asked)).await;
        assert_eq!(stack.told(), ["Two"]);
    }
    // What comes behind a tool's result is the answer.
    let asked = [
        message("m1", "user", "One"),
        json!({ "id": "x", "role": "assistant", "toolCalls": calls }),
        json!({ "id": "y", "role": "tool", "content": "4", "toolCallId": "t" }),
        message("z", "assistant", "Uno"),
        message("m2", "user", "Two"),
    ];
    events(run(&stack, "c", "r", &asked)).await;
    assert_eq!(stack.told(), ["One", "Uno", "Two"]);
    stack.shutdown().await;
}

#[tokio::test]
async fn reasoning_and_sources_have_events_of_their_own() {
    let stack = TestStack::start_with(|options| {
        options.script = ScriptConfig {
            blocks: Some(blocks()),
            ..ScriptConfig::default()
        };
    })
    .await;
    let events = events(run(&stack, "t", "r", &[message("m", "user", "Why?")])).await;
    let mut kinds: Vec<_> = events
        .iter()
        .map(|event| event["type"].as_str().expect("a type"))
        .collect();
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            "RUN_STARTED",
            "REASONING_START",
            "REASONING_MESSAGE_START",
            "REASONING_MESSAGE_CONTENT",
            "REASONING_MESSAGE_END",
            "REASONING_END",
            "TEXT_MESSAGE_START",
            "TEXT_MESSAGE_CONTENT",
            "TEXT_MESSAGE_END",
            "RUN_FINISHED",
        ]
    );
    assert_eq!(text_of_run(&events), "Rivers bend.");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_newer_attempt_takes_back_what_was_said() {
    let fails = ModelFault::Fail {
        after_tokens: 10,
        exception: ModelException::ModelStreamError,
    };
    let stack = TestStack::start_with(|options| {
        let faults = vec![FaultRule::first(NonZeroU32::MIN, fails)];
        options.script = faulty(TOKENS, Duration::from_millis(5), faults);
    })
    .await;
    let asked = [message("m", "user", "Why?")];
    let events = events(run(&stack, "t", "r", &asked)).await;
    let snapshot = events
        .iter()
        .position(|event| event["type"] == "MESSAGES_SNAPSHOT");
    let (before, after) = events.split_at(snapshot.expect("one"));
    assert!(said(1, TOKENS).starts_with(&text_of_run(before)) && !text_of_run(before).is_empty());
    assert_eq!(after[0]["messages"], json!(asked));
    assert_eq!(text_of_run(after), said(2, TOKENS));
    assert_eq!(after.last().expect("some")["type"], "RUN_FINISHED");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_failure_is_the_runs_end_and_a_refusal_has_a_status() {
    let stack = TestStack::start_with(|options| {
        let refused = ModelFault::Refuse(ModelException::ModelStreamError);
        options.script = faulty(TOKENS, Duration::ZERO, vec![FaultRule::always(refused)]);
        options.function_url_variable("MAX_ATTEMPTS", "1");
    })
    .await;
    let asked = [message("m", "user", "Why?")];
    let failed = events(run(&stack, "t", "r", &asked)).await;
    let error = failed.last().expect("some");
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("RUN_ERROR"), &json!("MODEL_ERROR"))
    );
    // The same run is tried anew after a failure.
    stack.script(script(1, Duration::ZERO));
    let again = events(run(&stack, "t", "r", &asked)).await;
    assert_eq!(again.last().expect("some")["type"], "RUN_FINISHED");

    let image =
        json!({ "id": "m", "role": "user", "content": [{ "type": "image", "source": {} }] });
    for (request, status, code) in [
        (
            stack.url_anonymous(Method::POST, "ag-ui"),
            401,
            "UNAUTHORIZED",
        ),
        (
            stack.url(Method::GET, "ag-ui", "alice"),
            405,
            "INVALID_PROMPT",
        ),
        (run(&stack, "t", "r", &[]), 400, "INVALID_ARGUMENT"),
        (run(&stack, "t", "r", &[image]), 400, "INVALID_PROMPT"),
        (
            run(
                &stack,
                "t",
                "r",
                &[
                    message("s", "system", "Be brief."),
                    message("m", "user", "Hi"),
                ],
            ),
            400,
            "INVALID_ARGUMENT",
        ),
    ] {
        let response = sent(request).await;
        assert_eq!(response.status().as_u16(), status, "{code}");
        let error: Value = response.json().await.expect("JSON");
        assert_eq!(error["error"]["code"], code);
    }
    stack.shutdown().await;
}
