use tokencast_core::block::{BlockIndex, Piece};
use tokencast_core::event::Ending;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::Sequence;
use tokencast_core::time::Timestamp;
use tokio::time::Instant;

use super::*;

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH
    }
}

fn token(attempt: u32, sequence: u32, token: &str) -> TokenEvent {
    TokenEvent {
        session_id: "67e55044-10b1-426f-9247-bb680e5fe0c8"
            .parse()
            .expect("an id"),
        attempt: Attempt(attempt),
        sequence: Sequence(sequence),
        piece: Some(Piece::text(token)),
        status: Status::Streaming,
        ending: None,
    }
}

fn reasoning(attempt: u32, sequence: u32) -> TokenEvent {
    TokenEvent {
        piece: Some(Piece::new(BlockIndex(0), PieceKind::Reasoning, "hm")),
        ..token(attempt, sequence, "")
    }
}

fn end(attempt: u32, sequence: u32, status: Status) -> TokenEvent {
    let failure = (status == Status::Failed).then(|| Failure::new(FailureCode::Throttled, "Busy."));
    TokenEvent {
        status,
        ending: Some(Ending {
            failure,
            ..Ending::default()
        }),
        piece: None,
        ..token(attempt, sequence, "")
    }
}

/// Everything that a body says of some events, in short: a frame is its id and kind, and `!` is a break.
async fn said(format: Format, events: Vec<TokenEvent>) -> Result<Vec<String>, String> {
    let (sender, receiver) = mpsc::channel(16);
    for event in events {
        sender.try_send(event).expect("room");
    }
    drop(sender);
    let mut body = Body::new(format, receiver, Epoch);
    body.begin()
        .await
        .map_err(|error| format!("{} {}", error.status().as_u16(), error.code()))?;
    let mut said = Vec::new();
    while let Some(bytes) = body.next().await {
        said.push(match bytes {
            Ok(bytes) => {
                let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
                let mut lines = text.lines();
                match (format, lines.next(), lines.next()) {
                    (Format::Events, Some(id), Some(kind)) => {
                        format!("{}/{}", &id[4..], &kind[7..])
                    }
                    _ => text,
                }
            }
            Err(broken) => format!("! {broken}"),
        });
    }
    Ok(said)
}

async fn check(events: Vec<TokenEvent>, as_events: &[&str], as_text: Result<&[&str], &str>) {
    let said_events = said(Format::Events, events.clone()).await;
    assert_eq!(said_events.expect("begins"), as_events);
    let said_text = said(Format::Text, events).await;
    match as_text {
        Ok(expected) => assert_eq!(said_text.expect("begins"), expected),
        Err(expected) => assert_eq!(said_text.expect_err("refused"), expected),
    }
}

#[tokio::test]
async fn an_answer_is_events_or_its_text() {
    check(
        vec![
            token(1, 1, "a"),
            token(1, 2, "b"),
            end(1, 3, Status::Completed),
        ],
        &["1/token", "2/token", "3/complete"],
        Ok(&["a", "b"]),
    )
    .await;
}

#[tokio::test]
async fn a_stopped_answer_ends_as_what_it_is() {
    check(
        vec![token(1, 1, "a"), end(1, 2, Status::Cancelled)],
        &["1/token", "2/complete"],
        Ok(&["a"]),
    )
    .await;
    check(
        vec![end(0, 1, Status::Cancelled)],
        &["0.1/complete"],
        Ok(&["\n"]),
    )
    .await;
}

#[tokio::test]
async fn an_answer_without_text_has_a_byte() {
    check(
        vec![end(1, 1, Status::Completed)],
        &["1/complete"],
        Ok(&["\n"]),
    )
    .await;
    check(
        vec![reasoning(1, 1), end(1, 2, Status::Completed)],
        &["1/token", "2/complete"],
        Ok(&["\n"]),
    )
    .await;
}

