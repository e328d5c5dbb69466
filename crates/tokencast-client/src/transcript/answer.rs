//! The blocks of one attempt's answer, and where in them its events end.

use std::collections::BTreeMap;

use crate::block::{Block, BlockContent};
use crate::event::TokenEvent;

/// What a snapshot or the events so far say.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// The tokens in the order of their events.
    text: String,
    blocks: BTreeMap<u64, BlockContent>,
    /// In the order of the sequences.
    ends: Vec<End>,
}

/// Where an event ends, as far as that was ever seen.
#[derive(Clone, Copy, Debug)]
struct End {
    sequence: u64,
    /// The block that has grown, and its bytes after the event.
    grown: Option<(u64, usize)>,
}

/// A piece doesn't fit to what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contradiction;

impl Answer {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(super) fn blocks(&self) -> Vec<Block> {
        let blocks = self.blocks.iter();
        blocks
            .map(|(&index, content)| Block {
                index,
                content: content.clone(),
            })
            .collect()
    }

    /// The piece that an event carries.
    pub(super) fn piece_of(&self, event: &mut TokenEvent) -> Block {
        let index = event.block_index.unwrap_or_else(|| self.last_text());
        let content = event.take_content();
        Block { index, content }
    }

    /// The block that text without an index belongs to.
    fn last_text(&self) -> u64 {
        let mut from_last = self.blocks.iter().rev();
        let text = from_last.find(|(_, content)| matches!(content, BlockContent::Text { .. }));
        let next = || {
            self.blocks
                .last_key_value()
                .map_or(0, |(index, _)| index + 1)
        };
        text.map_or_else(next, |(index, _)| *index)
    }

    /// Takes from a piece what is known of it already, where the piece stands for the events after `sequence`.
    pub(super) fn cut(&self, sequence: u64, piece: &mut Block) -> Result<(), Contradiction> {
        let from = self.bytes_at(sequence, piece.index).ok_or(Contradiction)?;
        let Some(known) = self.blocks.get(&piece.index) else {
            return Ok(());
        };
        let known = known.growing().and_then(|known| known.get(from..));
        let known = known.ok_or(Contradiction)?;
        let growing = piece.content.growing_mut().ok_or(Contradiction)?;
        let rest = growing.strip_prefix(known).ok_or(Contradiction)?.to_owned();
        *growing = rest;
        Ok(())
    }

    /// How long a block was after an event, if it alone has grown since; `None` if that isn't known.
    fn bytes_at(&self, sequence: u64, index: u64) -> Option<usize> {
        let after = self.ends.partition_point(|end| end.sequence <= sequence);
        let (before, since) = self.ends.split_at(after);
        let is_known = sequence == 0 || before.last().is_some_and(|end| end.sequence == sequence);
        let is_alone = since
            .iter()
            .filter_map(|end| end.grown)
            .all(|(grown, _)| grown == index);
        let bytes = before.iter().rev().filter_map(|end| end.grown);
        let bytes = bytes
            .filter(|(grown, _)| *grown == index)
            .map(|(_, bytes)| bytes)
            .next();
        (is_known && is_alone).then(|| bytes.unwrap_or(0))
    }

    /// Adds the piece that ends with event `sequence`. Returns it if it adds something to show.
    pub(super) fn add(
        &mut self,
        sequence: u64,
        piece: Block,
    ) -> Result<Option<Block>, Contradiction> {
        let Block { index, content } = &piece;
        if content.is_nothing() {
            self.note(sequence, None);
            return Ok(None);
        }
        let adds = match self.blocks.get_mut(index) {
            Some(block) if !block.is_alike(content) => return Err(Contradiction),
            Some(block) => {
                let growing = block.growing_mut().zip(content.growing());
                if let Some((growing, more)) = growing {
                    growing.push_str(more);
                }
                content.bytes() > 0
            }
            None => {
                self.blocks.insert(*index, content.clone());
                true
            }
        };
        if let BlockContent::Text { text } = content {
            self.text.push_str(text);
        }
        self.note(sequence, adds.then_some(*index));
        Ok(adds.then_some(piece))
    }

    fn note(&mut self, sequence: u64, grown: Option<u64>) {
        let bytes = |index| self.blocks.get(&index).map_or(0, BlockContent::bytes);
        let grown = grown.map(|index| (index, bytes(index)));
        self.ends.push(End { sequence, grown });
    }

    /// Whether this is the beginning of what a snapshot says.
    pub(super) fn is_beginning_of(&self, text: &str, blocks: &[Block]) -> bool {
        let said = |index| blocks.iter().find(|block| block.index == index);
        let extends = |(&index, known): (&u64, &BlockContent)| {
            said(index).is_some_and(|Block { content, .. }| {
                known.is_alike(content)
                    && known
                        .growing()
                        .zip(content.growing())
                        .is_none_or(|(known, said)| said.starts_with(known))
            })
        };
        text.starts_with(&self.text) && self.blocks.iter().all(extends)
    }

    /// Takes over what a snapshot says of the events up to `sequence`, of which this is the beginning. Returns what that adds.
    pub(super) fn extend(&mut self, sequence: u64, text: String, blocks: Vec<Block>) -> Vec<Block> {
        let mut added = Vec::new();
        for Block { index, mut content } in blocks {
            if content.is_nothing() {
                continue;
            }
            if let Some(known) = self.blocks.get(&index) {
                let known = known.bytes();
                match content.growing_mut() {
                    Some(growing) if growing.len() > known => drop(growing.drain(..known)),
                    _ => continue,
                }
            }
            // It is alike, as was looked at before.
            added.extend(self.add(sequence, Block { index, content }).ok().flatten());
        }
        self.note(sequence, None);
        // Several blocks of text may have grown in turns.
        self.text = text;
        added
    }
}
