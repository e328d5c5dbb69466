//! A stack ends at once, whatever its clients wait for.

use std::time::{Duration, Instant};

use local_stack::config::ScriptConfig;

use crate::stack::{Stack, within};

/// A tenth of a second on an idle machine; this allows for a busy one, and is far below the gateway's grace of 1.5 s.
const AT_ONCE: Duration = Duration::from_millis(700);

async fn check_stop(stack: Stack) {
    let started = Instant::now();
    stack.stop().await;
    let took = started.elapsed();
    println!("stopped in {took:?}");
    assert!(took < AT_ONCE, "{took:?}");
}

#[tokio::test]
async fn an_idle_stack() {
    let stack = Stack::start().await;
    stack.send("a").await.expect("sent");
    check_stop(stack).await;
}

#[tokio::test]
async fn long_polls_end() {
    let stack = Stack::start().await;
    let poll = stack.sqs().receive_message().queue_url(&stack.queue_url);
    let poll = tokio::spawn(poll.wait_time_seconds(20).send());
    crate::stack::eventually(async || (!stack.local.connections().list().is_empty()).then_some(()))
        .await;
    check_stop(stack).await;
    let answer = within(poll).await.expect("no panic");
    // An empty response if it was waiting already, none if it was still on its way.
    assert!(answer.is_ok_and(|answer| answer.messages().is_empty()));
}

#[tokio::test]
async fn a_models_stream_ends() {
    let stack = Stack::start().await;
    stack.local.bedrock().set_script(ScriptConfig {
        time_to_first_token: Duration::from_mins(10),
        ..ScriptConfig::default()
    });
    let question = aws_sdk_bedrockruntime::types::Message::builder()
        .role(aws_sdk_bedrockruntime::types::ConversationRole::User)
        .content(aws_sdk_bedrockruntime::types::ContentBlock::Text(
            "Why?".to_owned(),
        ));
    let client = stack.bedrock();
    let sent = client
        .converse_stream()
        .model_id("us.anthropic.claude-3-haiku-20240307-v1:0")
        .messages(question.build().expect("complete"))
        .send();
    let mut stream = sent.await.expect("a stream").stream;
    check_stop(stack).await;
    while within(stream.recv())
        .await
        .is_ok_and(|event| event.is_some())
    {}
}
