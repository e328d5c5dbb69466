//! Sockets break and workers die. A client that resumes has the exact text.

use std::time::Duration;

use serde_json::json;
use system_tests::stack::{script, text, text_of};
use system_tests::websocket::Followed;
use system_tests::{TestStack, collect};
use tokencast::stack::TABLE;
use uuid::Uuid;

const TOKENS: usize = 400;

async fn stack() -> TestStack {
    TestStack::start_with(|options| {
        options.script = script(TOKENS, Duration::from_millis(10));
        options.worker_variable("LEASE_SECONDS", "2");
    })
    .await
}

/// Returns the number of followers in a session's record.
pub(crate) async fn followers(stack: &TestStack, id: &str) -> usize {
    let id = aws_sdk_dynamodb::types::AttributeValue::S(id.to_owned());
    let get = stack.dynamodb().get_item().table_name(TABLE);
    let item = get.key("sessionId", id).send().await.expect("an item");
    let item = item.item.expect("a session");
    item.get("followers")
        .and_then(|followers| followers.as_l().ok())
        .map_or(0, Vec::len)
}

#[tokio::test]
async fn a_socket_cut_again_and_again_costs_no_token() {
    let stack = stack().await;
    let mut socket = stack.websocket("alice").await;
    let id = socket.start("Why do rivers meander?").await;
    for bytes in [1, 300, 900] {
        let known = socket.text_of(&id, bytes).await.known();
        drop(socket);
        socket = stack.websocket("alice").await;
        socket.resume(&id, known).await;
    }
    let session = socket.end_of(&id).await;
    assert_eq!((session.text, session.attempt), (text(TOKENS), 1));
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn a_reload_from_nothing_but_the_id_has_it_all() {
    let stack = stack().await;
    let mut socket = stack.websocket("alice").await;
    let id = socket.start("Why do rivers meander?").await;
    for tokens in [5, 60, 120] {
        stack.model_said(tokens).await;
        socket = stack.websocket("alice").await;
        socket.resume(&id, Followed::default()).await;
    }
    let session = socket.end_of(&id).await;
    assert_eq!(session.text, text(TOKENS));
    stack.shutdown().await;
}

/// Kills the worker once the model has said so many tokens.
async fn check_killed_after(tokens: u64) {
    let stack = stack().await;
    let mut socket = stack.websocket("alice").await;
    let id = socket.start("Why do rivers meander?").await;
    let (session, ()) = tokio::join!(socket.end_of(&id), async {
        stack.model_said(tokens).await;
        let worker = stack.busy_worker().await;
        assert!(stack.running.local.lambda().kill(worker.pid));
    });
    assert_eq!((session.text, session.attempt), (text_of(2, TOKENS), 2));
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn another_attempt_follows_a_kill() {
    for tokens in [1, 150] {
        check_killed_after(tokens).await;
    }
}

#[tokio::test]
async fn a_paused_worker_that_wakes_up_pushes_nothing_more() {
    let stack = stack().await;
    let mut socket = stack.websocket("alice").await;
    let id = socket.start("Why do rivers meander?").await;
    socket.text_of(&id, 100).await;
    let paused = stack.busy_worker().await.pid;
    let lambda = stack.running.local.lambda();
    assert!(lambda.freeze(paused));
    let taken_over = stack
        .running
        .local
        .bedrock()
        .wait_until(|calls| calls.len() == 2 && calls[1].tokens_sent > 20);
    system_tests::within("another worker", taken_over).await;
    assert!(lambda.thaw(paused));
    let session = socket.end_of(&id).await;
    // The post that was in flight when the worker was paused can't be called back. It is one frame at most.
    assert!(session.stale <= 1, "{} frames", session.stale);
    assert_eq!((session.text, session.attempt), (text_of(2, TOKENS), 2));
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn a_session_that_is_over_comes_from_the_record_in_frames_that_fit() {
    let costly = "\u{1}\"é".repeat(300);
    let tokens: Vec<String> = (0..60).map(|number| format!("{number}{costly}")).collect();
    let whole = tokens.concat();
    let stack = TestStack::start_with(|options| {
        options.script = script(0, Duration::ZERO);
        options.script.tokens = Some(tokens);
    })
    .await;
    let id = Uuid::new_v4();
    let answer = collect(stack.client("alice").stream_as(id, "A prompt")).await;
    assert_eq!(answer.expect("an answer").text, whole);
    let id = id.to_string();
    let mut socket = stack.websocket("alice").await;
    assert_eq!(socket.resume(&id, Followed::default()).await, "COMPLETED");
    let session = socket.end_of(&id).await;
    assert_eq!(session.text, whole);
    assert!(session.pieces > 1, "more than a frame holds");
    // The client resumes from the middle, and from the end.
    let before_end = Followed {
        sequence: session.sequence - 1,
        ..session.known()
    };
    socket.resume(&id, before_end).await;
    let end = socket.end_of(&id).await;
    assert_eq!((end.pieces, end.status()), (0, "COMPLETED"));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_failed_session_says_so_in_an_error_frame() {
    let stack = TestStack::start_with(|options| {
        let refused = local_stack::config::ModelFault::Refuse(
            local_stack::config::ModelException::Validation,
        );
        let rule = local_stack::config::FaultRule::always(refused);
        options.script = system_tests::stack::faulty(10, Duration::ZERO, vec![rule]);
    })
    .await;
    let mut socket = stack.websocket("alice").await;
    let id = socket.start("A prompt").await;
    let session = socket.end_of(&id).await;
    let ending = session.ending.as_ref().expect("an ending");
    assert_eq!(ending["type"], json!("error"), "{ending}");
    assert_eq!(ending["status"], json!("FAILED"), "{ending}");
    assert_eq!(ending["error"]["code"], json!("INVALID_PROMPT"), "{ending}");
    assert_eq!(ending["error"]["retryable"], json!(false), "{ending}");
    stack.shutdown().await;
}
