//! Faults within a model's response.

use std::time::Duration;

use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, ConverseStreamOutput, Message,
};
use local_bedrock::log::EndReason;
use local_faults::fault::StreamException;
use local_faults::{Fault, FaultService};

use crate::stack::{Stack, rule, within};

/// The text that was received, and how the stream ended.
/// The text and the end of an answer; a silence of `patience` ends it too.
async fn converse(stack: &Stack, patience: Duration) -> (String, Result<bool, String>) {
    let question = Message::builder()
        .role(ConversationRole::User)
        .content(ContentBlock::Text("Why?".to_owned()));
    let client = stack.bedrock();
    let sent = client
        .converse_stream()
        .model_id("us.anthropic.claude-3-haiku-20240307-v1:0")
        .messages(question.build().expect("complete"))
        .send();
    let mut stream = sent.await.expect("a stream").stream;
    let (mut text, mut is_stopped) = (String::new(), false);
    loop {
        match tokio::time::timeout(patience, stream.recv()).await {
            Err(_) => return (text, Err("nothing comes".to_owned())),
            Ok(Ok(Some(ConverseStreamOutput::ContentBlockDelta(event)))) => {
                let delta = event.delta.expect("a delta");
                text.push_str(delta.as_text().expect("text"));
            }
            Ok(Ok(Some(ConverseStreamOutput::MessageStop(_)))) => is_stopped = true,
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None)) => return (text, Ok(is_stopped)),
            Ok(Err(error)) => return (text, Err(format!("{:?}", error.into_service_error()))),
        }
    }
}

async fn check(fault: Fault, text: &str, end: Result<bool, &str>) {
    let name = fault.name();
    let stack = Stack::with(rule(FaultService::Bedrock, "ConverseStream", fault).times(1)).await;
    // Only a stall is known by its silence.
    let patience = match end {
        Err("nothing comes") => Duration::from_millis(500),
        _ => Duration::from_mins(1),
    };
    let (got, ended) = converse(&stack, patience).await;
    assert_eq!(got, text, "{name}");
    match (ended, end) {
        (Ok(got), Ok(expected)) => assert_eq!(got, expected, "{name}"),
        (Err(got), Err(expected)) => assert!(got.contains(expected), "{name}: {got}"),
        (got, expected) => panic!("{name}: {got:?}, expected {expected:?}"),
    }
    assert_eq!(
        converse(&stack, Duration::from_mins(1)).await,
        ("abcd".to_owned(), Ok(true)),
        "once only"
    );
    let all_ended =
        |calls: &[local_bedrock::log::ModelCall]| calls.iter().all(|call| call.ended.is_some());
    within(stack.local.bedrock().wait_until(all_ended)).await;
    let ended = stack.local.bedrock().calls()[0].ended.clone();
    assert_ne!(ended, Some(EndReason::Completed), "{name}");
    stack.stop().await;
}

#[tokio::test]
async fn a_stream_goes_wrong_after_so_many_tokens() {
    let error = Fault::StreamError {
        after_tokens: 2,
        exception: StreamException::Throttling,
    };
    check(error, "ab", Err("ThrottlingException")).await;
    check(Fault::StreamCut { after_tokens: 3 }, "abc", Ok(false)).await;
    check(
        Fault::StreamStall { after_tokens: 1 },
        "a",
        Err("nothing comes"),
    )
    .await;
    check(Fault::StreamReset { after_tokens: 0 }, "", Err("")).await;
}

#[tokio::test]
async fn an_answer_that_is_shorter_ends_as_it_would() {
    let fault = Fault::StreamCut { after_tokens: 9 };
    let stack = Stack::with(rule(FaultService::Bedrock, "*", fault)).await;
    assert_eq!(
        converse(&stack, Duration::from_mins(1)).await,
        ("abcd".to_owned(), Ok(true))
    );
    stack.stop().await;
}
