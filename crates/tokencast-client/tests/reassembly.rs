//! The test vectors of reassembly, and the property behind them: whatever the wire does, the text ends up exact.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use tokencast_client::transcript::Change;
use tokencast_client::{
    Block, BlockContent, BlockType, Snapshot, StreamStatus, TokenEvent, ToolUse, Transcript,
};

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
    /// `None`: the text as one block, if there is any.
    blocks: Option<Vec<Block>>,
    status: Option<StreamStatus>,
    needs_snapshot: bool,
}

/// A transcript and a display that only follows its changes.
#[derive(Default)]
struct Viewer {
    transcript: Transcript,
    display: BTreeMap<u64, BlockContent>,
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
                Change::Append { piece, .. } => self.append(piece),
                Change::End(ending) => assert_eq!(Some(&ending), self.transcript.ending()),
            }
        }
        let display = self.display.iter().map(|(&index, content)| Block {
            index,
            content: content.clone(),
        });
        assert_eq!(
            display.collect::<Vec<_>>(),
            self.transcript.blocks(),
            "the changes lead to the blocks"
        );
    }

    fn append(&mut self, piece: Block) {
        let Some(block) = self.display.get_mut(&piece.index) else {
            self.display.insert(piece.index, piece.content);
            return;
        };
        match (block, piece.content) {
            (BlockContent::Text { text }, BlockContent::Text { text: more })
            | (
                BlockContent::Reasoning { reasoning: text },
                BlockContent::Reasoning { reasoning: more },
            ) => text.push_str(&more),
            (BlockContent::ToolUse { tool_use }, BlockContent::ToolUse { tool_use: more }) => {
                tool_use.input.push_str(&more.input);
            }
            (block, piece) => panic!("{piece:?} is no piece of {block:?}"),
        }
    }
}

/// The text as one block, if there is any.
fn one_block(text: &str) -> Vec<Block> {
    let text = text.to_owned();
    let is_there = !text.is_empty();
    let content = BlockContent::Text { text };
    is_there
        .then_some(Block { index: 0, content })
        .into_iter()
        .collect()
}

