use std::sync::Arc;

use serde_json::Value;
use tokencast_core::block::{BlockIndex, Citation, Piece, PieceKind};
use tokencast_core::event::Usage;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::{Attempt, Sequence, SessionId};
use tokencast_core::time::Timestamp;

use super::super::completion::Completion;
use super::*;

const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

fn named() -> Named {
    Named {
        session_id: ID.parse().expect("an id"),
        created: Timestamp::from_millis(1_700_000_000_999),
        model: Arc::from("default"),
    }
}

fn event(attempt: u32, piece: Piece) -> TokenEvent {
    TokenEvent {
        session_id: ID.parse::<SessionId>().expect("an id"),
        attempt: Attempt(attempt),
        sequence: Sequence(1),
        piece: Some(piece),
        status: Status::Streaming,
        ending: None,
    }
}

fn text(attempt: u32, text: &str) -> TokenEvent {
    event(attempt, Piece::text(text))
}

fn end(attempt: u32, status: Status, ending: Ending) -> TokenEvent {
    TokenEvent {
        piece: None,
        status,
        ending: Some(ending),
        ..text(attempt, "")
    }
}

fn stopped(reason: &str) -> Ending {
    Ending {
        stop_reason: Some(reason.to_owned()),
        usage: Some(Usage {
            input_tokens: 10,
            output_tokens: 5,
            total_tokens: 15,
            cache_read_input_tokens: Some(3),
            cache_write_input_tokens: Some(2),
            ..Usage::default()
        }),
        ..Ending::default()
    }
}

fn failed(code: FailureCode) -> Ending {
    Ending {
        failure: Some(Failure::new(code, "It failed.")),
        ..Ending::default()
    }
}

fn written(includes_usage: bool, events: &[TokenEvent]) -> Vec<Value> {
    let mut chunks = Chunks::new(named(), includes_usage);
    let data = events.iter().flat_map(|event| chunks.event(event));
    let data = data.map(|data| serde_json::from_str(&data).unwrap_or(Value::from(data)));
    let data = data.collect();
    let is_ended = events.last().is_some_and(TokenEvent::is_complete);
    assert!(chunks.is_over() || !is_ended);
    data
}

/// The chunks in short: what they add, why the answer ended, an error's code, `done`.
fn short(events: &[TokenEvent]) -> String {
    let short = written(false, events).into_iter().map(|data| {
        let choice = &data["choices"][0];
        let delta = &choice["delta"];
        if let Some(reason) = choice["finish_reason"].as_str() {
            format!("={reason}")
        } else if delta["role"] == "assistant" {
            "role".to_owned()
        } else if let Some(content) = delta["content"].as_str() {
            format!("+{content}")
        } else if let Some(annotations) = delta["annotations"].as_array() {
            format!("@{}", annotations[0]["url_citation"]["url"])
        } else if let Some(code) = data["error"]["code"].as_str() {
            format!("!{code}")
        } else {
            data.to_string()
        }
    });
    short.collect::<Vec<_>>().join(" ")
}

#[test]
fn an_answer_has_its_role_first_and_its_reason_once() {
    let whole = [
        text(1, "Rivers"),
        text(1, " bend"),
        end(1, Status::Completed, stopped("end_turn")),
    ];
    assert_eq!(short(&whole), "role +Rivers + bend =stop \"[DONE]\"");
    let data = written(true, &whole);
    let (done, chunks) = data.split_last().expect("some");
    assert_eq!(done, "[DONE]");
    for chunk in chunks {
        assert_eq!(chunk["id"], format!("chatcmpl-{ID}"));
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(
            (&chunk["created"], &chunk["model"]),
            (&1_700_000_000.into(), &"default".into())
        );
    }
    let (last, before) = chunks.split_last().expect("some");
    assert_eq!(last["choices"], serde_json::json!([]));
    assert_eq!(
        (
            &last["usage"]["prompt_tokens"],
            &last["usage"]["completion_tokens"]
        ),
        (&15.into(), &5.into())
    );
    assert_eq!(last["usage"]["prompt_tokens_details"]["cached_tokens"], 3);
    let is_null = |chunk: &Value| chunk.get("usage") == Some(&Value::Null);
    assert!(before.iter().all(is_null));
    assert!(
        written(false, &whole)
            .iter()
            .all(|chunk| chunk.get("usage").is_none())
    );
}

