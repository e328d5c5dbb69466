//! The stack's clock moves by hours and days. Everything goes on by the time that it shows.

use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use reqwest::{Method, StatusCode};
use system_tests::stack::{script, text_of, whole_of};
use system_tests::websocket::Shown;
use system_tests::{Channel, TestStack, collect, over_each_channel};
use tokencast_aws::clock::iso8601;
use tokencast_core::time::Timestamp;
use uuid::Uuid;

const TOKENS: usize = 100;
const PROMPT: &str = "Why do rivers meander?";

/// The moves are longer than the skew of signatures, the life of a token, the life of a session, and the life of a
/// connection.
const MOVES: [Duration; 4] = [
    Duration::from_mins(6),
    Duration::from_hours(2),
    Duration::from_hours(30),
    Duration::from_hours(20 * 24),
];

over_each_channel! {
    async fn an_answer_is_had_resumed_and_stopped_at_any_time(channel) {
        check_any_time(channel).await;
    }

    async fn an_answer_goes_on_after_a_worker_that_is_out_of_time(channel) {
        check_out_of_time(channel).await;
    }
}

async fn check_any_time(channel: Channel) {
    let stack = TestStack::start_over(channel, |options| {
        options.script = script(TOKENS, Duration::ZERO);
    })
    .await;
    let clock = stack.running.local.clock();
    for by in MOVES {
        clock.advance(by);
        let before_ms = clock.now_ms();
        // A user who signs in now gets a token with the new time.
        let client = stack.client("alice");
        stack.script(script(TOKENS, Duration::ZERO));
        let id = Uuid::new_v4();
        let answer = collect(client.stream_as(id, PROMPT)).await;
        let answer = answer.expect("an answer");
        assert!(answer.is_completed(), "{by:?}: {:?}", answer.ending);
        assert_eq!(answer.text, whole_of(&answer.text, TOKENS), "{by:?}");
        let record = stack.get_stream("alice", &id.to_string()).await;
        let created_at = record["createdAt"].as_str().expect("a time");
        let now = iso8601(Timestamp::from_millis(before_ms))
            ..=iso8601(Timestamp::from_millis(clock.now_ms()));
        assert!(now.contains(&created_at.to_owned()), "{by:?}: {created_at}");

        let resumed = collect(client.resume(id)).await.expect("the answer again");
        assert_eq!(resumed.text, answer.text, "{by:?}");

        stack.script(script(5000, Duration::from_millis(10)));
        let id = Uuid::new_v4();
        let (answer, ()) = tokio::join!(collect(client.stream_as(id, PROMPT)), async {
            stack.model_said(20).await;
            client.stop(id).await.expect("stopped");
        });
        let answer = answer.expect("an answer");
        assert!(answer.is_cancelled(), "{by:?}: {:?}", answer.ending);
    }
    stack.shutdown().await;
}

/// A function has a quarter of an hour in all, and a token an hour.
async fn check_out_of_time(channel: Channel) {
    let stack = TestStack::start_over(channel, |options| {
        options.script = script(300, Duration::from_millis(20));
    })
    .await;
    let stream = stack.client("alice").stream(PROMPT);
    let (answer, ()) = tokio::join!(collect(stream), async {
        stack.model_said(20).await;
        let pid = stack.busy_function().await.pid;
        stack.script(script(TOKENS, Duration::ZERO));
        stack.running.local.clock().advance(Duration::from_mins(16));
        system_tests::eventually("the end of its process", || async {
            let function = channel.function();
            let processes = stack.running.local.lambda().processes(function);
            processes.iter().all(|it| it.pid != pid).then_some(())
        })
        .await;
    });
    let answer = answer.expect("an answer");
    assert!(answer.is_completed(), "{:?}", answer.ending);
    assert_eq!((answer.text, answer.attempt), (text_of(2, TOKENS), 2));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_token_is_over_for_all_by_the_stacks_clock() {
    let stack = TestStack::start().await;
    for by in [Duration::from_hours(2), Duration::from_hours(3 * 24)] {
        let token = stack.access_token("alice");
        check_token(&stack, &token, true).await;
        stack.running.local.clock().advance(by);
        check_token(&stack, &token, false).await;
    }
    stack.shutdown().await;
}

/// Checks what AppSync, the function URL and the WebSocket API's authorizer decide about a token.
async fn check_token(stack: &TestStack, token: &str, is_good: bool) {
    let (right, refused) = if is_good {
        (200, None)
    } else {
        (401, Some(401))
    };
    let document = "{ __typename }";
    assert_eq!(stack.graphql_status(token, document).await, right);
    let request = stack.url_anonymous(Method::GET, &Uuid::new_v4().to_string());
    let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    let status = request.send().await.expect("a response").status();
    // The function accepts the caller, and finds no session.
    let known = if is_good {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::UNAUTHORIZED
    };
    assert_eq!(status, known);
    for shown in [Shown::InQuery, Shown::InHeader] {
        let connected = stack.websocket_with(shown, token).await;
        assert_eq!(connected.err(), refused, "{shown:?}");
    }
}
