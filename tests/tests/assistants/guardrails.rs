//! What a guardrail does is an answer's end, over each channel.

use serde_json::{Value, json};
use system_tests::answer::Answer;
use system_tests::{Channel, TestStack, collect, over_each_channel};
use tokencast_client::{AnswerEvent, Prompt};
use uuid::Uuid;

use super::stack;

const NO_ANSWER: &str = "Sorry, the model cannot answer this question.";
const NOT_SAID: &str = "Sorry, the model cannot say this.";

/// What the model says.
const TOKENS: [&str; 5] = ["Write to ", "me@exam", "ple.com", " or ", "not."];
const BLOCKED_TOKENS: [&str; 4] = ["So ", "blo", "ckme", " now."];

/// The stop reason, and the guardrail's action and names.
fn ending(answer: &Answer) -> (Option<&str>, Option<(&str, Vec<&str>)>) {
    let AnswerEvent::Completed {
        stop_reason,
        guardrail,
        usage,
    } = &answer.ending
    else {
        panic!("{answer:?}")
    };
    assert!(usage.is_some(), "{answer:?}");
    let guardrail = guardrail.as_ref().map(|it| {
        let names = it.masked.iter().map(String::as_str).collect();
        (it.action.as_str(), names)
    });
    (stop_reason.as_deref(), guardrail)
}

async fn ask(stack: &TestStack, prompt: &str, assistant: &str) -> (Answer, Value) {
    const DOCUMENT: &str = "query Get($id: String!) {
        getStream(sessionId: $id) { text stopReason guardrail { action masked } }
    }";
    let id = Uuid::new_v4();
    let prompt = Prompt::new(prompt).to_assistant(assistant);
    let answer = collect(stack.client("alice").stream_as(id, prompt)).await;
    let read = stack.graphql("alice", DOCUMENT, json!({ "id": id })).await;
    (
        answer.expect("an answer"),
        read["data"]["getStream"].clone(),
    )
}

over_each_channel! {
    async fn an_answer_is_masked_where_its_guardrail_looks_first(channel) {
        let stack = stack(channel, &TOKENS).await;
        let masked = Some(("MASKED", vec!["EMAIL"]));
        for (assistant, prompt, text, expected) in [
            ("guarded", "Hi", "Write to {EMAIL} or not.", masked.clone()),
            ("watched", "Hi", "Write to me@example.com or not.", None),
            // The prompt is masked in either mode.
            ("watched", "I am me@example.com", "Write to me@example.com or not.", masked),
            ("general", "Hi", "Write to me@example.com or not.", None),
        ] {
            let (answer, read) = ask(&stack, prompt, assistant).await;
            assert_eq!(answer.text, text, "{assistant}");
            assert_eq!(ending(&answer), (Some("end_turn"), expected.clone()), "{assistant}");
            let guardrail = expected.map(|(action, names)| json!({ "action": action, "masked": names }));
            let expected = json!({ "text": text, "stopReason": "end_turn", "guardrail": guardrail });
            assert_eq!(read, expected, "{assistant}");
        }
        stack.shutdown().await;
    }

    async fn an_answer_is_blocked_before_or_after_it_was_sent(channel) {
        let stack = stack(channel, &BLOCKED_TOKENS).await;
        let blocked = Some(("BLOCKED", vec!["CUSTOM_WORD"]));
        for (assistant, prompt, text) in [
            ("guarded", "Hi", format!("So {NOT_SAID}")),
            ("watched", "Hi", format!("So blockme{NOT_SAID}")),
            ("guarded", "Why blockme?", NO_ANSWER.to_owned()),
            ("watched", "Why blockme?", NO_ANSWER.to_owned()),
        ] {
            let (answer, read) = ask(&stack, prompt, assistant).await;
            assert_eq!(answer.text, text, "{assistant}");
            let stopped = Some("guardrail_intervened");
            assert_eq!(ending(&answer), (stopped, blocked.clone()), "{assistant}");
            assert_eq!(read["guardrail"]["action"], "BLOCKED");
            assert_eq!(read["text"], json!(text));
        }
        stack.queue_is_empty().await;
        stack.shutdown().await;
    }

    /// Otherwise the guardrail would block all that follows, since it looks at the whole conversation.
    async fn a_conversation_goes_on_behind_what_was_blocked(channel) {
        let stack = stack(channel, &["Hello."]).await;
        let client = stack.client("alice");
        let id = Uuid::new_v4();
        for (prompt, is_blocked) in [("Hi", false), ("Why blockme?", true), ("And now?", false)] {
            let prompt = Prompt::new(prompt).in_conversation(id).to_assistant("guarded");
            let answer = collect(client.stream(prompt)).await.expect("an answer");
            assert_eq!(ending(&answer).1.is_some(), is_blocked, "{answer:?}");
        }
        let calls = stack.running.local.bedrock().calls();
        let last: Value = serde_json::from_str(&calls.last().expect("a call").body).expect("JSON");
        let told = last["messages"].as_array().expect("a list").iter();
        let told: Vec<_> = told.map(|it| it["content"][0]["text"].clone()).collect();
        assert_eq!(told, ["Hi", "Hello.", "And now?"]);
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn the_last_event_has_it_and_no_other() {
    let stack = stack(Channel::FunctionUrl, &TOKENS).await;
    let question = json!({ "prompt": "Hi", "assistant": "guarded" });
    let request = stack
        .url(reqwest::Method::POST, "", "alice")
        .json(&question);
    let response = request.send().await.expect("a response");
    let events = system_tests::url::Events::of(response).rest().await;
    let (end, tokens) = events.split_last().expect("events");
    assert_eq!(
        end.data["guardrail"],
        json!({ "action": "MASKED", "masked": ["EMAIL"] })
    );
    assert!(
        tokens
            .iter()
            .all(|event| event.data.get("guardrail").is_none())
    );
    stack.shutdown().await;
}
