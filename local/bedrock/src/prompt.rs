//! A model's input, whichever operation it came by.

use crate::error::ModelError;
use crate::tokens;

/// A checked request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prompt {
    pub system: Vec<String>,
    pub messages: Vec<Message>,
    pub max_tokens: Option<u32>,
    pub temperature: Option<f32>,
    pub top_p: Option<f32>,
    pub stop_sequences: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub role: Role,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    User,
    Assistant,
}

impl Prompt {
    /// The text of the last user message.
    pub(crate) fn last_question(&self) -> &str {
        self.messages
            .iter()
            .rev()
            .find(|message| message.role == Role::User)
            .map_or("", |message| &message.text)
    }

    pub(crate) fn input_tokens(&self) -> u64 {
        let texts = self
            .system
            .iter()
            .chain(self.messages.iter().map(|message| &message.text));
        texts.map(|text| tokens::count(text)).sum()
    }
}

impl Role {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "user" => Some(Self::User),
            "assistant" => Some(Self::Assistant),
            _ => None,
        }
    }
}

/// A conversation has messages, begins with the user, and alternates between the roles.
pub(crate) fn check_roles(messages: &[Message]) -> Result<(), ModelError> {
    let Some(first) = messages.first() else {
        return Err(ModelError::validation(
            "A conversation must have at least one message. Try again with a conversation that has at least one message.",
        ));
    };
    if first.role != Role::User {
        return Err(ModelError::validation(
            "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
        ));
    }
    if messages.windows(2).any(|pair| pair[0].role == pair[1].role) {
        return Err(ModelError::validation(
            "A conversation must alternate between user and assistant roles. Make sure the conversation alternates \
             between user and assistant roles and try again.",
        ));
    }
    Ok(())
}
