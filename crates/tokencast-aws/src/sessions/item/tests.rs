//! What is written is read again, by this version of the code and by those beside it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use serde_json::Value;
use tokencast_core::block::{BlockIndex, PieceKind, PieceRef};
use tokencast_core::event::GuardrailAction;
use tokencast_core::failure::FailureCode;
use tokencast_core::id::Position;
use tokencast_core::quota::{Day, Reservation, Spent};
use tokencast_core::session::{Fingerprint, Progress};
use uuid::Uuid;

use super::*;
use crate::sessions::{KEY, TTL};

/// An answer with some of everything.
fn progress() -> Progress {
    let mut progress = Progress::default();
    for (block, kind, content) in [
        (0, PieceKind::Reasoning, "Hm ü"),
        (0, PieceKind::ReasoningSignature, "c2ln"),
        (1, PieceKind::Text, "So "),
        (1, PieceKind::Text, "far so good ü"),
        (2, PieceKind::Citation, r#"{"title":"A page"}"#),
    ] {
        progress.push(PieceRef {
            block: BlockIndex(block),
            kind,
            content,
        });
    }
    progress
}

fn rest(session: &Session) -> Rest {
    Rest {
        text: TextChunk {
            text: session.text.clone(),
            lengths: session.lengths.clone(),
        },
        others: session.others.clone(),
    }
}

fn session() -> Session {
    let progress = progress();
    Session {
        id: SessionId::random(),
        owner: Owner::new("owner").expect("not empty"),
        status: Status::Failed,
        fingerprint: Some(Fingerprint::of("A prompt", &[])),
        attempt: Attempt(2),
        sequence: Sequence(31),
        text: progress.text,
        lengths: progress.lengths,
        others: progress.others,
        reasoning_ms: Some(1234),
        text_attempt: Attempt(1),
        ending: Ending {
            stop_reason: Some("end_turn".to_owned()),
            usage: Some(Usage {
                input_tokens: 1,
                output_tokens: 2,
                total_tokens: 3,
                cache_read_input_tokens: Some(4),
                cache_write_input_tokens: Some(5),
                cost: Some(Cost::of_micros(6)),
            }),
            failure: Some(Failure::new(FailureCode::ModelError, "It failed.")),
            guardrail: Some(Guardrail {
                action: GuardrailAction::Masked,
                masked: vec!["EMAIL".to_owned(), "PROFANITY".to_owned()],
            }),
        },
        last_attempt: Attempt(3),
        reopened_after: Attempt(1),
        throttled_attempts: 2,
        throttled_since: Some(Timestamp::from_millis(1_700_000_000_500)),
        start_by: Some(Timestamp::from_millis(1_700_003_600_000)),
        lease: Some(Lease {
            until: Timestamp::from_millis(1_700_000_030_000),
            holder: Uuid::new_v4(),
        }),
        stop_requested: true,
        followers: vec![Follower {
            address: "L0SM9cOFvHcCIhw=".to_owned(),
            position: Position {
                attempt: Attempt(1),
                sequence: Sequence(9),
            },
        }],
        last_failure: Some(Failure::new(FailureCode::Throttled, "Busy.")),
        conversation_id: Some(ConversationId::random()),
        parent_id: Some(SessionId::random()),
        assistant: Some("law".parse().expect("a name")),
        deleted_at: Some(Timestamp::from_millis(1_700_000_002_000)),
        created_at: Timestamp::from_millis(1_700_000_000_000),
        updated_at: Timestamp::from_millis(1_700_000_001_000),
        expires_at: Timestamp::from_secs(1_700_086_400),
        price: Some(Price {
            input: 1,
            output: 2,
            cache_read: 3,
            cache_write: 4,
        }),
        reservation: Some(Reservation {
            day: Day::of(Timestamp::EPOCH),
            input_tokens: 7,
            output_tokens: 8,
            until: Timestamp::from_millis(1_700_000_030_000),
            is_settled: true,
        }),
        spent: Spent {
            tokens: 9,
            cost: Cost::of_micros(10),
        },
        unknown: BTreeMap::new(),
    }
}

const VERSION_7: Version = Version {
    number: 7,
    sealed: Sealed {
        attempt: Attempt(1),
        chunks: 3,
        piece_chunks: 2,
    },
};

/// Of an answer that is text of block 0 alone.
const PLAIN_VERSION: Version = Version {
    number: 7,
    sealed: Sealed {
        attempt: Attempt(1),
        chunks: 3,
        piece_chunks: 0,
    },
};

#[test]
fn a_session_reads_back_as_written() {
    let full = session();
    let bare = Session {
        ending: Ending::default(),
        lease: None,
        fingerprint: None,
        stop_requested: false,
        last_failure: None,
        throttled_since: None,
        start_by: None,
        text: String::new(),
        lengths: Lengths::default(),
        others: OtherPieces::default(),
        reasoning_ms: None,
        followers: Vec::new(),
        conversation_id: None,
        parent_id: None,
        deleted_at: None,
        price: None,
        reservation: None,
        spent: Spent::default(),
        ..session()
    };
    let mut text = Progress::default();
    text.push(PieceRef::text("Only text"));
    let plain = Session {
        text: text.text,
        lengths: text.lengths,
        ..bare.clone()
    };
    for (session, version) in [
        (full, VERSION_7),
        (bare, PLAIN_VERSION),
        (plain, PLAIN_VERSION),
    ] {
        let found = read(&write(&session, version, &rest(&session))).expect("reads");
        assert_eq!((found.session, found.version), (session, version));
    }
}

/// A function of the version before writes the text of its attempt, and leaves attributes that it doesn't know as they are.
#[test]
fn what_another_attempt_had_besides_its_text_does_not_count() {
    let session = session();
    let mut item = write(&session, VERSION_7, &rest(&session));
    let later = AttributeValue::N("2".to_owned());
    item.insert("textAttempt".to_owned(), later);
    let found = read(&item).expect("reads");
    assert_eq!(found.session.text, session.text);
    assert_eq!(found.session.others, OtherPieces::default());
    assert_eq!(found.session.reasoning_ms, None);
    assert_eq!(found.version.sealed.piece_chunks, 0);
}

#[test]
fn pieces_that_do_not_fit_are_refused() {
    let session = session();
    let item = write(&session, VERSION_7, &rest(&session));
    for (name, value) in [
        ("other", AttributeValue::S("short".to_owned())),
        ("pieces", AttributeValue::B(Blob::new([7]))),
        ("pieces", AttributeValue::B(Blob::new([1, 99, 0, 1, 1]))),
    ] {
        let mut item = item.clone();
        item.insert(name.to_owned(), value);
        let error = read(&item).expect_err("refused").to_string();
        assert!(error.contains("`pieces`"), "{error}");
    }
    for name in ["other", "pieces"] {
        let mut item = item.clone();
        item.remove(name);
        let error = read(&item).expect_err("refused").to_string();
        assert!(error.contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn an_item_without_a_needed_attribute_is_refused_by_its_name() {
    let item = write(&session(), VERSION_7, &Rest::default());
    for name in [
        KEY,
        VERSION,
        TTL,
        "owner",
        "status",
        "attempt",
        "sequence",
        "text",
        "lengths",
        "textAttempt",
        "reopenedAfter",
        "parts",
        "leaseHolder",
    ] {
        let mut item = item.clone();
        item.remove(name);
        let error = read(&item).expect_err("refused").to_string();
        assert!(error.contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn each_attribute_that_is_written_is_known() {
    let session = session();
    let item = write(&session, VERSION_7, &rest(&session));
    let mut written: Vec<_> = item.keys().map(String::as_str).collect();
    let mut known = KNOWN.to_vec();
    written.sort_unstable();
    known.sort_unstable();
    assert_eq!(written, known);
}

/// `tests/fixtures/items.json`: what an older and a newer function write.
#[test]
fn items_of_the_versions_beside_this_one_are_read_and_written_back() {
    let items = include_str!("../../../../../tests/fixtures/items.json");
    let items: Vec<Value> = serde_json::from_str(items).expect("the fixture");
    for case in &items {
        let name = &case["name"];
        let fields = case["item"].as_object().expect("an item").iter();
        let item: Item = fields
            .map(|(name, value)| (name.clone(), unknown::of_json(value).expect("a value")))
            .collect();
        let found = read(&item);
        let expected = &case["expected"];
        let Some(status) = expected["status"].as_str() else {
            let error = found.expect_err("refused").to_string();
            assert_eq!(Value::from(error), expected["refused"], "{name}");
            continue;
        };
        let Versioned { session, version } = found.expect("reads");
        assert_eq!(session.status.as_str(), status, "{name}");
        assert_eq!(session.text, expected["text"], "{name}");
        let blocks = serde_json::to_value(session.blocks()).expect("JSON");
        assert_eq!(blocks, expected["blocks"], "{name}");
        let fingerprint = session.fingerprint.map(|it| it.to_string());
        assert_eq!(
            serde_json::json!(fingerprint),
            expected["fingerprint"],
            "{name}"
        );
        let failure = session.last_failure.as_ref().map(|it| it.code.as_str());
        assert_eq!(
            serde_json::json!(failure),
            expected["lastFailure"],
            "{name}"
        );

        let written = write(&session, version, &rest(&session));
        for kept in expected["kept"].as_array().expect("names") {
            let kept = kept.as_str().expect("a name");
            assert_eq!(written.get(kept), item.get(kept), "{name}: {kept}");
        }
        assert_eq!(
            written[ITEM_VERSION],
            AttributeValue::N(expected["writtenBackAs"].to_string()),
            "{name}"
        );
    }
    assert_eq!(items.len(), 6);
}