#[tokio::test]
async fn a_text_has_nothing_but_the_text() {
    check(
        vec![
            reasoning(1, 1),
            reasoning(1, 2),
            token(1, 3, "a"),
            reasoning(1, 4),
            token(1, 5, "b"),
            end(1, 6, Status::Completed),
        ],
        &[
            "1/token",
            "2/token",
            "3/token",
            "4/token",
            "5/token",
            "6/complete",
        ],
        Ok(&["a", "b"]),
    )
    .await;
    // A new attempt begins nothing anew as long as no text was sent.
    check(
        vec![
            reasoning(1, 1),
            reasoning(2, 1),
            token(2, 2, "a"),
            end(2, 3, Status::Completed),
        ],
        &["1/token", "2.1/token", "2.2/token", "2.3/complete"],
        Ok(&["a"]),
    )
    .await;
    // The head of the response waits for the text, so a failure before it is a status.
    check(
        vec![reasoning(1, 1), end(1, 2, Status::Failed)],
        &["1/token", "2/error"],
        Err("503 THROTTLED"),
    )
    .await;
}

#[tokio::test]
async fn a_failure_is_an_event_or_a_status_or_a_break_and_never_text() {
    check(
        vec![end(1, 1, Status::Failed)],
        &["1/error"],
        Err("503 THROTTLED"),
    )
    .await;
    check(
        vec![token(1, 1, "a"), end(1, 2, Status::Failed)],
        &["1/token", "2/error"],
        Ok(&["a", "! the answer failed"]),
    )
    .await;
}

#[tokio::test]
async fn a_newer_attempt_is_told_or_breaks_a_text_off() {
    check(
        vec![
            token(1, 1, "a"),
            token(2, 1, "A"),
            end(2, 2, Status::Completed),
        ],
        &["1/token", "2.1/token", "2.2/complete"],
        Ok(&["a", "! the answer began anew"]),
    )
    .await;
    // What was sent is not the answer, even if the newer one has no text.
    check(
        vec![
            token(1, 1, "a"),
            reasoning(2, 1),
            end(2, 2, Status::Completed),
        ],
        &["1/token", "2.1/token", "2.2/complete"],
        Ok(&["a", "! the answer began anew"]),
    )
    .await;
    // An attempt that said nothing keeps the text of the one before.
    check(
        vec![token(1, 1, "a"), end(2, 2, Status::Cancelled)],
        &["1/token", "2.2/complete"],
        Ok(&["a"]),
    )
    .await;
    // Nothing of the first was sent, so nothing begins anew.
    check(
        vec![token(2, 1, "A"), end(2, 2, Status::Completed)],
        &["2.1/token", "2.2/complete"],
        Ok(&["A"]),
    )
    .await;
}

#[tokio::test]
async fn what_is_not_ended_is_broken_off() {
    check(
        vec![token(1, 1, "a")],
        &["1/token", "! the answer goes on elsewhere"],
        Ok(&["a", "! the answer goes on elsewhere"]),
    )
    .await;
    check(
        vec![],
        &["! the answer goes on elsewhere"],
        Err("503 INTERNAL"),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_says_that_it_is_alive() {
    let (sender, receiver) = mpsc::channel(1);
    let mut body = Body::new(Format::Events, receiver, Epoch);
    let begun = Instant::now();
    for comments in 1..=3 {
        let next = body.next().await;
        assert_eq!(next, Some(Ok(Bytes::from_static(b": keep-alive\n\n"))));
        assert_eq!(begun.elapsed(), comments * KEEP_ALIVE_INTERVAL);
    }
    sender.send(token(1, 1, "a")).await.expect("listens");
    let next = body.next().await.expect("more").expect("bytes");
    assert!(next.starts_with(b"id: 1\n"));
    assert_eq!(begun.elapsed(), 3 * KEEP_ALIVE_INTERVAL);
}

#[tokio::test(start_paused = true)]
async fn whoever_sends_waits_for_whoever_reads() {
    let (sender, receiver) = mpsc::channel(1);
    let mut body = Body::new(Format::Text, receiver, Epoch);
    sender.try_send(token(1, 1, "a")).expect("room");
    sender.try_send(token(1, 2, "b")).expect_err("no room");
    body.begin().await.expect("begins");
    assert_eq!(body.next().await, Some(Ok(Bytes::from_static(b"a"))));
    sender.try_send(token(1, 2, "b")).expect("room again");
    drop(body);
    assert!(sender.is_closed());
}
