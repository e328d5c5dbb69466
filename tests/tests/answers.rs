//! A prompt goes through the whole pipeline, and its subscribers see the answer.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use system_tests::stack::{script, text};
use system_tests::{TestStack, collect, within};
use tokencast_client::AnswerEvent;
use uuid::Uuid;

#[tokio::test]
async fn a_prompt_is_answered_token_by_token() {
    let stack =
        TestStack::start_with(|options| options.script = script(50, Duration::from_millis(20)))
            .await;
    let answer = collect(stack.client("alice").stream("Why do rivers meander?"))
        .await
        .expect("an answer");
    assert_eq!(
        (answer.text, answer.attempt, answer.restarts),
        (text(50), 1, 0)
    );
    assert!(answer.pieces >= 10, "{} pieces", answer.pieces);
    let AnswerEvent::Completed {
        stop_reason, usage, ..
    } = answer.ending
    else {
        panic!("completed")
    };
    assert_eq!(stop_reason.as_deref(), Some("end_turn"));
    assert_eq!(usage.expect("usage").output_tokens, 50);
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn two_thousand_tokens_at_full_speed_arrive_whole_and_in_order() {
    let stack =
        TestStack::start_with(|options| options.script = script(2000, Duration::ZERO)).await;
    let answer = collect(stack.client("alice").stream("All of it"))
        .await
        .expect("an answer");
    assert_eq!(answer.text, text(2000));
    assert!(answer.is_completed() && answer.reconnects == 0);
    stack.shutdown().await;
}

#[tokio::test]
async fn each_token_is_an_event_of_its_own_where_that_is_asked_for() {
    let stack = TestStack::start_with(|options| {
        options.script = script(300, Duration::ZERO);
        options.worker_variable("PUBLISH_MODE", "token");
    })
    .await;
    let answer = collect(stack.client("alice").stream("One by one"))
        .await
        .expect("an answer");
    assert_eq!((answer.text, answer.pieces), (text(300), 300));
    stack.shutdown().await;
}

#[tokio::test]
async fn fifty_sessions_at_once_do_not_mix() {
    let stack = TestStack::start_with(|options| {
        // The model answers each prompt with words of that prompt.
        options.script.tokens = None;
        options.script.time_to_first_token = Duration::from_millis(20);
        options.script.time_between_tokens = Duration::from_millis(1);
        options.stack.batch_size = std::num::NonZeroU32::new(10);
        options.stack.max_concurrency = std::num::NonZeroU32::new(10);
    })
    .await;
    let client = stack.client("alice");
    let answers = join_all((0..50).map(|number| {
        let client = &client;
        async move { collect(client.stream(format!("Tell me about subject{number}x"))).await }
    }))
    .await;
    for (number, answer) in answers.into_iter().enumerate() {
        let answer = answer.expect("an answer");
        assert!(answer.is_completed(), "{:?}", answer.ending);
        let subjects: HashSet<_> = answer
            .text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.starts_with("subject"))
            .collect();
        let own = format!("subject{number}x");
        assert!(
            subjects
                .iter()
                .all(|subject| *subject == "subject" || *subject == own),
            "{number}: {subjects:?}"
        );
        assert!(subjects.contains(own.as_str()), "{number}: {}", answer.text);
    }
    let calls = stack.running.local.bedrock().calls();
    assert_eq!(calls.len(), 50, "one model call a session");
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn every_subscriber_of_a_session_sees_all_of_it() {
    let stack =
        TestStack::start_with(|options| options.script = script(100, Duration::from_millis(5)))
            .await;
    let id = Uuid::new_v4();
    let (client, other_device) = (stack.client("alice"), stack.client("alice"));
    let (asker, listener) = tokio::join!(collect(client.stream_as(id, "For both of us")), async {
        // A listener needs a session to resume. This one starts as soon as there is one.
        system_tests::eventually("the session", || async {
            other_device.get(id).await.expect("readable")
        })
        .await;
        collect(other_device.resume(id)).await
    });
    assert_eq!(asker.expect("an answer").text, text(100));
    assert_eq!(listener.expect("an answer").text, text(100));
    stack.shutdown().await;
}

#[tokio::test]
async fn who_comes_late_reads_what_was_said() {
    let stack =
        TestStack::start_with(|options| options.script = script(150, Duration::from_millis(10)))
            .await;
    let (id, client) = (Uuid::new_v4(), stack.client("alice"));
    let mut first = client.stream_as(id, "A long story");
    let mut heard = String::new();
    while heard.len() < 100 {
        let event = within("a token", first.next()).await;
        if let AnswerEvent::Text { text, .. } = event.expect("more").expect("no error") {
            heard.push_str(&text);
        }
    }
    drop(first);
    let late = collect(client.resume(id)).await.expect("an answer");
    assert_eq!((late.text, late.restarts), (text(150), 0));
    let after_the_end = collect(client.resume(id)).await.expect("an answer");
    assert_eq!(after_the_end.text, text(150));
    let record = stack.get_stream("alice", &id.to_string()).await;
    assert_eq!(
        (&record["status"], &record["text"]),
        (&json!("COMPLETED"), &json!(text(150)))
    );
    assert_eq!(
        (&record["attempt"], &record["stopReason"]),
        (&json!(1), &json!("end_turn"))
    );
    assert_eq!(record["usage"]["outputTokens"], json!(150));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_start_is_idempotent() {
    let stack = TestStack::start_with(|options| {
        options.script = script(20, Duration::from_millis(20));
        // A second message, if there is one, becomes visible again soon.
        options.worker_variable("LEASE_SECONDS", "1");
    })
    .await;
    let id = Uuid::new_v4().to_string();
    let (first, second) = tokio::join!(
        stack.start_stream("alice", "Once", Some(&id)),
        stack.start_stream("alice", "Once", Some(&id))
    );
    for answer in [&first, &second] {
        assert_eq!(
            answer["data"]["startStream"]["sessionId"],
            json!(id),
            "{answer}"
        );
        assert_eq!(
            answer["data"]["startStream"]["status"],
            json!("streaming_started")
        );
    }
    let answer = collect(stack.client("alice").resume(id.parse().expect("a UUID")))
        .await
        .expect("an answer");
    assert_eq!((answer.text, answer.attempt), (text(20), 1));
    let again = stack.start_stream("alice", "Once", Some(&id)).await;
    assert_eq!(
        again["data"]["startStream"]["status"],
        json!("COMPLETED"),
        "{again}"
    );
    stack.queue_is_empty().await;
    assert_eq!(stack.running.local.bedrock().calls().len(), 1);
    stack.shutdown().await;
}

#[tokio::test]
async fn the_articles_documents_work_unchanged() {
    let stack = TestStack::start().await;
    let started = stack
        .graphql(
            "alice",
            "mutation StartStream($prompt: String!) {
                startStream(prompt: $prompt) { sessionId status message timestamp error }
            }",
            json!({ "prompt": "As the article asks" }),
        )
        .await;
    let response = &started["data"]["startStream"];
    assert_eq!(response["status"], json!("streaming_started"), "{started}");
    let id = response["sessionId"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("a UUID");
    let answer = collect(stack.client("alice").resume(id))
        .await
        .expect("an answer");
    assert_eq!(answer.text, text(100));
    let document = "query($id: String!) { getStreamStatus(sessionId: $id) { sessionId status } }";
    let status = stack.graphql("alice", document, json!({ "id": id })).await;
    assert_eq!(
        status["data"]["getStreamStatus"]["status"],
        json!("COMPLETED"),
        "{status}"
    );
    stack.shutdown().await;
}
