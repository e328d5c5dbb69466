//! The model's script as JSON.

use std::time::Duration;

use serde::Deserialize;

use super::refusal::Refusal;
use crate::config::{ScriptBlock, ScriptConfig};

/// Members that are left out have the defaults of a new stack.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Script {
    /// The text's tokens. Without them, the model writes about the prompt.
    tokens: Option<Vec<String>>,
    reasoning: Option<Vec<String>>,
    /// The answer's blocks, instead of `tokens` and `reasoning`.
    blocks: Option<Vec<ScriptBlock>>,
    /// Answer with the request's `system` and `messages`, instead of all the above.
    #[serde(default)]
    echo: bool,
    time_to_first_token_ms: Option<u64>,
    time_between_tokens_ms: Option<u64>,
    stop_reason: Option<String>,
}

impl TryFrom<Script> for ScriptConfig {
    type Error = Refusal;

    fn try_from(script: Script) -> Result<Self, Refusal> {
        let has_tokens = script.tokens.is_some() || script.reasoning.is_some();
        let answers = [has_tokens, script.blocks.is_some(), script.echo];
        if answers.into_iter().filter(|given| *given).count() > 1 {
            let message = "more than one of `tokens` (and `reasoning`), `blocks` and `echo`; expected one of them at most";
            return Err(Refusal::at(".", message.to_owned()));
        }
        let usual = Self::default();
        let time = |ms: Option<u64>, usual| ms.map_or(usual, Duration::from_millis);
        Ok(Self {
            tokens: script.tokens,
            reasoning: script.reasoning.unwrap_or_default(),
            blocks: script.blocks,
            echo: script.echo,
            time_to_first_token: time(script.time_to_first_token_ms, usual.time_to_first_token),
            time_between_tokens: time(script.time_between_tokens_ms, usual.time_between_tokens),
            stop_reason: script.stop_reason.unwrap_or(usual.stop_reason),
            // Faults are set by the fault plan instead.
            faults: Vec::new(),
        })
    }
}
