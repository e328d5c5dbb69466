//! An answer's reasoning and text as blocks.

use std::mem::Discriminant;

use super::text::Joined;
use super::think::{Part, ThinkTags};
use crate::config::ReasoningTags;
use crate::model::{ModelEvent, Piece};

/// Reasoning and text are blocks of their own, however often they take turns.
#[derive(Debug)]
pub(super) struct Blocks {
    text: Joined,
    reasoning: Joined,
    think: ThinkTags,
    /// The last block and its kind.
    open: Option<(usize, Discriminant<Piece>)>,
    ready: Vec<ModelEvent>,
}

impl Blocks {
    pub(super) fn new(tags: ReasoningTags) -> Self {
        Self {
            text: Joined::default(),
            reasoning: Joined::default(),
            think: ThinkTags::new(tags),
            open: None,
            ready: Vec::new(),
        }
    }

    /// Adds a chunk's reasoning and its text, in which a character may be split over two chunks.
    pub(super) fn push(&mut self, reasoning: &[u8], text: &[u8]) {
        let reasoning = self.reasoning.push(reasoning);
        if !reasoning.is_empty() {
            self.think.reasoning_is_elsewhere();
        }
        self.say(Piece::Reasoning(reasoning));
        let text = self.text.push(text);
        let parts = self.think.push(&text);
        self.say_parts(parts);
    }

    /// Adds what was held back until more came.
    pub(super) fn finish(&mut self) {
        let half = self.reasoning.finish();
        self.say(Piece::Reasoning(half.to_owned()));
        let half = self.text.finish();
        let mut parts = self.think.push(half);
        parts.extend(self.think.finish());
        self.say_parts(parts);
    }

    /// The events since the last call.
    pub(super) fn take(&mut self) -> Vec<ModelEvent> {
        std::mem::take(&mut self.ready)
    }

    /// Whether the text had a closing tag without an opening one.
    pub(super) fn has_stray_tag(&self) -> bool {
        self.think.has_stray_tag()
    }

    fn say_parts(&mut self, parts: Vec<Part>) {
        for part in parts {
            self.say(match part {
                Part::Text(text) => Piece::Text(text),
                Part::Reasoning(text) => Piece::Reasoning(text),
            });
        }
    }

    fn say(&mut self, piece: Piece) {
        if piece.token().is_none_or(str::is_empty) {
            return;
        }
        let kind = std::mem::discriminant(&piece);
        let block = match self.open {
            Some((block, open)) if open == kind => block,
            Some((block, _)) => {
                self.ready.push(ModelEvent::BlockStop { block });
                block + 1
            }
            None => 0,
        };
        self.open = Some((block, kind));
        self.ready.push(ModelEvent::Piece { block, piece });
    }
}
