//! What somebody lacks, in frames that API Gateway takes.

use proptest::prelude::*;
use tokencast_core::block::PieceRef;
use tokencast_core::event::Ending;
use tokencast_core::failure::{Failure, FailureCode};

use tokencast_core::time::Timestamp;

use super::*;
use crate::websocket::frame;

const ATTEMPT: Attempt = Attempt(2);

/// API Gateway's limit.
const MAX_FRAME_BYTES: usize = 32 * 1024;

fn progress(tokens: &[String]) -> Progress {
    let mut progress = Progress::default();
    for token in tokens {
        progress.push(PieceRef::text(token));
    }
    progress
}

fn terminal(id: SessionId, sequence: usize) -> TokenEvent {
    TokenEvent {
        session_id: id,
        attempt: ATTEMPT,
        sequence: number(sequence),
        piece: None,
        status: Status::Failed,
        ending: Some(Ending {
            failure: Some(Failure::new(FailureCode::ModelError, "It failed.")),
            ..Ending::default()
        }),
    }
}

fn number(sequence: usize) -> Sequence {
    Sequence(u32::try_from(sequence).expect("a few"))
}

fn at(attempt: u32, sequence: usize) -> Position {
    Position {
        attempt: Attempt(attempt),
        sequence: number(sequence),
    }
}

/// Everything behind a position: what is joined, and the text of all.
fn rest(backlog: &Backlog, mut position: Position) -> (Vec<(u32, u32)>, String) {
    let (mut joined, mut text) = (Vec::new(), String::new());
    while let Some(piece) = backlog.after(position) {
        assert!(backlog.is_ahead_of(position), "{position:?}");
        assert!(frame::event(&piece, Timestamp::EPOCH).len() < MAX_FRAME_BYTES);
        joined.push((piece.first.0, piece.event.sequence.0));
        text.push_str(piece.event.token());
        position = piece.position();
    }
    assert!(!backlog.is_ahead_of(position), "{position:?}");
    (joined, text)
}

/// A backlog of three short events, over or not.
fn check(over: bool, position: Position, expected: &[(u32, u32)], text: &str) {
    let id = SessionId::random();
    let tokens = ["a", "bü", "c"].map(str::to_owned);
    let mut backlog = Backlog::of_attempt(id, ATTEMPT, &progress(&tokens));
    if over {
        backlog.push(&terminal(id, 4));
    }
    let expected = (expected.to_vec(), text.to_owned());
    assert_eq!(rest(&backlog, position), expected, "{position:?}");
}

#[test]
fn whoever_lacks_something_gets_that_and_no_more() {
    check(false, at(0, 0), &[(1, 3)], "abüc");
    check(false, at(1, 2), &[(1, 3)], "abüc");
    check(false, at(2, 1), &[(2, 3)], "büc");
    check(false, at(2, 2), &[(3, 3)], "c");
    check(false, at(2, 3), &[], "");
    check(false, at(2, 9), &[], "");
    check(false, at(3, 0), &[], "");
}

#[test]
fn the_terminal_event_is_a_frame_of_its_own() {
    check(true, at(0, 0), &[(1, 3), (4, 4)], "abüc");
    check(true, at(2, 3), &[(4, 4)], "");
    check(true, at(2, 4), &[], "");
}

#[test]
fn an_event_is_added_once() {
    let id = SessionId::random();
    let mut backlog = Backlog::of_attempt(id, ATTEMPT, &Progress::default());
    let event = |sequence, token: &str| TokenEvent {
        sequence: number(sequence),
        piece: Some(Piece::text(token)),
        status: Status::Streaming,
        ending: None,
        ..terminal(id, 0)
    };
    for (sequence, token) in [(1, "a"), (1, "a"), (2, "b"), (1, "a"), (3, "c")] {
        backlog.push(&event(sequence, token));
    }
    assert_eq!(rest(&backlog, at(0, 0)), (vec![(1, 3)], "abc".to_owned()));
}

#[test]
fn what_costs_most_in_json_still_fits_a_frame() {
    let costly = "\u{1}".repeat(5 * 1024);
    let tokens = vec![costly; 3];
    let backlog = Backlog::of_attempt(SessionId::random(), ATTEMPT, &progress(&tokens));
    let (joined, text) = rest(&backlog, at(0, 0));
    assert_eq!(
        (joined, text),
        (vec![(1, 1), (2, 2), (3, 3)], tokens.concat())
    );
}

fn piece(block: u32, kind: PieceKind, content: &str) -> Piece {
    Piece::new(BlockIndex(block), kind, content)
}

