//! Characters of every range of Unicode go to the model and back. Text that is not valid Unicode is refused.

use std::time::Duration;

use local_stack::config::ScriptConfig;
use reqwest::Method;
use serde_json::{Value, json};
use system_tests::stack::script;
use system_tests::{Channel, TestStack, collect, over_each_channel};
use uuid::Uuid;

use crate::ask::start_json;

/// The first and last characters of each range that JSON, SQS, DynamoDB, GraphQL, UTF-8 or UTF-16 treats differently.
const BOUNDARIES: [u32; 46] = [
    // Controls, which JSON escapes; and tab, line feed and carriage return, which SQS takes unescaped.
    0x00, 0x01, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x1f,
    // The quote, the backslash, delete, and the second range of controls.
    0x20, 0x22, 0x5c, 0x7e, 0x7f, 0x80, 0x85, 0x9f, 0xa0, 0xff,
    // Characters of two and three bytes; and the line and paragraph separators, which JavaScript escapes.
    0x7ff, 0x800, 0x2028, 0x2029,
    // Characters around the surrogates, private use, noncharacters, and the byte order mark.
    0xd7ff, 0xe000, 0xf8ff, 0xfdcf, 0xfdd0, 0xfdef, 0xfeff, 0xfff9, 0xfffc, 0xfffd, 0xfffe, 0xffff,
    // Characters of four bytes, and the last two of each plane.
    0x1_0000, 0x1_f600, 0x1_fffe, 0x1_ffff, 0x2_0000, 0xf_fffe, 0xf_ffff, 0x10_0000, 0x10_fffe,
    0x10_ffff,
];

over_each_channel! {
    async fn every_character_reaches_the_model_and_comes_back(channel) {
        let stack = TestStack::start_over(channel, |_| {}).await;
        // Each session has several characters between letters, because a session for each would take too long.
        for some in BOUNDARIES.chunks(8) {
            let characters = some.iter().filter_map(|code| char::from_u32(*code));
            let prompt: String = characters.map(|it| format!("a{it}b")).collect();
            check_echo(&stack, &prompt).await;
        }
        let all: String = BOUNDARIES.into_iter().filter_map(char::from_u32).collect();
        check_echo(&stack, &all).await;
        stack.shutdown().await;
    }

    async fn half_of_a_surrogate_pair_is_refused_by_name(channel) {
        let stack = TestStack::start_over(channel, |_| {}).await;
        for half in [r#""cut \ud83d""#, r#""\ude00 cut""#, r#""\ude00\ud83d""#, r#""\ud83d\n""#] {
            let id = Uuid::new_v4().to_string();
            let refused = start_json(&stack, channel, &id, half).await;
            let (code, message) = refused.expect_err("refused");
            let expected = match channel {
                Channel::AppSync => "MalformedHttpRequestException",
                Channel::FunctionUrl | Channel::WebSocket => "INVALID_PROMPT",
            };
            assert_eq!(code, expected, "{half}: {message}");
            for said in ["prompt", "no Unicode", "surrogate pair"] {
                assert!(message.contains(said), "{half}: {message}");
            }
        }
        // Both halves together are a valid character.
        let id = Uuid::new_v4().to_string();
        assert_eq!(start_json(&stack, channel, &id, r#""whole \ud83d\ude00""#).await, Ok(()));
        stack.queue_is_empty().await;
        assert_eq!(stack.running.local.bedrock().calls().len(), 1, "only that one is asked");
        stack.shutdown().await;
    }

    async fn the_longest_prompt_fits_into_the_queue_however_it_is_escaped(channel) {
        // A WebSocket message takes no more.
        let bytes = if channel == Channel::WebSocket { 5_000 } else { 100_000 };
        let stack = TestStack::start_over(channel, |_| {}).await;
        for character in ['\u{1}', '"', '\u{fffe}', '\u{10ffff}'] {
            let prompt = character.to_string().repeat(bytes / character.len_utf8());
            let answer = collect(stack.client("alice").stream(prompt)).await;
            assert!(answer.expect("an answer").is_completed(), "{character:?}");
        }
        stack.shutdown().await;
    }
}

/// Checks that the model gets exactly this prompt, and that its text comes back exactly, live and from the record.
async fn check_echo(stack: &TestStack, prompt: &str) {
    stack.script(ScriptConfig {
        tokens: Some(vec![prompt.to_owned(), "!".to_owned(), prompt.to_owned()]),
        ..script(0, Duration::ZERO)
    });
    let id = Uuid::new_v4();
    let said = format!("{prompt}!{prompt}");
    let answer = collect(stack.client("alice").stream_as(id, prompt)).await;
    assert_eq!(
        answer.expect("an answer").text,
        said,
        "{}",
        prompt.escape_unicode()
    );
    let calls = stack.running.local.bedrock().calls();
    assert_eq!(
        calls.last().expect("a call").prompt,
        prompt,
        "{}",
        prompt.escape_unicode()
    );
    let session = stack.get_stream("alice", &id.to_string()).await;
    assert_eq!(session["text"], json!(said), "{}", prompt.escape_unicode());
}

/// Only the Function URL takes a request this long.
#[tokio::test]
async fn a_prompt_that_no_queue_takes_is_refused_with_what_was_expected() {
    let stack = TestStack::start_with(|options| {
        options.function_url_variable("MAX_PROMPT_BYTES", "500000");
    })
    .await;
    let ask = async |prompt: String| {
        let question = json!({ "prompt": prompt });
        let request = stack.url(Method::POST, "", "alice").json(&question);
        let response = request.send().await.expect("a response");
        (
            response.status().as_u16(),
            response.text().await.expect("a body"),
        )
    };
    let (status, said) = ask("\u{1}".repeat(175_000)).await;
    assert_eq!(status, 413, "{said}");
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["error"]["code"], "INVALID_PROMPT");
    let message = said["error"]["message"].as_str().expect("a message");
    assert!(message.starts_with("prompt has 1050"), "{message}");
    assert!(
        message.contains("escaped: expected at most 1048320"),
        "{message}"
    );
    assert_eq!(stack.sessions().await, 0);
    for prompt in ["\u{1}".repeat(174_000), "x".repeat(500_000)] {
        let (status, said) = ask(prompt).await;
        assert_eq!(status, 200, "{said}");
        assert!(said.contains(r#""status":"COMPLETED""#), "{said}");
    }
    stack.shutdown().await;
}