#[test]
fn the_vectors_hold() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../tests/fixtures/reassembly.json"))
            .expect("the fixture parses");
    assert!(cases.len() >= 88, "the fixture is whole");
    for case in cases {
        let mut viewer = Viewer::default();
        for (index, mut step) in case.steps.into_iter().enumerate() {
            viewer.take(step.input);
            let text = &step.expect.text;
            step.expect.blocks.get_or_insert_with(|| one_block(text));
            let got = Expect {
                text: viewer.transcript.text().to_owned(),
                blocks: Some(viewer.transcript.blocks()),
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
        first in pieces(), second in pieces(), seed in any::<u64>(), loss in 0_u32..60, swaps in 0_usize..200,
    ) {
        let wire = disturb(&first, &second, seed, loss, swaps);
        let mut viewer = Viewer::default();
        for input in wire {
            viewer.take(input);
        }
        let whole = whole(2, &second, StreamStatus::Completed);
        if viewer.transcript.ending().is_none() {
            prop_assert!(whole.text.starts_with(viewer.transcript.text()) || viewer.transcript.attempt() < 2);
        }
        viewer.take(Input::Snapshot(Snapshot { sequence: whole.sequence + 1, ..whole.clone() }));
        prop_assert_eq!(viewer.transcript.text(), whole.text);
        prop_assert_eq!(Some(viewer.transcript.blocks()), whole.blocks);
        prop_assert_eq!(viewer.transcript.status(), Some(StreamStatus::Completed));
        prop_assert!(!viewer.transcript.needs_snapshot());
    }

    /// Without losses no snapshot is needed at all.
    #[test]
    fn order_and_repetition_alone_need_no_snapshot(pieces in pieces(), seed in any::<u64>(), swaps in 0_usize..200) {
        let mut viewer = Viewer::default();
        let wire = disturb(&[], &pieces, seed, 0, swaps).into_iter().filter(|input| matches!(input, Input::Event(_)));
        for input in wire {
            viewer.take(input);
        }
        let whole = whole(2, &pieces, StreamStatus::Completed);
        prop_assert_eq!(viewer.transcript.text(), whole.text);
        prop_assert_eq!(Some(viewer.transcript.blocks()), whole.blocks);
        prop_assert_eq!(viewer.transcript.status(), Some(StreamStatus::Completed));
    }

    /// An API without blocks.
    #[test]
    fn tokens_alone_converge_as_well(tokens in prop::collection::vec("[a-zé🌊 ]{0,3}", 0..40), seed in any::<u64>(), swaps in 0_usize..200) {
        let pieces: Vec<_> = tokens.into_iter().map(|token| (0, token)).collect();
        let mut viewer = Viewer::default();
        for mut input in disturb(&[], &pieces, seed, 0, swaps) {
            match &mut input {
                Input::Event(event) => (event.block_index, event.block_type) = (None, None),
                Input::Snapshot(snapshot) => snapshot.blocks = None,
            }
            viewer.take(input);
        }
        let text: String = pieces.into_iter().map(|(_, token)| token).collect();
        prop_assert_eq!(viewer.transcript.text(), &text);
        prop_assert_eq!(viewer.transcript.blocks(), one_block(&text));
    }
}

/// The types of the blocks of [`pieces`], by their index.
const TYPES: [BlockType; 4] = [
    BlockType::Text,
    BlockType::Reasoning,
    BlockType::ToolUse,
    BlockType::Text,
];

/// Pieces of blocks that come in turns, each with its block's index.
fn pieces() -> impl Strategy<Value = Vec<(u64, String)>> {
    prop::collection::vec((0_u64..4, "[a-zé🌊 ]{0,3}"), 0..40)
}

fn disturb(
    first: &[(u64, String)],
    second: &[(u64, String)],
    seed: u64,
    loss_percent: u32,
    swaps: usize,
) -> Vec<Input> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut sent = Vec::new();
    for (attempt, pieces) in [(1, first), (2, second)] {
        for (sequence, (block, piece)) in (1..).zip(pieces) {
            sent.push(Input::Event(event(attempt, sequence, *block, piece)));
            let so_far = &pieces[..usize::try_from(sequence).expect("small")];
            if random.u8(..) < 60 {
                // Of one block, as far back as that reaches.
                let alike = so_far
                    .iter()
                    .rev()
                    .take_while(|(of, _)| of == block)
                    .count();
                let joined = &so_far[so_far.len() - random.usize(1..=alike)..];
                let content: String = joined.iter().map(|(_, piece)| piece.as_str()).collect();
                sent.push(Input::Event(TokenEvent {
                    first_sequence: Some(sequence + 1 - joined.len() as u64),
                    ..event(attempt, sequence, *block, &content)
                }));
            }
            if random.u8(..) < 40 {
                let snapshot = whole(attempt, so_far, StreamStatus::Streaming);
                sent.push(Input::Snapshot(snapshot));
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

/// An event with a piece of one of the [`TYPES`].
fn event(attempt: u64, sequence: u64, block: u64, piece: &str) -> TokenEvent {
    let block_type = TYPES[usize::try_from(block).expect("small")];
    let mut event = token(attempt, sequence, "");
    event.block_index = Some(block);
    event.block_type = Some(block_type);
    match block_type {
        BlockType::Reasoning => event.reasoning = Some(piece.to_owned()),
        BlockType::ToolUse => event.tool_use = Some(tool_use(piece)),
        _ => piece.clone_into(&mut event.token),
    }
    event
}

fn tool_use(input: &str) -> ToolUse {
    ToolUse {
        tool_use_id: "1".into(),
        name: "weather".into(),
        input: input.into(),
    }
}

/// The snapshot of these pieces.
fn whole(attempt: u64, pieces: &[(u64, String)], status: StreamStatus) -> Snapshot {
    let text = |of: &dyn Fn(u64) -> bool| -> String {
        let of_it = pieces.iter().filter(|(block, _)| of(*block));
        of_it.map(|(_, piece)| piece.as_str()).collect()
    };
    let blocks = (0..).zip(TYPES).filter_map(|(index, block_type)| {
        let content = text(&|block| block == index);
        let is_there = pieces.iter().any(|(block, _)| *block == index);
        let content = match block_type {
            BlockType::Reasoning => BlockContent::Reasoning { reasoning: content },
            BlockType::ToolUse => BlockContent::ToolUse {
                tool_use: tool_use(&content),
            },
            _ if content.is_empty() => return None,
            _ => BlockContent::Text { text: content },
        };
        is_there.then_some(Block { index, content })
    });
    Snapshot {
        blocks: Some(blocks.collect()),
        ..snapshot(
            attempt,
            pieces.len() as u64,
            &text(&|block| TYPES[usize::try_from(block).expect("small")] == BlockType::Text),
            status,
        )
    }
}

fn snapshot(attempt: u64, sequence: u64, text: &str, status: StreamStatus) -> Snapshot {
    Snapshot {
        status,
        text: text.to_owned(),
        blocks: None,
        reasoning_ms: None,
        sequence,
        attempt,
        stop_reason: None,
        usage: None,
        error: None,
        waiting: None,
        conversation_id: None,
        parent_id: None,
        assistant: None,
        guardrail: None,
    }
}