/// The frames of an answer with these pieces: the events joined, the block, and the content.
fn frames(pieces: &[Piece]) -> Vec<(u32, u32, u32, String)> {
    let mut progress = Progress::default();
    for piece in pieces {
        progress.push(piece.as_ref());
    }
    let backlog = Backlog::of_attempt(SessionId::random(), ATTEMPT, &progress);
    let joined = std::iter::successors(backlog.after(at(0, 0)), |joined| {
        assert!(frame::event(joined, Timestamp::EPOCH).len() < MAX_FRAME_BYTES);
        backlog.after(joined.position())
    });
    let shown = joined.map(|Joined { first, event }| {
        let piece = event.piece.expect("a piece");
        (first.0, event.sequence.0, piece.block.0, piece.content)
    });
    shown.collect()
}

#[test]
fn a_frame_joins_events_of_one_block_and_kind() {
    use PieceKind::{Reasoning, ReasoningSignature, RedactedReasoning, Text};
    let citation = r#"{"title":"A page"}"#;
    let frames = frames(&[
        piece(0, Reasoning, "h"),
        piece(0, Reasoning, "m"),
        piece(0, ReasoningSignature, "s"),
        piece(0, RedactedReasoning, "r"),
        piece(0, RedactedReasoning, "q"),
        piece(1, Text, "a"),
        piece(1, Text, "b"),
        piece(2, PieceKind::Citation, citation),
        piece(3, PieceKind::Citation, citation),
        piece(4, Text, "c"),
        piece(1, Text, "d"),
    ]);
    let expected = [
        (1, 2, 0, "hm"),
        (3, 3, 0, "s"),
        (4, 4, 0, "r"),
        (5, 5, 0, "q"),
        (6, 7, 1, "ab"),
        (8, 8, 2, citation),
        (9, 9, 3, citation),
        (10, 10, 4, "c"),
        (11, 11, 1, "d"),
    ];
    assert_eq!(
        frames,
        expected.map(|(first, last, block, content)| (first, last, block, content.to_owned()))
    );
}

#[test]
fn a_later_part_of_a_tools_input_names_the_tool_too() {
    let tool = ToolUse {
        tool_use_id: "t1".into(),
        name: "weather".into(),
        input: None,
    };
    let mut progress = Progress::default();
    for piece in [
        Piece::of_tool_use(BlockIndex(0), &tool),
        piece(0, PieceKind::ToolInput, "{\"a\":"),
        piece(0, PieceKind::ToolInput, "1}"),
    ] {
        progress.push(piece.as_ref());
    }
    let backlog = Backlog::of_attempt(SessionId::random(), ATTEMPT, &progress);
    for (known, input) in [(1, "{\"a\":1}"), (2, "1}")] {
        let event = backlog.after(at(2, known)).expect("more").event;
        let named = event.piece.and_then(|piece| piece.tool_use());
        let input = Some(input.to_owned());
        assert_eq!(
            named,
            Some(ToolUse {
                input,
                ..tool.clone()
            })
        );
    }
}

#[test]
fn what_costs_most_in_any_block_still_fits_a_frame() {
    for kind in [PieceKind::Text, PieceKind::Reasoning, PieceKind::ToolInput] {
        for costly in ["\u{1}", "\"", "\n", "é"] {
            let costly = costly.repeat(5 * 1024 / costly.len());
            let pieces = vec![piece(0, kind, &costly); 9];
            let frames = frames(&pieces);
            let contents: String = frames.iter().map(|frame| &*frame.3).collect();
            assert_eq!(contents, costly.repeat(9), "{kind:?}");
        }
    }
}

proptest! {
    #[test]
    fn the_rest_is_whole_wherever_one_stands(
        tokens in prop::collection::vec(("[a-z\"\\\\\n\u{1}é]{1,20}", 1_usize..100), 0..40),
        known in 0_usize..45,
        over: bool,
    ) {
        let id = SessionId::random();
        let tokens: Vec<_> = tokens.iter().map(|(token, times)| token.repeat(*times)).collect();
        let mut backlog = Backlog::of_attempt(id, ATTEMPT, &progress(&tokens));
        if over {
            backlog.push(&terminal(id, tokens.len() + 1));
        }
        let (joined, text) = rest(&backlog, at(2, known));
        prop_assert_eq!(text, tokens.get(known..).unwrap_or_default().concat());
        let mut next = number(known).0 + 1;
        for (first, last) in &joined {
            prop_assert_eq!(*first, next);
            prop_assert!(first <= last);
            next = last + 1;
        }
        let last = tokens.len() + usize::from(over);
        prop_assert_eq!(next, number(last.max(known)).0 + 1);
    }
}
