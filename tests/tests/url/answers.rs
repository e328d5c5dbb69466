//! Answers as events, as text, from the record, and stopped.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use system_tests::TestStack;
use system_tests::stack::{script, text};
use system_tests::url::{Event, Events, text_of};
use uuid::Uuid;

/// Starts a stack whose jobs, which wait for a function to die, wait for a short time only.
async fn stack(tokens: usize, time_between_tokens: Duration) -> TestStack {
    TestStack::start_with(|options| {
        options.script = script(tokens, time_between_tokens);
        options.function_url_variable("LEASE_SECONDS", "2");
    })
    .await
}

#[tokio::test]
async fn a_whole_answer_is_a_stream_of_events() {
    let stack = stack(100, Duration::ZERO).await;
    let mut events = stack.url_ask(None).await;
    let id = events.session_id();
    let events = events.rest().await;
    assert_eq!(text_of(&events), text(100));
    let end = events.last().expect("an end");
    assert_eq!(end.kind, "complete");
    assert_eq!(end.data["status"], "COMPLETED");
    assert_eq!(end.data["stopReason"], "end_turn");
    assert!(end.data["usage"]["totalTokens"].as_u64() > Some(0));
    assert!(end.data.get("error").is_none());
    assert!(
        events
            .iter()
            .all(|event| event.data["sessionId"] == json!(id))
    );

    // AppSync has the same session, and the model isn't asked again.
    let record = stack.get_stream("alice", &id).await;
    assert_eq!(record["status"], "COMPLETED");
    assert_eq!(record["text"], json!(text(100)));
    assert_eq!(record["sequence"], end.data["sequence"]);
    stack.queue_is_empty().await;
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    stack.shutdown().await;
}

#[tokio::test]
async fn tokens_leave_as_they_come() {
    let stack = stack(40, Duration::from_millis(50)).await;
    let mut events = stack.url_ask(None).await;
    let first = events.take(1).await;
    assert_eq!(first[0].token(), "1:0 ");
    // The model still streams.
    assert!(stack.running.local.bedrock().calls()[0].ended.is_none());
    let all: Vec<_> = first.into_iter().chain(events.rest().await).collect();
    assert_eq!(text_of(&all), text(40));
    assert!(all.len() > 20, "joined to {}", all.len());
    stack.shutdown().await;
}

