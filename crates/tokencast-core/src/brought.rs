//! What a client brings with its prompt, where a protocol's client keeps the history itself.

use serde::{Deserialize, Serialize};

use crate::ports::ModelTurn;

/// What a client brings with its prompt. Whatever it asks for stays within the bounds of what answers it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Brought {
    /// Turns before the prompt, oldest first. They come before those that the conversation has, if there is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<ModelTurn>,
    /// A system prompt, which follows the model's own. Only where clients may bring one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The longest answer in tokens. One that is longer than the configured one doesn't count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// The temperature. One that is higher than the configured one doesn't count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// Texts before which the answer ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop_sequences: Vec<String>,
}

impl Brought {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The bytes of all texts.
    pub fn text_bytes(&self) -> usize {
        let turns: usize = self.turns.iter().map(|turn| turn.text.len()).sum();
        let stops: usize = self.stop_sequences.iter().map(String::len).sum();
        turns + stops + self.system.as_ref().map_or(0, String::len)
    }

    /// All of it, as an option of a start's fingerprint. `None` if nothing was brought.
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn to_option(&self) -> Option<String> {
        (!self.is_empty())
            .then(|| serde_json::to_string(self).expect("strings and numbers always serialize"))
    }
}

/// Without the texts, so that no log can hold them.
impl std::fmt::Debug for Brought {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Brought")
            .field("turns", &self.turns.len())
            .field("text_bytes", &self.text_bytes())
            .field("max_tokens", &self.max_tokens)
            .field("temperature", &self.temperature)
            .field("stop_sequences", &self.stop_sequences.len())
            .finish_non_exhaustive()
    }
}
