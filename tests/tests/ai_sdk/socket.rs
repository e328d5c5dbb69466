//! Chats over the WebSocket API, by the frames of `WebSocketChatTransport`.

use std::num::NonZeroU32;
use std::time::Duration;

use local_stack::config::{FaultRule, ModelException, ModelFault};
use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use serde_json::json;
use system_tests::ai_sdk::{ChatRequest, RequestEnd, answer, user};
use system_tests::stack::{faulty, script, text, text_of};
use system_tests::{TestStack, eventually};
use tokencast::stack::WORKER_FUNCTION;
use uuid::Uuid;

const TOKENS: usize = 150;

/// An answer that runs for a while.
const MANY: usize = 400;

async fn slow() -> TestStack {
    TestStack::start_with(|options| options.script = script(TOKENS, Duration::from_millis(20)))
        .await
}

/// Waits until a session has this status.
async fn status(stack: &TestStack, id: &str, expected: &str) {
    eventually(expected, || async {
        let stream = stack.get_stream("alice", id).await;
        (stream["status"] == expected).then_some(())
    })
    .await;
}

/// The session of a request that has begun.
fn session(request: &ChatRequest) -> String {
    let id = request.chunks[0]["messageId"].as_str();
    id.expect("a start").to_owned()
}

#[tokio::test]
async fn a_chat_over_a_socket_is_the_same_conversation() {
    let stack = TestStack::start_with(|options| options.script = script(3, Duration::ZERO)).await;
    let mut socket = stack.websocket("alice").await;
    let first = ChatRequest::send(&mut socket, "r1", "c", &[user("m1", "One")]).await;
    let first = first.whole(&mut socket).await;
    assert_eq!(
        (first.text.as_str(), first.end.as_str()),
        (&*text(3), "stop")
    );
    let asked = [
        user("m1", "One"),
        answer(&first.id, &first.text),
        user("m2", "Two"),
    ];
    let second = ChatRequest::send(&mut socket, "r2", "c", &asked).await;
    let second = second.whole(&mut socket).await;
    assert_eq!(stack.told(), ["One", &*text(3), "Two"]);
    // The same question again has the same answer, which is over by now; over the Function URL, too.
    let again = ChatRequest::send(&mut socket, "r3", "c", &asked).await;
    assert_eq!(again.whole(&mut socket).await, second);
    assert_eq!(stack.chat("c", &asked).await.whole().await, second);
    let resumed = ChatRequest::resume(&mut socket, "r4", "c").await;
    assert_eq!({ resumed }.rest(&mut socket).await, RequestEnd::NoActive);
    assert_eq!(stack.chat_messages("c").await.len(), 4);
    assert_eq!(stack.running.local.bedrock().calls().len(), 2);
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn a_resume_gets_the_running_answer_from_its_beginning() {
    let stack = slow().await;
    let mut socket = stack.websocket("alice").await;
    let mut first = ChatRequest::send(&mut socket, "r1", "c", &[user("m1", "One")]).await;
    first.until_text(&mut socket, 20).await;
    // The page loads again.
    drop(socket);
    let mut socket = stack.websocket("alice").await;
    let resumed = ChatRequest::resume(&mut socket, "r2", "c").await;
    let resumed = resumed.whole(&mut socket).await;
    assert_eq!((resumed.id, resumed.text), (session(&first), text(TOKENS)));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_second_request_of_one_id_is_refused() {
    let stack = slow().await;
    let mut socket = stack.websocket("alice").await;
    let mut first = ChatRequest::send(&mut socket, "r1", "c", &[user("m1", "One")]).await;
    first.until_text(&mut socket, 20).await;
    for frame in [
        json!({"type": "send", "requestId": "r1", "id": "d", "messages": [user("m2", "Two")]}),
        json!({"type": "resume", "requestId": "r1", "id": "c"}),
    ] {
        socket.send(&frame).await;
        let end = first.rest(&mut socket).await;
        let RequestEnd::Error(text) = end else {
            panic!("{end:?}")
        };
        assert!(text.starts_with("requestId is in use"), "{text}");
    }
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    assert_eq!(stack.sessions().await, 1);
    // The first one goes on.
    first.whole(&mut socket).await;
    stack.shutdown().await;
}

#[tokio::test]
async fn an_abort_stops_the_model() {
    let stack = TestStack::start_with(|options| {
        options.script = script(2_000, Duration::from_millis(20));
    })
    .await;
    let mut socket = stack.websocket("alice").await;
    let mut request = ChatRequest::send(&mut socket, "r1", "c", &[user("m1", "One")]).await;
    request.until_text(&mut socket, 20).await;
    let id = session(&request);
    request.abort(&mut socket).await;
    status(&stack, &id, "CANCELLED").await;
    // Of an answer that was resumed, too.
    let mut request = ChatRequest::send(&mut socket, "r2", "d", &[user("m1", "One")]).await;
    request.until_text(&mut socket, 20).await;
    let mut resumed = ChatRequest::resume(&mut socket, "r3", "d").await;
    resumed.until_text(&mut socket, 20).await;
    let id = session(&resumed);
    drop(request);
    let mut other = stack.websocket("alice").await;
    let mut there = ChatRequest::resume(&mut other, "x", "d").await;
    there.until_text(&mut other, 20).await;
    there.abort(&mut other).await;
    status(&stack, &id, "CANCELLED").await;
    stack.shutdown().await;
}

/// React runs effects twice while a page is developed: a chat then resumes twice, and aborts the first.
#[tokio::test]
async fn a_chat_that_resumes_once_more_stops_nothing() {
    let stack = TestStack::start_with(|options| {
        options.script = script(MANY, Duration::from_millis(20));
    })
    .await;
    let mut socket = stack.websocket("alice").await;
    let mut first = ChatRequest::send(&mut socket, "r1", "c", &[user("m1", "One")]).await;
    first.until_text(&mut socket, 20).await;
    drop(socket);
    let mut socket = stack.websocket("alice").await;
    // Two requests at once start another process, so that neither waits for one below.
    let ids = [Uuid::new_v4().to_string(), Uuid::new_v4().to_string()];
    for id in &ids {
        socket
            .send(&json!({"action": "stop", "sessionId": id}))
            .await;
    }
    for id in &ids {
        socket.end_of(id).await;
    }
    let mut once = ChatRequest::resume(&mut socket, "r2", "c").await;
    once.until_text(&mut socket, 4).await;
    once.abort(&mut socket).await;
    let twice = ChatRequest::resume(&mut socket, "r3", "c").await;
    let message = twice.whole(&mut socket).await;
    assert_eq!((message.text, message.end.as_str()), (text(MANY), "stop"));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_newer_attempt_ends_the_request_and_the_resume_has_it_alone() {
    let stack = TestStack::start_with(|options| {
        let fault = ModelFault::Fail {
            after_tokens: 40,
            exception: ModelException::ModelStreamError,
        };
        let faults = vec![FaultRule::first(NonZeroU32::MIN, fault)];
        options.script = faulty(MANY, Duration::from_millis(20), faults);
    })
    .await;
    let mut socket = stack.websocket("alice").await;
    let mut request = ChatRequest::send(&mut socket, "r1", "c", &[user("m1", "One")]).await;
    let RequestEnd::Error(text) = request.rest(&mut socket).await else {
        panic!("it goes on")
    };
    assert_eq!(text, "The answer starts again: resume it.");
    assert!(text_of(1, MANY).starts_with(&request.text()));
    let resumed = ChatRequest::resume(&mut socket, "r2", "c").await;
    let resumed = resumed.whole(&mut socket).await;
    assert_eq!(
        (resumed.id, resumed.text),
        (session(&request), text_of(2, MANY))
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn an_attempt_that_says_nothing_is_not_seen() {
    let stack = TestStack::start_with(|options| {
        let fault = ModelFault::Refuse(ModelException::InternalServer);
        let faults = vec![FaultRule::first(NonZeroU32::MIN, fault)];
        options.script = faulty(TOKENS, Duration::from_millis(5), faults);
    })
    .await;
    let mut socket = stack.websocket("alice").await;
    let request = ChatRequest::send(&mut socket, "r1", "c", &[user("m1", "One")]).await;
    let message = request.whole(&mut socket).await;
    assert_eq!(message.text, text_of(2, TOKENS));
    stack.shutdown().await;
}

#[tokio::test]
async fn posts_that_fail_or_are_repeated_lose_nothing() {
    let stack = TestStack::start_with(|options| {
        options.script = script(TOKENS, Duration::from_millis(5));
    })
    .await;
    let fault = Fault::error("InternalServerError");
    let rule = Rule::new(FaultService::ExecuteApi, "PostToConnection", fault);
    let rule = rule.called_by(WORKER_FUNCTION).after(2).times(4);
    let plan = FaultPlan::seeded(1).with(rule);
    stack.running.local.faults().set(plan).expect("a plan");
    let mut socket = stack.websocket("alice").await;
    let request = ChatRequest::send(&mut socket, "r1", "c", &[user("m1", "One")]).await;
    assert_eq!(request.whole(&mut socket).await.text, text(TOKENS));
    let report = stack.running.local.faults().report();
    assert_eq!(report.iter().map(|rule| rule.fired).sum::<u64>(), 4);
    stack.shutdown().await;
}

#[tokio::test]
async fn what_is_refused_ends_its_request_and_no_other() {
    let stack = TestStack::start().await;
    let mut socket = stack.websocket("alice").await;
    let file = json!({"id": "m", "role": "user", "parts": [{"type": "file", "url": "data:"}]});
    for (message, expected) in [
        (file, "messages[0].parts[0] is of the type `file`"),
        (user("m", " "), "prompt is empty"),
        (answer("x", "Hi"), "the last message is not the user's"),
    ] {
        let mut refused = ChatRequest::send(&mut socket, "r1", "c", &[message]).await;
        let end = refused.rest(&mut socket).await;
        let RequestEnd::Error(text) = end else {
            panic!("{end:?}")
        };
        assert!(text.starts_with(expected), "{text}");
    }
    socket.send(&json!({"type": "send"})).await;
    let refused = socket.next().await;
    assert_eq!(refused["requestId"], "");
    for (asked, expected) in [
        (
            json!({"type": "resume", "requestId": "3", "id": 5}),
            json!({"type": "error", "requestId": "3",
                "errorText": "id is malformed: expected what `useChat` of the AI SDK sends"}),
        ),
        (
            json!({"type": "send", "requestId": "4", "id": "c", "messages": [user("m", "Hi")], "body": {"assistant": 5}}),
            json!({"type": "error", "requestId": "4",
                "errorText": "body.assistant is malformed: expected what `useChat` of the AI SDK sends"}),
        ),
    ] {
        socket.send(&asked).await;
        assert_eq!(socket.next().await, expected);
    }
    // Our own frames and another chat's share the connection.
    let id = socket.start("Why do rivers meander?").await;
    let request = ChatRequest::send(&mut socket, "r2", "c", &[user("m", "One")]).await;
    request.whole(&mut socket).await;
    socket.end_of(&id).await;
    stack.shutdown().await;
}
