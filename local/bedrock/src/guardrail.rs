//! Scripted guardrails: they block and mask words, and trace what they did as Bedrock's do.
//!
//! | module | what |
//! | --- | --- |
//! | `words` | words in a text |
//! | `trace` | what was found, as JSON |
//! | `answer` | an answer on its way past a guardrail |
//!
//! As on AWS, a guardrail looks at all messages of a request and at the answer's text, never at reasoning. A prompt with a
//! word to block never reaches the model. In the mode `sync` an answer is held back until it has been looked at; in `async`
//! it is not, so what is blocked has been sent already, and nothing can be masked.

mod answer;
mod trace;
mod words;

use std::collections::BTreeMap;

use serde::Deserialize;

pub(crate) use answer::guard;
pub(crate) use trace::Trace;

use crate::error::ModelError;
use crate::model::Usage;
use crate::prompt::{Content, Prompt};
use words::Words;

/// The stop reason of what a guardrail has blocked.
pub(crate) const INTERVENED: &str = "guardrail_intervened";

const BLOCKED_PROMPT: &str = "Sorry, the model cannot answer this question.";
const BLOCKED_ANSWER: &str = "Sorry, the model cannot say this.";

/// A guardrail of the local Bedrock.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuardrailConfig {
    /// Its id or ARN, as requests name it.
    pub id: String,
    /// A number, or `DRAFT`.
    pub version: String,
    /// Words that block a prompt or an answer.
    #[serde(default)]
    pub block: Vec<String>,
    /// Words that are masked, by the name that is shown in their place: `{NAME}`.
    #[serde(default)]
    pub mask: BTreeMap<String, Vec<String>>,
    /// What answers a prompt that is blocked.
    #[serde(default = "blocked_prompt")]
    pub blocked_prompt_message: String,
    /// What follows an answer that is blocked.
    #[serde(default = "blocked_answer")]
    pub blocked_answer_message: String,
}

fn blocked_prompt() -> String {
    BLOCKED_PROMPT.to_owned()
}

fn blocked_answer() -> String {
    BLOCKED_ANSWER.to_owned()
}

impl GuardrailConfig {
    /// A guardrail to try things with: it blocks `blockme`, and masks `maskme` and `me@example.com`.
    pub fn to_try(id: impl Into<String>, version: impl Into<String>) -> Self {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Self {
            id: id.into(),
            version: version.into(),
            block: words(&["blockme"]),
            mask: BTreeMap::from([
                ("EMAIL".to_owned(), words(&["me@example.com"])),
                ("SECRET".to_owned(), words(&["maskme"])),
            ]),
            blocked_prompt_message: blocked_prompt(),
            blocked_answer_message: blocked_answer(),
        }
    }
}

/// What a request says of its guardrail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub id: String,
    pub version: String,
    pub mode: Mode,
    pub traces: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Sync,
    Async,
}

/// A guardrail at work for one request.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) config: GuardrailConfig,
    pub(crate) asked: Asked,
    words: Words,
    /// Of the prompt.
    input_usage: Usage,
    pub(crate) trace: Trace,
}

/// What becomes of a prompt.
pub(crate) enum Looked {
    /// It may go to the model, with what was masked.
    Passed,
    Blocked,
}

impl Guard {
    /// # Errors
    ///
    /// There is no such guardrail.
    pub(crate) fn new(all: &[GuardrailConfig], asked: Asked) -> Result<Self, ModelError> {
        let found = all
            .iter()
            .find(|it| it.id == asked.id && it.version == asked.version);
        let config = found.ok_or_else(|| {
            ModelError::validation(
                "The guardrail identifier or version provided in the request does not exist.",
            )
        })?;
        Ok(Self {
            words: Words::new(config),
            input_usage: Usage::default(),
            config: config.clone(),
            asked,
            trace: Trace::default(),
        })
    }

    /// Looks at the messages, and masks what is to be masked.
    pub(crate) fn look_at(&mut self, prompt: &mut Prompt) -> Looked {
        let texts = prompt.messages.iter().flat_map(|message| &message.content);
        let blocked = texts
            .filter_map(Content::text)
            .find_map(|text| self.words.find_blocked(text));
        if let Some(word) = blocked {
            self.trace.input.block(word);
            return Looked::Blocked;
        }
        let contents = prompt
            .messages
            .iter_mut()
            .flat_map(|message| &mut message.content);
        for content in contents {
            if let Content::Text(text) = content {
                *text = self.words.mask(text, &mut self.trace.input);
            }
        }
        self.input_usage.input_tokens = prompt.input_tokens();
        Looked::Passed
    }
}
