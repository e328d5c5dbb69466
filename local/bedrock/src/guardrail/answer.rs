//! An answer on its way past a guardrail.

use std::collections::VecDeque;

use futures_util::{StreamExt as _, stream};

use super::{Guard, INTERVENED, Mode};
use crate::model::{ModelEvent, ModelStream, Piece, Stop, Usage};

/// An answer as its guardrail lets it through. `events` is `None` for a prompt that was blocked.
pub(crate) fn guard(guard: Guard, events: Option<ModelStream>) -> ModelStream {
    let mut answer = Guarded {
        guard,
        events: events.unwrap_or_else(|| stream::empty().boxed()),
        text: String::new(),
        block: None,
        ready: VecDeque::new(),
        output_tokens: 0,
        is_over: false,
    };
    if answer.guard.trace.input.blocks() {
        let message = answer.guard.config.blocked_prompt_message.clone();
        answer.block = Some(0);
        answer.end_with(message, Usage::default());
    }
    stream::unfold(answer, |mut answer| async move {
        let event = answer.next().await?;
        Some((event, answer))
    })
    .boxed()
}

struct Guarded {
    guard: Guard,
    events: ModelStream,
    /// The text that was not let through yet; in the mode `async`, the end of what was.
    text: String,
    /// The block that it is of.
    block: Option<usize>,
    /// What was let through and not sent yet.
    ready: VecDeque<ModelEvent>,
    output_tokens: u64,
    is_over: bool,
}

impl Guarded {
    async fn next(&mut self) -> Option<ModelEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            match self.events.next().await? {
                ModelEvent::Piece {
                    block,
                    piece: Piece::Text(text),
                } => {
                    self.output_tokens += u64::from(!text.is_empty());
                    self.on_text(block, &text);
                }
                ModelEvent::Stop(mut stop) => {
                    self.let_through();
                    // What was held back may have had a word that blocks.
                    if !self.is_over {
                        stop.trace = self.trace();
                        self.ready.push_back(ModelEvent::Stop(stop));
                        self.is_over = true;
                    }
                }
                other => {
                    self.let_through();
                    if !self.is_over {
                        self.ready.push_back(other);
                    }
                }
            }
        }
    }

    fn on_text(&mut self, block: usize, text: &str) {
        if self.block.is_some_and(|before| before != block) {
            self.let_through();
            self.text.clear();
        }
        self.block = Some(block);
        if self.is_over {
            return;
        }
        self.text.push_str(text);
        if self.guard.asked.mode == Mode::Async {
            self.ready.push_back(piece(block, text.to_owned()));
        }
        if let Some(word) = self.guard.words.find_blocked(&self.text) {
            self.guard.trace.output.block(word);
            let message = self.guard.config.blocked_answer_message.clone();
            let usage = Usage {
                output_tokens: self.output_tokens,
                ..self.guard.input_usage
            };
            self.end_with(message, usage);
            return;
        }
        let settled = self.guard.words.settled(&self.text);
        self.send(block, settled);
    }

    /// Lets through what was held back, because the text does not go on.
    fn let_through(&mut self) {
        if let Some(block) = self.block {
            self.send(block, self.text.len());
        }
    }

    /// Lets through this much of the text.
    fn send(&mut self, block: usize, length: usize) {
        let rest = self.text.split_off(length);
        let text = std::mem::replace(&mut self.text, rest);
        if self.guard.asked.mode == Mode::Async || text.is_empty() {
            return;
        }
        let masked = self.guard.words.mask(&text, &mut self.guard.trace.output);
        self.ready.push_back(piece(block, masked));
    }

    /// Ends the answer with the guardrail's words.
    fn end_with(&mut self, message: String, usage: Usage) {
        let block = self.block.unwrap_or(0);
        self.ready.push_back(piece(block, message));
        self.ready.push_back(ModelEvent::Stop(Stop {
            reason: INTERVENED.to_owned(),
            sequence: None,
            usage,
            trace: self.trace(),
        }));
        self.is_over = true;
    }

    fn trace(&self) -> Option<serde_json::Value> {
        let Guard { asked, trace, .. } = &self.guard;
        asked.traces.then(|| trace.to_json(&asked.id))
    }
}

fn piece(block: usize, text: String) -> ModelEvent {
    ModelEvent::Piece {
        block,
        piece: Piece::Text(text),
    }
}

#[cfg(test)]
mod tests;
