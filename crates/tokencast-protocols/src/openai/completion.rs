//! An answer as a completion that isn't streamed.

use serde_json::{Value, json};
use tokencast_core::event::TokenEvent;
use tokencast_core::id::Attempt;

use super::words::{Named, annotation, finish_reason, usage};

/// Puts one answer together.
#[derive(Debug)]
pub struct Completion {
    named: Named,
    attempt: Option<Attempt>,
    text: String,
    annotations: Vec<Value>,
}

impl Completion {
    pub fn new(named: Named) -> Self {
        Self {
            named,
            attempt: None,
            text: String::new(),
            annotations: Vec::new(),
        }
    }

    /// Takes the next event. The completion as JSON, if the event ends the answer well.
    pub fn event(&mut self, event: &TokenEvent) -> Option<String> {
        if self.attempt.is_some_and(|attempt| event.attempt < attempt) {
            return None;
        }
        if let Some(piece) = &event.piece {
            if self.attempt != Some(event.attempt) {
                self.attempt = Some(event.attempt);
                self.text.clear();
                self.annotations.clear();
            }
            self.text.push_str(piece.token());
            if let Some(citation) = piece.citation() {
                let chars = self.text.chars().count();
                self.annotations.extend(annotation(&citation, chars));
            }
        }
        let ending = event.ending.as_ref()?;
        let choice = json!({
            "index": 0,
            "message": {
                "role": "assistant", "content": self.text, "refusal": null, "annotations": self.annotations,
            },
            "logprobs": null,
            "finish_reason": finish_reason(event.status, ending),
        });
        let mut completion = self.named.object("chat.completion", &json!([choice]));
        if let Some(used) = ending.usage {
            completion["usage"] = usage(used);
        }
        Some(completion.to_string())
    }
}
