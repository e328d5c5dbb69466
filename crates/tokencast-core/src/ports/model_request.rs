//! What a model is asked.

use serde::{Deserialize, Serialize};

use crate::assistant::AssistantName;

/// What a model is asked: the turns so far, the last of which is the prompt.
#[derive(Clone, Default, PartialEq)]
pub struct ModelRequest {
    /// Roles alternate. The first and the last are the user's.
    pub turns: Vec<ModelTurn>,
    /// What follows the configured system prompt.
    pub system: Option<String>,
    /// The longest answer in tokens, if that is less than the configured one.
    pub max_tokens: Option<u32>,
    /// The temperature, if that is less than the configured one.
    pub temperature: Option<f32>,
    /// Texts before which the answer ends.
    pub stop_sequences: Vec<String>,
    /// The assistant that answers; `None` for the default.
    pub assistant: Option<AssistantName>,
}

/// What one side said.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelTurn {
    pub role: Role,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    User,
    Assistant,
}

impl ModelRequest {
    /// A request without a history.
    pub fn of_prompt(prompt: impl Into<String>) -> Self {
        let (role, text) = (Role::User, prompt.into());
        Self {
            turns: vec![ModelTurn { role, text }],
            ..Self::default()
        }
    }

    /// A request with these turns before the prompt. Turns that a model refuses are left out: blank ones, and the
    /// assistant's at the beginning. Neighbours of one role are joined, with an empty line between them.
    pub fn of_turns(turns: impl IntoIterator<Item = ModelTurn>, prompt: &str) -> Self {
        let mut request = Self::default();
        for turn in turns {
            request.push(turn);
        }
        let (role, text) = (Role::User, prompt.to_owned());
        request.push(ModelTurn { role, text });
        request
    }

    fn push(&mut self, turn: ModelTurn) {
        if turn.text.trim().is_empty() {
            return;
        }
        match self.turns.last_mut() {
            None if turn.role == Role::Assistant => {}
            Some(last) if last.role == turn.role => {
                last.text.push_str("\n\n");
                last.text.push_str(&turn.text);
            }
            _ => self.turns.push(turn),
        }
    }

    /// How many turns come before the prompt.
    pub fn history_len(&self) -> usize {
        self.turns.len().saturating_sub(1)
    }
}

/// Without the texts, so that no log can hold them.
impl std::fmt::Debug for ModelTurn {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ModelTurn")
            .field("role", &self.role)
            .field("text_bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// Without the texts, so that no log can hold them.
impl std::fmt::Debug for ModelRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ModelRequest")
            .field("turns", &self.turns.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_alternate_whatever_a_client_brings() {
        for (turns, expected) in [
            ("", "u:P"),
            ("u:a s:b", "u:a s:b u:P"),
            // A greeting that no user asked for.
            ("s:a u:b s:c", "u:b s:c u:P"),
            ("u:a", "u:a||P"),
            ("u:a u:b s:c s:d", "u:a||b s:c||d u:P"),
            ("u:a s:~ u:c", "u:a||c||P"),
        ] {
            let turns = turns.split_whitespace().map(|turn| ModelTurn {
                role: if turn.starts_with('u') {
                    Role::User
                } else {
                    Role::Assistant
                },
                text: turn[2..].replace('~', " \n"),
            });
            let request = ModelRequest::of_turns(turns, "P");
            let got: Vec<_> = request
                .turns
                .iter()
                .map(|turn| {
                    let role = if turn.role == Role::User { "u" } else { "s" };
                    format!("{role}:{}", turn.text.replace('\n', "|"))
                })
                .collect();
            assert_eq!(got.join(" "), expected);
        }
    }
}
