//! The model's script as JSON.

use std::time::Duration;

use serde::Deserialize;

use crate::config::ScriptConfig;

/// Members that are left out have the defaults of a new stack.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Script {
    /// The text's tokens. Without them, the model writes about the prompt.
    tokens: Option<Vec<String>>,
    #[serde(default)]
    reasoning: Vec<String>,
    time_to_first_token_ms: Option<u64>,
    time_between_tokens_ms: Option<u64>,
    stop_reason: Option<String>,
}

impl From<Script> for ScriptConfig {
    fn from(script: Script) -> Self {
        let usual = Self::default();
        let time = |ms: Option<u64>, usual| ms.map_or(usual, Duration::from_millis);
        Self {
            tokens: script.tokens,
            reasoning: script.reasoning,
            time_to_first_token: time(script.time_to_first_token_ms, usual.time_to_first_token),
            time_between_tokens: time(script.time_between_tokens_ms, usual.time_between_tokens),
            stop_reason: script.stop_reason.unwrap_or(usual.stop_reason),
            // Faults are set by the fault plan instead.
            faults: Vec::new(),
        }
    }
}