#[tokio::test]
async fn plain_text_is_the_tokens_and_nothing_else() {
    let stack = stack(100, Duration::from_millis(2)).await;
    let response = stack.url_text().await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    assert_eq!(
        response.headers()["cache-control"],
        "no-store, no-transform"
    );
    let id = response.headers()["x-tokencast-session-id"].clone();
    assert_eq!(response.text().await.expect("whole"), text(100));

    // The record gives the same text, also from its middle.
    let path = id.to_str().expect("an id");
    let again = stack.url(Method::GET, path, "alice");
    let again = again.header("accept", "text/plain").send().await;
    assert_eq!(
        again.expect("a response").text().await.expect("whole"),
        text(100)
    );
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn text_is_for_who_prefers_it() {
    let stack = stack(20, Duration::ZERO).await;
    let id = stack.url_ask(None).await.session_id();
    for (accept, is_text) in [
        ("text/plain", true),
        ("text/plain, */*;q=0.8", true),
        // axios sends this header.
        ("application/json, text/plain, */*", false),
        ("text/plain, text/event-stream", false),
        ("text/event-stream, text/plain;q=0.5", false),
        ("*/*", false),
    ] {
        let request = stack.url(Method::GET, &id, "alice");
        let response = request.header("accept", accept).send().await;
        let response = response.expect("a response");
        let said = if is_text {
            response.text().await.expect("whole")
        } else {
            text_of(&Events::of(response).rest().await)
        };
        assert_eq!(said, text(20), "{accept}");
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn every_event_can_be_gone_on_from() {
    let stack = TestStack::start_with(|options| {
        options.script = script(30, Duration::ZERO);
        options.function_url_variable("PUBLISH_MODE", "token");
    })
    .await;
    let mut events = stack.url_ask(None).await;
    let id = events.session_id();
    let sent: Vec<_> = events
        .rest()
        .await
        .into_iter()
        .map(Event::timeless)
        .collect();
    assert_eq!(sent.len(), 31);
    for known in 0..sent.len() {
        let last = known.checked_sub(1).map(|last| sent[last].id.clone());
        let rest = stack.url_resume(&id, last.as_deref()).await.rest().await;
        let rest: Vec<_> = rest.into_iter().map(Event::timeless).collect();
        assert_eq!(rest, sent[known..], "after {last:?}");
    }
    // The same start resumes, too, for clients that only know how to start.
    let again = async |last: Option<&str>, id: &str| {
        let question = json!({ "prompt": "Why do rivers meander?", "sessionId": id });
        let mut request = stack.url(Method::POST, "", "alice").json(&question);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        request.send().await.expect("a response")
    };
    for known in [0_usize, 1, 2, 15, 29, 30] {
        let last: Option<&str> = known.checked_sub(1).map(|last| &*sent[last].id);
        let rest = Events::of(again(last, &id).await).rest().await;
        let rest: Vec<_> = rest.into_iter().map(Event::timeless).collect();
        assert_eq!(rest, sent[known..], "after {last:?}");
    }
    assert_eq!(
        again(Some("31"), &id).await.status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        again(Some("x"), &id).await.status(),
        StatusCode::BAD_REQUEST
    );
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    // For a session that only begins, all events are still to come.
    let fresh = Uuid::new_v4().to_string();
    let events = Events::of(again(Some("17"), &fresh).await).rest().await;
    assert_eq!(events.len(), 31);
    // The id may be in the query, for clients that can't send the header.
    let request = stack.url(Method::GET, &format!("{id}?lastEventId=29"), "alice");
    let response = request.send().await.expect("a response");
    let rest = Events::of(response).rest().await;
    assert_eq!(rest.len(), 2);
    // A client that has every event gets a 204, which keeps an `EventSource` from asking again.
    for known in ["31", "99", "2.1"] {
        let request = stack.url(Method::GET, &id, "alice");
        let response = request.header("last-event-id", known).send().await;
        let response = response.expect("a response");
        assert_eq!(response.status(), StatusCode::NO_CONTENT, "after {known}");
        assert_eq!(response.text().await.expect("whole"), "");
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn leaving_is_not_stopping() {
    let stack = stack(80, Duration::from_millis(20)).await;
    let mut events = stack.url_ask(None).await;
    let id = events.session_id();
    let mut seen = events.take(5).await;
    drop(events);
    // The answer goes on live over another connection.
    let last = seen.last().expect("some").id.clone();
    let mut events = stack.url_resume(&id, Some(&last)).await;
    seen.extend(events.take(1).await);
    seen.extend(events.rest().await);
    assert_eq!(text_of(&seen), text(80));
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn several_read_the_same_answer() {
    let stack = stack(60, Duration::from_millis(10)).await;
    let mut events = stack.url_ask(None).await;
    let id = events.session_id();
    let mut seen = events.take(1).await;
    let (mut one, mut other) = (
        stack.url_resume(&id, None).await,
        stack.url_resume(&id, None).await,
    );
    let (rest, one, other) = tokio::join!(events.rest(), one.rest(), other.rest());
    seen.extend(rest);
    let seen: Vec<_> = seen.into_iter().map(Event::timeless).collect();
    for followed in [one, other] {
        let followed: Vec<_> = followed.into_iter().map(Event::timeless).collect();
        assert_eq!(followed, seen);
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn asking_twice_with_one_id_asks_the_model_once() {
    let stack = stack(60, Duration::from_millis(10)).await;
    let id = Uuid::new_v4().to_string();
    let both = async || stack.url_ask(Some(&id)).await.rest().await;
    let (one, other) = tokio::join!(both(), both());
    assert_eq!(text_of(&one), text(60));
    assert_eq!(text_of(&other), text(60));
    // The same holds when the session is over.
    let again = stack.url_ask(Some(&id)).await.rest().await;
    assert_eq!(text_of(&again), text(60));
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    stack.queue_is_empty().await;
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_session_of_appsync_can_be_read_and_stopped_here() {
    let stack = stack(2_000, Duration::from_millis(10)).await;
    let id = Uuid::new_v4().to_string();
    stack
        .start_stream("alice", "Why do rivers meander?", Some(&id))
        .await;
    let mut events = stack.url_resume(&id, None).await;
    events.take(2).await;
    assert_eq!(stack.url_stop(&id).await.0, StatusCode::OK);
    let end = events.rest().await.pop().expect("an end");
    assert_eq!(end.data["status"], "CANCELLED");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_stop_ends_the_models_work_and_keeps_the_text() {
    let stack = stack(2_000, Duration::from_millis(10)).await;
    let mut events = stack.url_ask(None).await;
    let id = events.session_id();
    let mut seen = events.take(3).await;
    let (status, stopped) = stack.url_stop(&id).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(stopped["sessionId"], json!(id));
    assert_eq!(stopped["status"], "stopping");
    assert!(stopped["message"].is_string());
    seen.extend(events.rest().await);
    let end = seen.last().expect("an end");
    assert_eq!(
        (end.kind.as_str(), &end.data["status"]),
        ("complete", &json!("CANCELLED"))
    );
    let kept = text_of(&seen);
    assert!(text(2_000).starts_with(&kept));
    let record = stack.get_stream("alice", &id).await;
    assert_eq!(record["text"], json!(kept));
    assert!(stack.running.local.bedrock().calls()[0].tokens_sent < 2_000);
    // A second stop succeeds. So does a stop of a session that nobody started, which can't be started any more.
    assert_eq!(stack.url_stop(&id).await.1["status"], "CANCELLED");
    let fresh = Uuid::new_v4().to_string();
    assert_eq!(stack.url_stop(&fresh).await.1["status"], "CANCELLED");
    let ended = stack.url_ask(Some(&fresh)).await.rest().await;
    assert_eq!(ended.len(), 1);
    assert_eq!(
        (ended[0].id.as_str(), ended[0].kind.as_str()),
        ("0.1", "complete")
    );
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    stack.shutdown().await;
}
