//! The scripted model, which follows its script's tokens, pace and faults.

use std::collections::VecDeque;
use std::future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use crate::answer;
use crate::config::{ModelFault, ScriptConfig};
use crate::error::ModelError;
use crate::model::{ModelEvent, ModelStream, Stop, Usage};
use crate::prompt::Prompt;

/// At full speed, how many tokens are sent before other tasks get a turn, at which the server flushes.
const TOKENS_PER_TURN: usize = 32;

/// Replaced in a script's token by the call's number.
const CALL_PLACEHOLDER: &str = "{call}";

#[derive(Debug)]
pub(crate) struct ScriptedModel {
    state: Mutex<State>,
    /// The number of calls so far, over all scripts.
    calls: AtomicU64,
}

#[derive(Debug)]
struct State {
    script: Arc<ScriptConfig>,
    /// How often each of the script's faults was applied.
    used: Vec<u32>,
}

impl State {
    fn new(script: ScriptConfig) -> Self {
        Self {
            used: vec![0; script.faults.len()],
            script: Arc::new(script),
        }
    }

    fn next_fault(&mut self, prompt: &str) -> Option<ModelFault> {
        let rules = self.script.faults.iter().zip(&mut self.used);
        for (rule, used) in rules {
            let left = rule.times.is_none_or(|times| *used < times.get());
            let meant = rule
                .prompt_contains
                .as_deref()
                .is_none_or(|part| prompt.contains(part));
            if left && meant {
                *used = used.saturating_add(1);
                return Some(rule.fault.clone());
            }
        }
        None
    }
}

impl ScriptedModel {
    pub(crate) fn new(script: ScriptConfig) -> Self {
        Self {
            state: Mutex::new(State::new(script)),
            calls: AtomicU64::new(0),
        }
    }

    /// Sets the script from the next call on. Its faults are counted from zero.
    pub(crate) fn set_script(&self, script: ScriptConfig) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::new(script);
    }

    pub(crate) fn start(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let (script, fault) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let fault = state.next_fault(prompt.last_question());
            (Arc::clone(&state.script), fault)
        };
        if let Some(ModelFault::Refuse(exception)) = fault {
            return Err(ModelError::standard(exception));
        }
        let speech = Speech::new(&script, call, prompt, fault);
        Ok(stream::unfold(speech, |mut speech| async move {
            let event = speech.next().await?;
            Some((event, speech))
        })
        .boxed())
    }
}

/// The tokens with their placeholders replaced by the call's number.
fn numbered(tokens: &[String], call: u64) -> Vec<String> {
    let call = call.to_string();
    tokens
        .iter()
        .map(|token| token.replace(CALL_PLACEHOLDER, &call))
        .collect()
}

/// One response while it is sent.
struct Speech {
    reasoning: VecDeque<String>,
    tokens: VecDeque<String>,
    sent: usize,
    fault: Option<ModelFault>,
    stop: Stop,
    /// A schedule instead of a pause after each token, so that timer delays don't add up.
    next_at: Instant,
    time_between_tokens: Duration,
    ended: bool,
}

impl Speech {
    fn new(script: &ScriptConfig, call: u64, prompt: &Prompt, fault: Option<ModelFault>) -> Self {
        let tokens = match &script.tokens {
            Some(tokens) => numbered(tokens, call),
            None => answer::write(prompt),
        };
        let (tokens, sequence) = cut_at_stop_sequence(tokens, &prompt.stop_sequences);
        let (tokens, limited) = cut_at_limit(tokens, prompt.max_tokens);
        let reason = match (&sequence, limited) {
            (_, true) => "max_tokens",
            (Some(_), false) => "stop_sequence",
            (None, false) => &script.stop_reason,
        };
        let spoken = script
            .reasoning
            .iter()
            .chain(&tokens)
            .filter(|token| !token.is_empty())
            .count();
        let usage = Usage {
            input_tokens: prompt.input_tokens(),
            output_tokens: u64::try_from(spoken).unwrap_or(u64::MAX),
        };
        Self {
            reasoning: script.reasoning.iter().cloned().collect(),
            tokens: tokens.into(),
            sent: 0,
            fault,
            stop: Stop {
                reason: reason.to_owned(),
                sequence: sequence.filter(|_| !limited),
                usage,
            },
            next_at: Instant::now() + script.time_to_first_token,
            time_between_tokens: script.time_between_tokens,
            ended: false,
        }
    }

