//! Prompts that are longer than an API Gateway frame, sent by the Rust client.

use system_tests::{Channel, TestStack, collect};
use tokencast_client::Error;

/// Returns a prompt of so many bytes. Its beginning and its end tell it from others.
fn prompt(bytes: usize, filling: &str) -> String {
    let (begin, end) = (format!("{bytes}: "), "end");
    let repeats = (bytes - begin.len() - end.len()) / filling.len();
    begin + &filling.repeat(repeats) + end
}

#[tokio::test]
async fn a_prompt_of_20_to_99_kilobytes_is_answered() {
    let stack = TestStack::start_over(Channel::WebSocket, |_| {}).await;
    let client = stack.client("alice");
    let prompts = [20, 32, 40, 60, 80, 99].map(|kilobytes| prompt(kilobytes * 1_000, "why "));
    // Some characters have several bytes, and some become six times as long in JSON.
    let others = [prompt(99_000, "🌊"), prompt(20_000, "\u{1}")];
    for prompt in prompts.into_iter().chain(others) {
        let bytes = prompt.len();
        let answer = collect(client.stream(prompt.as_str())).await;
        let answer = answer.unwrap_or_else(|error| panic!("{bytes} bytes: {error}"));
        assert!(answer.is_completed(), "{bytes} bytes: {:?}", answer.ending);
        assert_eq!(answer.reconnects, 0, "{bytes} bytes");
        let calls = stack.running.local.bedrock().calls();
        let call = calls.last().expect("a call");
        // The log only keeps the beginning of a prompt.
        assert!(prompt.starts_with(&call.prompt), "{bytes} bytes");
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn a_prompt_beyond_the_limit_of_the_api_is_refused_at_once() {
    let stack = TestStack::start_over(Channel::WebSocket, |_| {}).await;
    let client = stack.client("alice");
    let refused = collect(client.stream(prompt(30_000, "\u{1}"))).await;
    let Err(Error::Refused { code, message, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(code, "INVALID_PROMPT");
    assert!(message.contains("131072 bytes at most"), "{message}");
    // The other channels answer the prompt.
    for other in [Channel::AppSync, Channel::FunctionUrl] {
        let stream = stack
            .client_over(other, "alice")
            .stream(prompt(30_000, "\u{1}"));
        let answer = collect(stream).await.expect("an answer");
        assert!(answer.is_completed(), "{other:?}: {:?}", answer.ending);
    }
    stack.shutdown().await;
}
