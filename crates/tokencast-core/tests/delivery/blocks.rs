//! Answers that are more than text.

use std::time::Duration;

use tokencast_core::block::{BlockContent, BlockIndex, Citation, Piece, PieceKind};
use tokencast_core::deliver::Disposition;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::{Owner, Position};
use tokencast_core::pipeline::{MAX_ANSWER_BYTES, PublishMode, STOP_REASON_TOO_LONG};
use tokencast_core::ports::{Clock, ModelEvent};
use tokencast_core::session::{Session, Status};

use crate::memory::{RecordingSink, ScriptedModel};
use crate::scene::{Scene, ms};

type Script = Vec<(Duration, Result<ModelEvent, Failure>)>;

fn piece(block: u32, kind: PieceKind, content: &str) -> ModelEvent {
    ModelEvent::Piece(Piece::new(BlockIndex(block), kind, content))
}

fn reasoning(content: &str) -> ModelEvent {
    piece(0, PieceKind::Reasoning, content)
}

fn citation(block: u32) -> ModelEvent {
    let citation = Citation {
        title: Some("A page".to_owned()),
        ..Citation::default()
    };
    ModelEvent::Piece(Piece::of_citation(BlockIndex(block), &citation))
}

/// A model that says something every 10 ms, then ends properly.
fn saying(events: impl IntoIterator<Item = ModelEvent>) -> Script {
    let stopped = ModelEvent::Stopped("end_turn".to_owned());
    let events = events.into_iter().chain([stopped]);
    events.map(|event| (ms(10), Ok(event))).collect()
}

fn scene(script: Script) -> Scene {
    Scene::new(ScriptedModel {
        script,
        ..ScriptedModel::default()
    })
}

/// The block and the content of each event that subscribers got, the terminal one left out.
fn received(sink: &RecordingSink) -> Vec<(u32, String)> {
    let received = sink.received.lock().expect("not poisoned");
    let pieces = received.iter().filter_map(|(_, event)| {
        let piece = event.piece.as_ref()?;
        Some((piece.block.0, piece.content.clone()))
    });
    pieces.collect()
}

/// The blocks of a session, in short.
fn blocks(session: &Session) -> Vec<(u32, String)> {
    let blocks = session.blocks().into_iter().map(|block| {
        let content = match block.content {
            BlockContent::Text { text } => text,
            BlockContent::Reasoning { reasoning } => format!("({reasoning})"),
            BlockContent::Citation { citation } => {
                format!("[{}]", citation.title.unwrap_or_default())
            }
            other => panic!("{other:?}"),
        };
        (block.index.0, content)
    });
    blocks.collect()
}

/// What was published is what the record repeats, piece by piece.
fn check_repeatable(scene: &Scene) {
    let received = scene.sink.received.lock().expect("not poisoned");
    let session = scene.session();
    let of_record = session.events_after(Position::default());
    let attempt = session.attempt;
    let sent = received.iter().map(|(_, event)| event);
    assert!(of_record.eq(sent.filter(|event| event.attempt == attempt).cloned()));
}

fn owned<const N: usize>(all: [(u32, &str); N]) -> Vec<(u32, String)> {
    all.map(|(block, content)| (block, content.to_owned()))
        .into()
}

