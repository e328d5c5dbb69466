use futures_util::StreamExt as _;

use super::super::{Asked, GuardrailConfig};
use super::*;
use crate::guardrail::Looked;
use crate::prompt::Prompt;

fn guard_of(mode: Mode) -> Guard {
    let asked = Asked {
        id: "g".to_owned(),
        version: "1".to_owned(),
        mode,
        traces: true,
    };
    Guard::new(&[GuardrailConfig::to_try("g", "1")], asked).expect("it is there")
}

/// What comes of an answer: its text with `|` between events, the stop reason, and the words and names of the trace.
async fn answered(mode: Mode, prompt: &str, tokens: &[&str]) -> (String, String, String) {
    let mut prompt = Prompt::of(prompt);
    let mut guard = guard_of(mode);
    let looked = guard.look_at(&mut prompt);
    let stop = Stop {
        reason: "end_turn".to_owned(),
        sequence: None,
        usage: Usage::default(),
        trace: None,
    };
    let tokens = tokens.iter().map(|token| ModelEvent::text(*token));
    let events: Vec<_> = tokens.chain([ModelEvent::Stop(stop)]).collect();
    let events = matches!(looked, Looked::Passed).then(|| stream::iter(events).boxed());
    let events: Vec<_> = super::guard(guard, events).collect().await;
    let (mut texts, mut reason, mut trace) = (Vec::new(), String::new(), String::new());
    for event in events {
        match event {
            ModelEvent::Piece {
                piece: Piece::Text(text),
                ..
            } => texts.push(text),
            ModelEvent::Stop(stop) => {
                reason = stop.reason;
                trace = stop.trace.expect("asked for").to_string();
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    (texts.join("|"), reason, trace)
}

#[tokio::test]
async fn an_answer_is_blocked_or_masked_as_its_mode_can() {
    let prompt = "Sorry, the model cannot answer this question.";
    let answer = "Sorry, the model cannot say this.";
    for (mode, question, tokens, text, reason, found) in [
        (Mode::Sync, "Hi", &["a ", "b"][..], "a |b", "end_turn", None),
        (Mode::Async, "Hi", &["a ", "b"], "a |b", "end_turn", None),
        (
            Mode::Sync,
            "Hi",
            &["I am ", "mas", "kme", " now"],
            "I am |{SECRET}| now",
            "end_turn",
            Some("SECRET"),
        ),
        (
            Mode::Sync,
            "Hi",
            &["To me@exam", "ple.com", "."],
            "To |{EMAIL}|.",
            "end_turn",
            Some("EMAIL"),
        ),
        (
            Mode::Async,
            "Hi",
            &["I am ", "mas", "kme", " now"],
            "I am |mas|kme| now",
            "end_turn",
            None,
        ),
        (
            Mode::Sync,
            "Hi",
            &["So ", "blo", "ckme", " now"],
            &format!("So |{answer}"),
            "guardrail_intervened",
            Some("blockme"),
        ),
        (
            Mode::Async,
            "Hi",
            &["So ", "blo", "ckme", " now"],
            &format!("So |blo|ckme|{answer}"),
            "guardrail_intervened",
            Some("blockme"),
        ),
        (
            Mode::Sync,
            "Hi",
            &["ends with bl"],
            "ends with |bl",
            "end_turn",
            None,
        ),
        (
            Mode::Async,
            "Why blockme?",
            &["never"],
            prompt,
            "guardrail_intervened",
            Some("blockme"),
        ),
        (
            Mode::Sync,
            "I am me@example.com",
            &["Hello"],
            "Hello",
            "end_turn",
            Some("EMAIL"),
        ),
    ] {
        let (said, why, trace) = answered(mode, question, tokens).await;
        assert_eq!(
            (said.as_str(), why.as_str()),
            (text, reason),
            "{mode:?} {tokens:?}"
        );
        for word in ["blockme", "SECRET", "EMAIL"] {
            let expected = found == Some(word);
            assert_eq!(
                trace.contains(word),
                expected,
                "{mode:?} {tokens:?}: {trace}"
            );
        }
    }
}

#[test]
fn the_model_gets_a_prompt_with_names_in_place_of_words() {
    let mut prompt = Prompt::of("Write to me@example.com");
    let looked = guard_of(Mode::Sync).look_at(&mut prompt);
    assert!(matches!(looked, Looked::Passed));
    assert_eq!(prompt.last_question(), "Write to {EMAIL}");
    let missing = Asked {
        id: "g".to_owned(),
        version: "2".to_owned(),
        mode: Mode::Sync,
        traces: false,
    };
    Guard::new(&[GuardrailConfig::to_try("g", "1")], missing).expect_err("no such version");
}
