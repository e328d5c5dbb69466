//! The test vectors of reassembly, and the property behind them: whatever the wire does, the text ends up exact.

use proptest::prelude::*;
use serde::Deserialize;
use tokencast_client::transcript::Change;
use tokencast_client::{Snapshot, StreamStatus, TokenEvent, Transcript};

#[derive(Deserialize)]
struct Case {
    name: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(flatten)]
    input: Input,
    expect: Expect,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Input {
    Event(TokenEvent),
    Snapshot(Snapshot),
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Expect {
    text: String,
    status: Option<StreamStatus>,
    needs_snapshot: bool,
}

/// A transcript and a display that only follows its changes.
#[derive(Default)]
struct Viewer {
    transcript: Transcript,
    display: String,
}

impl Viewer {
    fn take(&mut self, input: Input) {
        let changes = match input {
            Input::Event(event) => self.transcript.event(event),
            Input::Snapshot(snapshot) => self.transcript.snapshot(snapshot),
        };
        for change in changes {
            match change {
                Change::Restart { .. } => self.display.clear(),
                Change::Append { text, .. } => self.display.push_str(&text),
                Change::End(ending) => assert_eq!(Some(&ending), self.transcript.ending()),
            }
        }
        assert_eq!(
            self.display,
            self.transcript.text(),
            "the changes lead to the text"
        );
    }
}

#[test]
fn the_vectors_hold() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../tests/fixtures/reassembly.json"))
            .expect("the fixture parses");
    assert!(cases.len() >= 53, "the fixture is whole");
    for case in cases {
        let mut viewer = Viewer::default();
        for (index, step) in case.steps.into_iter().enumerate() {
            viewer.take(step.input);
            let got = Expect {
                text: viewer.transcript.text().to_owned(),
                status: viewer.transcript.status(),
                needs_snapshot: viewer.transcript.needs_snapshot(),
            };
            assert_eq!(got, step.expect, "{}, step {}", case.name, index + 1);
        }
    }
}

#[test]
fn what_waits_is_bounded_and_a_snapshot_brings_the_rest() {
    let mut viewer = Viewer::default();
    for sequence in 2..5_000 {
        viewer.take(Input::Event(token(1, sequence, "x")));
    }
    viewer.take(Input::Event(token(1, 1, "x")));
    assert!(viewer.transcript.text().len() < 2_000, "not all were kept");
    assert!(
        viewer.transcript.needs_snapshot(),
        "and it is known that some were not"
    );
    viewer.take(Input::Snapshot(snapshot(
        1,
        4_999,
        &"x".repeat(4_999),
        StreamStatus::Streaming,
    )));
    assert!(!viewer.transcript.needs_snapshot());
}

proptest! {
    /// Two attempts of which the first dies; each event is lost, repeated, late or joined with
    /// those before it; snapshots come when they like.
    #[test]
    fn any_loss_repetition_and_order_converges(
        first in tokens(), second in tokens(), seed in any::<u64>(), loss in 0_u32..60, swaps in 0_usize..200,
    ) {
        let wire = disturb(&first, &second, seed, loss, swaps);
        let mut viewer = Viewer::default();
        for input in wire {
            viewer.take(input);
        }
        let whole: String = second.concat();
        if viewer.transcript.ending().is_none() {
            prop_assert!(whole.starts_with(viewer.transcript.text()) || viewer.transcript.attempt() < 2);
        }
        viewer.take(Input::Snapshot(snapshot(2, second.len() as u64 + 1, &whole, StreamStatus::Completed)));
        prop_assert_eq!(viewer.transcript.text(), whole);
        prop_assert_eq!(viewer.transcript.status(), Some(StreamStatus::Completed));
        prop_assert!(!viewer.transcript.needs_snapshot());
    }

    /// Without losses no snapshot is needed at all.
    #[test]
    fn order_and_repetition_alone_need_no_snapshot(tokens in tokens(), seed in any::<u64>(), swaps in 0_usize..200) {
        let mut viewer = Viewer::default();
        let wire = disturb(&[], &tokens, seed, 0, swaps).into_iter().filter(|input| matches!(input, Input::Event(_)));
        for input in wire {
            viewer.take(input);
        }
        prop_assert_eq!(viewer.transcript.text(), tokens.concat());
        prop_assert_eq!(viewer.transcript.status(), Some(StreamStatus::Completed));
    }
}

fn tokens() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-zé🌊 ]{0,3}", 0..40)
}

fn disturb(
    first: &[String],
    second: &[String],
    seed: u64,
    loss_percent: u32,
    swaps: usize,
) -> Vec<Input> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut sent = Vec::new();
    for (attempt, tokens) in [(1, first), (2, second)] {
        let mut text = String::new();
        for (sequence, piece) in (1..).zip(tokens) {
            text.push_str(piece);
            sent.push(Input::Event(token(attempt, sequence, piece)));
            if random.u8(..) < 60 {
                let first = random.u64(1..=sequence);
                let from = usize::try_from(first - 1).expect("small");
                let to = usize::try_from(sequence).expect("small");
                sent.push(Input::Event(TokenEvent {
                    first_sequence: Some(first),
                    ..token(attempt, sequence, &tokens[from..to].concat())
                }));
            }
            if random.u8(..) < 40 {
                sent.push(Input::Snapshot(snapshot(
                    attempt,
                    sequence,
                    &text,
                    StreamStatus::Streaming,
                )));
            }
        }
    }
    sent.push(Input::Event(TokenEvent {
        is_complete: true,
        status: Some(StreamStatus::Completed),
        ..token(2, second.len() as u64 + 1, "")
    }));
    let mut wire = Vec::new();
    for input in sent {
        let lost = matches!(input, Input::Event(_)) && random.u32(0..100) < loss_percent;
        let copies = if lost {
            0
        } else {
            1 + usize::from(random.u8(..) < 50)
        };
        wire.extend(std::iter::repeat_n(input, copies));
    }
    for _ in 0..swaps {
        if !wire.is_empty() {
            let (left, right) = (random.usize(..wire.len()), random.usize(..wire.len()));
            wire.swap(left, right);
        }
    }
    wire
}

fn token(attempt: u64, sequence: u64, token: &str) -> TokenEvent {
    TokenEvent {
        attempt: Some(attempt),
        sequence: Some(sequence),
        token: token.to_owned(),
        ..TokenEvent::default()
    }
}

fn snapshot(attempt: u64, sequence: u64, text: &str, status: StreamStatus) -> Snapshot {
    Snapshot {
        status,
        text: text.to_owned(),
        sequence,
        attempt,
        stop_reason: None,
        usage: None,
        error: None,
        waiting: None,
    }
}
