//! A model's input, whichever operation it came by.

use std::borrow::Cow;

use serde_json::Value;

use crate::guardrail::Asked;
use crate::tokens;

/// A checked request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prompt {
    pub model_id: String,
    pub system: Vec<Content>,
    pub messages: Vec<Message>,
    /// The tools, as they were given.
    pub tools: Option<Value>,
    pub max_tokens: Option<u32>,
    pub temperature: Option<f32>,
    pub top_p: Option<f32>,
    pub stop_sequences: Vec<String>,
    /// How many tokens the model may reason, if it was told.
    pub reasoning_tokens: Option<u32>,
    /// The fields that only the model's provider knows, as they were given.
    pub additional: Option<Value>,
    /// The guardrail that looks at it.
    pub guardrail: Option<Asked>,
    /// The JSON object of the request's `system` and `messages`, byte for byte as they were given.
    pub given: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub role: Role,
    pub content: Vec<Content>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    User,
    Assistant,
}

/// A block of a message or of the system prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Text(String),
    /// The prompt up to here may be kept in the prompt cache.
    CachePoint,
    Reasoning {
        text: String,
        signature: Option<String>,
    },
    /// The encrypted reasoning in base64.
    Redacted(String),
    ToolUse {
        id: String,
        name: String,
        input: Value,
    },
    ToolResult {
        id: String,
        content: Value,
    },
    /// An image, a document or another block that no model here reads.
    Other(Value),
}

impl Prompt {
    /// The text of the last user message.
    pub(crate) fn last_question(&self) -> Cow<'_, str> {
        let mut messages = self.messages.iter().rev();
        let last = messages.find(|message| message.role == Role::User);
        last.map_or(Cow::Borrowed(""), Message::text)
    }

    /// All blocks in the order in which the model reads them.
    pub(crate) fn contents(&self) -> impl Iterator<Item = (Option<Role>, &Content)> {
        let system = self.system.iter().map(|content| (None, content));
        let messages = self.messages.iter().flat_map(|message| {
            let contents = message.content.iter();
            contents.map(|content| (Some(message.role), content))
        });
        system.chain(messages)
    }

    /// All texts, of the system prompt and of every message.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.contents().filter_map(|(_, content)| content.text())
    }

    pub(crate) fn input_tokens(&self) -> u64 {
        let contents = self.contents().map(|(_, content)| content.tokens());
        contents.sum()
    }
}

impl Message {
    /// The joined text blocks.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        let texts: Vec<&str> = self.content.iter().filter_map(Content::text).collect();
        match texts[..] {
            [text] => Cow::Borrowed(text),
            _ => Cow::Owned(texts.join("\n")),
        }
    }
}

impl Content {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn tokens(&self) -> u64 {
        match self {
            Self::Text(text) | Self::Reasoning { text, .. } => tokens::count(text),
            Self::ToolUse { name, input, .. } => {
                tokens::count(name) + tokens::count(&input.to_string())
            }
            Self::ToolResult { content, .. } => tokens::count(&content.to_string()),
            Self::CachePoint | Self::Redacted(_) | Self::Other(_) => 0,
        }
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

#[cfg(test)]
impl Prompt {
    /// A prompt without a system prompt and history.
    pub(crate) fn of(question: &str) -> Self {
        Self {
            model_id: crate::model_id::SCRIPTED_MODEL_ID.to_owned(),
            system: Vec::new(),
            messages: vec![Message {
                role: Role::User,
                content: vec![Content::Text(question.to_owned())],
            }],
            tools: None,
            max_tokens: None,
            temperature: None,
            top_p: None,
            stop_sequences: Vec::new(),
            reasoning_tokens: None,
            additional: None,
            guardrail: None,
            given: String::new(),
        }
    }
}
