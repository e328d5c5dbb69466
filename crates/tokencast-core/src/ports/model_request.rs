//! What a model is asked.

/// What a model is asked: the turns so far, the last of which is the prompt.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ModelRequest {
    /// Roles alternate. The first and the last are the user's.
    pub turns: Vec<ModelTurn>,
}

/// What one side said.
#[derive(Clone, PartialEq, Eq)]
pub struct ModelTurn {
    pub role: Role,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        }
    }

    /// How many turns come before the prompt.
    pub fn history_len(&self) -> usize {
        self.turns.len().saturating_sub(1)
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
