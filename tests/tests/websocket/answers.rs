//! Answers over one connection and over several.

use std::time::Duration;

use serde_json::json;
use system_tests::stack::{script, text, text_of, whole_of};
use system_tests::websocket::{Followed, Shown};
use system_tests::{TestStack, collect, eventually};
use uuid::Uuid;

use crate::recovery::followers;

#[tokio::test]
async fn an_answer_comes_as_frames_with_the_token_in_either_place() {
    let stack = TestStack::start().await;
    for shown in [Shown::InQuery, Shown::InHeader] {
        let token = stack.access_token("alice");
        let connected = stack.websocket_with(shown, &token).await;
        let mut socket = connected.expect("connected");
        let message = json!({ "action": "stream", "prompt": "Why do rivers meander?" });
        let started = socket.ask(&message, "started").await;
        assert!(started["timestamp"].is_string(), "{started}");
        let id = started["sessionId"].as_str().expect("an id");
        let session = socket.end_of(id).await;
        let ending = session.ending.as_ref().expect("an ending");
        assert_eq!(ending["type"], json!("complete"), "{ending}");
        assert_eq!(ending["stopReason"], json!("end_turn"), "{ending}");
        assert!(ending["usage"]["outputTokens"].is_u64(), "{ending}");
        assert_eq!(ending.get("error"), None, "{ending}");
        // The same session is there over AppSync.
        let record = stack.get_stream("alice", id).await;
        assert_eq!(
            (&record["status"], &record["text"]),
            (&json!("COMPLETED"), &json!(session.text))
        );
        assert_eq!(record["sequence"], ending["sequence"]);
        let call = stack.running.local.bedrock().calls().len();
        assert_eq!(
            session.text,
            text_of(u32::try_from(call).expect("a few"), 100)
        );
    }
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn one_connection_carries_several_sessions() {
    let stack =
        TestStack::start_with(|options| options.script = script(60, Duration::from_millis(5)))
            .await;
    let mut socket = stack.websocket("alice").await;
    let ids: Vec<String> = (0..4).map(|_| Uuid::new_v4().to_string()).collect();
    for id in &ids {
        let message = json!({ "action": "stream", "prompt": "A prompt", "sessionId": id });
        let started = socket.ask(&message, "started").await;
        assert_eq!(started["sessionId"], json!(id));
    }
    for id in &ids {
        let session = socket.end_of(id).await;
        assert_eq!(session.text, whole_of(&session.text, 60));
        assert_eq!(session.status(), "COMPLETED");
    }
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn a_session_is_started_once() {
    let stack =
        TestStack::start_with(|options| options.script = script(40, Duration::from_millis(10)))
            .await;
    let mut socket = stack.websocket("alice").await;
    let id = socket.start("A prompt").await;
    let again = json!({ "action": "stream", "prompt": "A prompt", "sessionId": id });
    socket.text_of(&id, 1).await;
    socket.ask(&again, "started").await;
    let session = socket.end_of(&id).await;
    assert_eq!(session.text, text(40));
    // The same start after the end returns the whole answer from the record.
    socket.sessions.clear();
    let started = socket.ask(&again, "started").await;
    assert_eq!(started["status"], json!("COMPLETED"));
    let repeated = socket.end_of(&id).await;
    assert_eq!(
        (repeated.text, repeated.sequence),
        (session.text, session.sequence)
    );
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn two_devices_follow_one_session() {
    let stack =
        TestStack::start_with(|options| options.script = script(400, Duration::from_millis(10)))
            .await;
    let (mut phone, mut laptop) = (
        stack.websocket("alice").await,
        stack.websocket("alice").await,
    );
    let id = phone.start("Why do rivers meander?").await;
    phone.events_of(&id, 3).await;
    let status = laptop.resume(&id, Followed::default()).await;
    assert_eq!(status, "STREAMING");
    let (one, other) = tokio::join!(phone.end_of(&id), laptop.end_of(&id));
    assert_eq!((one.text, other.text), (text(400), text(400)));
    assert!(other.joined >= 1, "what it had missed came joined");
    stack.shutdown().await;
}

#[tokio::test]
async fn whoever_subscribes_and_whoever_follows_get_the_same() {
    let stack =
        TestStack::start_with(|options| options.script = script(120, Duration::from_millis(10)))
            .await;
    let id = Uuid::new_v4();
    let mut socket = stack.websocket("alice").await;
    let stream = stack
        .client("alice")
        .stream_as(id, "Why do rivers meander?");
    let (answer, followed) = tokio::join!(collect(stream), async {
        stack.model_said(40).await;
        let known = Followed::default();
        socket.resume(&id.to_string(), known).await;
        socket.end_of(&id.to_string()).await
    });
    assert_eq!(answer.expect("an answer").text, text(120));
    assert_eq!(followed.text, text(120));
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn a_stop_is_answered_and_ends_the_session() {
    let stack =
        TestStack::start_with(|options| options.script = script(2000, Duration::from_millis(10)))
            .await;
    let mut socket = stack.websocket("alice").await;
    let id = socket.start("A very long story").await;
    socket.text_of(&id, 1).await;
    eventually("a session that says that it is streaming", || async {
        let record = stack.get_stream("alice", &id).await;
        (record["status"] == json!("STREAMING")).then_some(())
    })
    .await;
    let stop = json!({ "action": "stop", "sessionId": id });
    let stopping = socket.ask(&stop, "stopping").await;
    assert_eq!(stopping["status"], json!("STREAMING"), "{stopping}");
    let session = socket.end_of(&id).await;
    assert_eq!(session.status(), "CANCELLED");
    assert_eq!(
        session.ending.expect("an ending")["type"],
        json!("complete")
    );
    assert!(text(2000).starts_with(&session.text) && !session.text.is_empty());
    let record = stack.get_stream("alice", &id).await;
    assert_eq!(record["text"], json!(session.text));
    // A second stop gets the same reply, and the terminal event again.
    let again = socket.ask(&stop, "stopping").await;
    assert_eq!(again["status"], json!("CANCELLED"), "{again}");
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn a_stop_before_the_start_is_not_lost() {
    let stack = TestStack::start().await;
    let id = Uuid::new_v4().to_string();
    let (mut phone, mut laptop) = (
        stack.websocket("alice").await,
        stack.websocket("alice").await,
    );
    let known = Followed::default();
    assert_eq!(laptop.resume(&id, known).await, "CLAIMED");
    let stop = json!({ "action": "stop", "sessionId": id });
    let stopping = phone.ask(&stop, "stopping").await;
    assert_eq!(stopping["status"], json!("CANCELLED"), "{stopping}");
    assert_eq!(phone.end_of(&id).await.status(), "CANCELLED");
    assert_eq!(laptop.end_of(&id).await.status(), "CANCELLED");
    let start = json!({ "action": "stream", "prompt": "Too late", "sessionId": id });
    let started = phone.ask(&start, "started").await;
    assert_eq!(started["status"], json!("CANCELLED"), "{started}");
    assert_eq!(stack.running.local.bedrock().calls().len(), 0);
    stack.shutdown().await;
}

#[tokio::test]
async fn whoever_says_goodbye_is_followed_by_nobody() {
    let stack =
        TestStack::start_with(|options| options.script = script(300, Duration::from_millis(10)))
            .await;
    let mut socket = stack.websocket("alice").await;
    let id = socket.start("Why do rivers meander?").await;
    socket.text_of(&id, 1).await;
    assert_eq!(followers(&stack, &id).await, 1);
    socket.close().await;
    eventually("no follower", || async {
        (followers(&stack, &id).await == 0).then_some(())
    })
    .await;
    eventually("no connection", || async {
        let connections = stack.dynamodb().scan();
        let scan = connections.table_name(tokencast::stack::CONNECTIONS_TABLE);
        (scan.send().await.expect("a scan").count() == 0).then_some(())
    })
    .await;
    // A disconnect is not a stop.
    stack.queue_is_empty().await;
    let record = stack.get_stream("alice", &id).await;
    assert_eq!(record["text"], json!(text(300)));
    stack.shutdown().await;
}