#[tokio::test(start_paused = true)]
async fn blocks_are_published_and_kept_in_their_order() {
    let said = || {
        saying([
            reasoning("Hm"),
            reasoning(", so"),
            piece(0, PieceKind::ReasoningSignature, "c2ln"),
            piece(1, PieceKind::Text, "One"),
            piece(1, PieceKind::Text, "."),
            citation(2),
            piece(3, PieceKind::Text, "Two."),
            reasoning(" on"),
            piece(3, PieceKind::Text, " End."),
        ])
    };
    let each = owned([
        (0, "Hm"),
        (0, ", so"),
        (0, "c2ln"),
        (1, "One"),
        (1, "."),
        (2, r#"{"title":"A page"}"#),
        (3, "Two."),
        (0, " on"),
        (3, " End."),
    ]);
    for mode in [PublishMode::Token, PublishMode::Joined] {
        let mut scene = scene(said());
        scene.settings.publish_mode = mode;
        scene.sink.latency = ms(100);
        assert_eq!(scene.deliver().await, Disposition::Done);
        scene.check_ended(Status::Completed, "One.Two. End.");
        assert_eq!(scene.received(), "One.Two. End.");
        let expected = [
            (0, "(Hm, so on)"),
            (1, "One."),
            (2, "[A page]"),
            (3, "Two. End."),
        ];
        assert_eq!(blocks(&scene.session()), owned(expected));
        check_repeatable(&scene);
        let received = received(&scene.sink);
        match mode {
            PublishMode::Token => assert_eq!(received, each),
            // What waits together goes together, but nothing of two blocks.
            PublishMode::Joined => assert_eq!(
                received,
                owned([
                    (0, "Hm"),
                    (0, ", so"),
                    (0, "c2ln"),
                    (1, "One."),
                    (2, r#"{"title":"A page"}"#),
                    (3, "Two."),
                    (0, " on"),
                    (3, " End."),
                ])
            ),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_all_reasoning_is_added_up() {
    let mut script = saying([]);
    script.splice(
        0..0,
        [
            (ms(100), Ok(reasoning("a"))),
            (ms(1000), Ok(reasoning("b"))),
            (ms(1000), Ok(piece(0, PieceKind::ReasoningSignature, "s"))),
            (ms(500), Ok(piece(1, PieceKind::Text, "x"))),
            (ms(3000), Ok(piece(1, PieceKind::Text, "y"))),
            (ms(100), Ok(piece(2, PieceKind::RedactedReasoning, "r"))),
            (ms(40), Ok(citation(3))),
        ],
    );
    let scene = scene(script);
    assert_eq!(scene.deliver().await, Disposition::Done);
    assert_eq!(scene.session().reasoning_ms, Some(2540));
    assert_eq!(blocks(&scene.session())[2], (2, "()".to_owned()));

    let scene = self::scene(saying([piece(0, PieceKind::Text, "x")]));
    assert_eq!(scene.deliver().await, Disposition::Done);
    assert_eq!(scene.session().reasoning_ms, None);
}

#[tokio::test(start_paused = true)]
async fn a_new_attempt_in_mid_block_begins_all_blocks_anew() {
    let failed = Failure::new(FailureCode::ModelError, "The model failed.");
    let mut script = saying([
        reasoning("old"),
        piece(1, PieceKind::Text, "Ol"),
        citation(2),
    ]);
    script.pop();
    script.push((ms(10), Err(failed)));
    let mut scene = scene(script);
    assert!(matches!(scene.deliver().await, Disposition::Again(Some(_))));
    let given_up = scene.session();
    assert_eq!(
        (given_up.status, given_up.text.as_str()),
        (Status::Streaming, "Ol")
    );
    assert_eq!(
        blocks(&given_up),
        owned([(0, "(old)"), (1, "Ol"), (2, "[A page]")])
    );

    scene.model.script = saying([piece(0, PieceKind::Text, "New")]);
    assert_eq!(scene.deliver().await, Disposition::Done);
    let session = scene.session();
    assert_eq!((session.attempt.0, session.reasoning_ms), (2, None));
    assert_eq!(blocks(&session), owned([(0, "New")]));
    check_repeatable(&scene);
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_the_model_reasons_keeps_what_was_published() {
    let scene = scene(saying((0..1000).map(|n| reasoning(&format!("{n} ")))));
    let (disposition, ()) = tokio::join!(scene.deliver(), async {
        tokio::time::sleep(ms(1234)).await;
        let owner = Owner::new("me").expect("not empty");
        scene.store.change(scene.id, |session| {
            Session::stop(session, scene.id, &owner, scene.clock.now()).expect("mine")
        });
    });
    assert_eq!(disposition, Disposition::Done);
    scene.check_ended(Status::Cancelled, "");
    let session = scene.session();
    let published: String = received(&scene.sink)
        .into_iter()
        .map(|(_, content)| content)
        .collect();
    assert_eq!(blocks(&session), [(0, format!("({published})"))]);
    assert!(
        session.reasoning_ms.is_some_and(|time| time > 1000),
        "{:?}",
        session.reasoning_ms
    );
    check_repeatable(&scene);
}

#[tokio::test(start_paused = true)]
async fn reasoning_counts_for_the_longest_answer() {
    let part = "x".repeat(MAX_ANSWER_BYTES / 10);
    let mut said = vec![piece(1, PieceKind::Text, "Text")];
    said.extend((0..20).map(|_| reasoning(&part)));
    let scene = scene(saying(said));
    assert_eq!(scene.deliver().await, Disposition::Done);
    scene.check_ended(Status::Completed, "Text");
    let session = scene.session();
    assert_eq!(
        session.ending.stop_reason.as_deref(),
        Some(STOP_REASON_TOO_LONG)
    );
    let kept = session.others.contents().len();
    assert!(
        (MAX_ANSWER_BYTES - 4..MAX_ANSWER_BYTES + part.len()).contains(&kept),
        "{kept}"
    );
}

#[tokio::test(start_paused = true)]
async fn something_unknown_only_keeps_the_model_alive() {
    let mut scene = scene(saying((0..100).map(|_| ModelEvent::Alive).chain([piece(
        0,
        PieceKind::Text,
        "At last",
    )])));
    scene.settings.model_first_token_timeout = ms(15);
    scene.settings.model_idle_timeout = ms(15);
    assert_eq!(scene.deliver().await, Disposition::Done);
    scene.check_ended(Status::Completed, "At last");
    assert_eq!(scene.session().sequence.0, 2);
}
