//! A start beyond a quota, over each channel and as each protocol says it.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Channel, collect, over_each_channel};
use tokencast_client::Error;
use uuid::Uuid;

use crate::{quota, stack, usage};

over_each_channel! {
    async fn a_start_beyond_the_quota_is_refused_with_its_time(channel) {
        let stack = stack(channel, r#"{"default": {"startsPerDay": 1}}"#).await;
        let client = stack.client("alice");
        let answer = collect(client.stream("Why?")).await.expect("an answer");
        assert!(answer.is_completed(), "{:?}", answer.ending);
        let id = Uuid::new_v4();
        let refused = collect(client.stream_as(id, "And?")).await;
        let Err(Error::QuotaExceeded { limit, resets_at, message }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(limit.as_deref(), Some("startsPerDay"));
        let resets_at = resets_at.expect("a time");
        assert!(resets_at.ends_with("T00:00:00.000Z"), "{resets_at}");
        assert!(message.contains("1 of 1 used"), "{message}");
        // Nothing was queued, and the id is free for another day.
        stack.queue_is_empty().await;
        assert_eq!(stack.running.local.bedrock().calls().len(), 1);
        // Another user has a quota of their own.
        let answer = collect(stack.client("bob").stream("Why?")).await;
        assert!(answer.expect("an answer").is_completed());
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn a_graphql_error_has_the_limit_and_its_time() {
    let stack = stack(Channel::AppSync, r#"{"default": {"tokensPerDay": 100}}"#).await;
    let answer = stack.start_stream("alice", "Why?", None).await;
    let error = &answer["errors"][0];
    assert_eq!(error["errorType"], "QUOTA_EXCEEDED", "{answer}");
    let info = &error["errorInfo"];
    assert_eq!(info["limit"], "tokensPerDay", "{answer}");
    assert_eq!(info["resetsAt"], usage(&stack, "alice").await["resetsAt"]);
    assert_eq!(stack.sessions().await, 0);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_response_says_when_to_try_again_and_whether_to_do_so_by_itself() {
    for (quotas, limit, worth_waiting) in [
        (r#"{"default": {"startsPerDay": 0}}"#, "startsPerDay", false),
        (
            r#"{"default": {"startsPerMinute": 0}}"#,
            "startsPerMinute",
            true,
        ),
    ] {
        let stack = stack(Channel::FunctionUrl, quotas).await;
        let request = stack.url(Method::POST, "", "alice");
        let response = request.json(&json!({ "prompt": "Why?" })).send().await;
        let response = response.expect("a response");
        assert_eq!(response.status(), 429);
        let header = |name: &str| {
            let value = response.headers().get(name);
            value.map(|value| value.to_str().expect("text").to_owned())
        };
        let seconds: u32 = header("retry-after")
            .expect("a time")
            .parse()
            .expect("seconds");
        assert!(
            seconds >= 1 && (seconds <= 60) == worth_waiting,
            "{seconds}"
        );
        // However short the wait: it never helps.
        assert_eq!(header("x-should-retry").as_deref(), Some("false"));
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(body["error"]["code"], "QUOTA_EXCEEDED");
        assert_eq!(body["error"]["limit"], limit);
        assert_eq!(body["error"]["retryable"], false);
        assert!(body["error"]["resetsAt"].is_string(), "{body}");
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn a_frame_has_the_limit_and_its_time_and_the_connection_stays() {
    let stack = stack(Channel::WebSocket, r#"{"default": {"sessionsAtOnce": 0}}"#).await;
    let mut socket = stack.websocket("alice").await;
    for _ in 0..2 {
        let message = json!({ "action": "stream", "prompt": "Why?" });
        socket.send(&message).await;
        let frame = socket.next().await;
        assert_eq!(
            (&frame["type"], &frame["action"]),
            (&json!("error"), &json!("stream"))
        );
        assert_eq!(frame["error"]["code"], "QUOTA_EXCEEDED", "{frame}");
        assert_eq!(frame["error"]["limit"], "sessionsAtOnce");
        assert!(frame["error"]["resetsAt"].is_string(), "{frame}");
    }
    socket.close().await;
    stack.shutdown().await;
}

#[tokio::test]
async fn what_is_left_is_told_and_an_administrator_changes_it() {
    let stack = stack(
        Channel::AppSync,
        r#"{"default": {"startsPerDay": 1, "tokensPerDay": 100000}}"#,
    )
    .await;
    let client = stack.client("alice");
    let asked = client.usage().await.expect("told");
    assert_eq!(asked.starts_per_day.left, Some(1));
    assert_eq!((asked.sessions_at_once.limit, asked.cost), (None, None));
    collect(client.stream("Why?")).await.expect("an answer");
    let counted = stack.running.local.bedrock().calls()[0].counted_tokens;
    let used = usage(&stack, "alice").await;
    assert_eq!(
        used["startsPerDay"],
        json!({ "used": 1, "limit": 1, "left": 0 })
    );
    assert_eq!(used["tokensPerDay"]["used"], json!(counted), "{used}");
    let response = stack.url(Method::GET, "usage", "alice").send().await;
    let told: Value = response.expect("a response").json().await.expect("JSON");
    assert_eq!(told["tokensPerDay"], used["tokensPerDay"]);
    collect(client.stream("And?")).await.expect_err("refused");

    let shown = quota(&stack, "alice", &["show"]).await;
    assert_eq!(
        shown["startsPerDay"],
        json!({ "used": 1, "override": "configured" })
    );
    let set = quota(
        &stack,
        "alice",
        &["set", "--starts-per-day", "3", "--tokens-per-day", "none"],
    )
    .await;
    assert_eq!(set["startsPerDay"]["override"], 3);
    assert_eq!(set["tokensPerDay"]["override"], "none");
    collect(client.stream("And?")).await.expect("an answer");
    let used = usage(&stack, "alice").await;
    assert_eq!(
        used["startsPerDay"],
        json!({ "used": 2, "limit": 3, "left": 1 })
    );
    assert_eq!(used["tokensPerDay"]["limit"], Value::Null);
    let reset = quota(&stack, "alice", &["reset"]).await;
    assert_eq!(reset["startsPerDay"]["used"], 0);
    let set = quota(&stack, "alice", &["set", "--starts-per-day", "configured"]).await;
    assert_eq!(set["startsPerDay"]["override"], "configured");
    assert_eq!(usage(&stack, "alice").await["startsPerDay"]["left"], 1);
    stack.shutdown().await;
}