    async fn next(&mut self) -> Option<ModelEvent> {
        if self.ended {
            return None;
        }
        if let Some(token) = self.reasoning.pop_front() {
            self.wait().await;
            return Some(ModelEvent::Reasoning(token));
        }
        // A fault beyond the text's end is applied at the end.
        if let Some(fault) = self
            .fault
            .take_if(|fault| fault.after_tokens() <= self.sent || self.tokens.is_empty())
        {
            self.wait().await;
            // Lets the server flush, because a reset discards what the server still holds.
            tokio::task::yield_now().await;
            self.ended = true;
            return match fault {
                ModelFault::Refuse(exception) | ModelFault::Fail { exception, .. } => {
                    Some(ModelEvent::Fail(ModelError::standard(exception)))
                }
                ModelFault::Stall { .. } => future::pending().await,
                ModelFault::Cut { .. } => None,
                ModelFault::Reset { .. } => Some(ModelEvent::Reset),
            };
        }
        let Some(token) = self.tokens.pop_front() else {
            self.ended = true;
            return Some(ModelEvent::Stop(self.stop.clone()));
        };
        self.wait().await;
        self.sent += 1;
        Some(ModelEvent::Text(token))
    }

    async fn wait(&mut self) {
        if self.next_at > Instant::now() {
            tokio::time::sleep_until(self.next_at).await;
        } else if self.sent.is_multiple_of(TOKENS_PER_TURN) {
            tokio::task::yield_now().await;
        }
        self.next_at += self.time_between_tokens;
    }
}

impl ModelFault {
    fn after_tokens(&self) -> usize {
        match self {
            Self::Refuse(_) => 0,
            Self::Fail { after_tokens, .. }
            | Self::Stall { after_tokens }
            | Self::Cut { after_tokens }
            | Self::Reset { after_tokens } => *after_tokens,
        }
    }
}

/// The tokens before the first stop sequence, and this sequence.
fn cut_at_stop_sequence(
    tokens: Vec<String>,
    sequences: &[String],
) -> (Vec<String>, Option<String>) {
    let text = tokens.concat();
    let first = sequences
        .iter()
        .filter_map(|sequence| Some((text.find(sequence.as_str())?, sequence)))
        .min();
    let Some((mut left, sequence)) = first else {
        return (tokens, None);
    };
    let mut kept = Vec::new();
    for mut token in tokens {
        if left == 0 {
            break;
        }
        // A sequence begins at a character boundary of the text, so also of the token that it begins in.
        token.truncate(left);
        left -= token.len();
        kept.push(token);
    }
    (kept, Some(sequence.clone()))
}

/// At most `limit` tokens that aren't empty, and whether tokens were left out.
fn cut_at_limit(mut tokens: Vec<String>, limit: Option<u32>) -> (Vec<String>, bool) {
    let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else {
        return (tokens, false);
    };
    let beyond = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| !token.is_empty())
        .nth(limit)
        .map(|(at, _)| at);
    if let Some(at) = beyond {
        tokens.truncate(at);
    }
    (tokens, beyond.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(tokens: &[&str]) -> Vec<String> {
        tokens.iter().map(|token| (*token).to_owned()).collect()
    }

    #[test]
    fn a_stop_sequence_ends_the_answer_before_it() {
        let tokens = strings(&["one", " two", " thr", "ee", " four"]);
        for (sequences, expected, found) in [
            (&["three"][..], &["one", " two", " "][..], Some("three")),
            (&["four", "two"], &["one", " "], Some("two")),
            (&["one"], &[], Some("one")),
            (&["five"], &["one", " two", " thr", "ee", " four"], None),
        ] {
            let (kept, sequence) = cut_at_stop_sequence(tokens.clone(), &strings(sequences));
            assert_eq!(
                (kept, sequence.as_deref()),
                (strings(expected), found),
                "{sequences:?}"
            );
        }
    }

    #[test]
    fn a_limit_counts_tokens_with_text() {
        let tokens = strings(&["", "a", "", "b"]);
        for (limit, expected, limited) in [
            (Some(1), &["", "a", ""][..], true),
            (Some(2), &["", "a", "", "b"], false),
            (None, &["", "a", "", "b"], false),
        ] {
            assert_eq!(
                cut_at_limit(tokens.clone(), limit),
                (strings(expected), limited),
                "{limit:?}"
            );
        }
    }
}