#[test]
fn each_end_has_its_reason() {
    for (status, reason, expected) in [
        (Status::Completed, "end_turn", "stop"),
        (Status::Completed, "stop_sequence", "stop"),
        (Status::Completed, "max_tokens", "length"),
        (Status::Completed, "max_answer_bytes", "length"),
        (Status::Completed, "guardrail_intervened", "content_filter"),
        (Status::Completed, "content_filtered", "content_filter"),
        (Status::Completed, "something_new", "stop"),
        (Status::Cancelled, "max_tokens", "stop"),
    ] {
        let events = [end(1, status, stopped(reason))];
        assert_eq!(
            short(&events),
            format!("role ={expected} \"[DONE]\""),
            "{reason}"
        );
        let mut completion = Completion::new(named());
        let whole = completion.event(&events[0]).expect("whole");
        let whole: Value = serde_json::from_str(&whole).expect("JSON");
        assert_eq!(whole["choices"][0]["finish_reason"], expected, "{reason}");
    }
}

#[test]
fn a_failure_is_an_error_and_nothing_follows() {
    let failed = [
        text(1, "a"),
        end(1, Status::Failed, failed(FailureCode::ModelError)),
        text(1, "b"),
    ];
    assert_eq!(short(&failed), "role +a !MODEL_ERROR");
    let mut chunks = Chunks::new(named(), true);
    chunks.event(&text(1, "a"));
    let said = chunks.interrupted();
    assert!(said[0].contains("\"interrupted\"") && said[0].contains(ID));
    assert!(chunks.interrupted().is_empty() && chunks.event(&text(1, "b")).is_empty());
}

#[test]
fn a_newer_attempt_goes_on_where_it_says_the_same() {
    let done = |attempt| end(attempt, Status::Completed, stopped("end_turn"));
    assert_eq!(
        short(&[text(1, "ab"), text(2, "a"), text(2, "bc"), done(2)]),
        "role +ab +c =stop \"[DONE]\""
    );
    assert_eq!(
        short(&[text(1, "ab"), text(2, "x"), done(2)]),
        "role +ab !answer_restarted"
    );
    // It ended before it had said what was sent.
    assert_eq!(
        short(&[text(1, "ab"), text(2, "a"), done(2)]),
        "role +ab !answer_restarted"
    );
    // It failed without a text: the answer's text is the one before.
    assert_eq!(
        short(&[text(1, "ab"), done(2)]),
        "role +ab =stop \"[DONE]\""
    );
}

#[test]
fn only_text_and_its_sources_are_told() {
    let source = |url: Option<&str>| Citation {
        url: url.map(str::to_owned),
        ..Citation::default()
    };
    let cited = |attempt, url| event(attempt, Piece::of_citation(BlockIndex(2), &source(url)));
    let events = [
        event(1, Piece::new(BlockIndex(0), PieceKind::Reasoning, "hm")),
        text(1, "ab"),
        cited(1, Some("https://a.example")),
        cited(1, None),
        event(2, Piece::new(BlockIndex(0), PieceKind::Reasoning, "hm")),
        text(2, "a"),
        cited(2, Some("https://a.example")),
        text(2, "bc"),
        cited(2, Some("https://b.example")),
        end(2, Status::Completed, stopped("end_turn")),
    ];
    assert_eq!(
        short(&events),
        "role +ab @\"https://a.example\" +c @\"https://b.example\" =stop \"[DONE]\""
    );
    let mut completion = Completion::new(named());
    let whole: Vec<_> = events
        .iter()
        .filter_map(|event| completion.event(event))
        .collect();
    let whole: Value = serde_json::from_str(&whole[0]).expect("JSON");
    let message = &whole["choices"][0]["message"];
    assert_eq!(
        (&message["role"], &message["content"]),
        (&"assistant".into(), &"abc".into())
    );
    let places: Vec<_> = message["annotations"]
        .as_array()
        .expect("some")
        .iter()
        .collect();
    assert_eq!(places.len(), 2, "{message}");
    assert_eq!(places[1]["url_citation"]["start_index"], 3);
    assert_eq!(whole["usage"]["total_tokens"], 20);
}
