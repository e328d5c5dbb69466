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
