//! The scripted model, which follows its script's blocks, pace and faults.

use std::collections::VecDeque;
use std::future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use local_kit::clock::Clock;
use tokio::time::Instant;

use crate::answer;
use crate::config::{ModelFault, ScriptBlock, ScriptConfig, ScriptContent};
use crate::error::ModelError;
use crate::model::{ModelEvent, ModelStream, Piece, Stop, Usage};
use crate::plan::{self, Step};
use crate::prompt::Prompt;
use crate::prompt_cache::PromptCache;
use crate::tokens;

/// At full speed, how many tokens are sent before other tasks get a turn, at which the server flushes.
const TOKENS_PER_TURN: usize = 32;

#[derive(Debug)]
pub(crate) struct ScriptedModel {
    state: Mutex<State>,
    /// The number of calls so far, over all scripts.
    calls: AtomicU64,
    cache: PromptCache,
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
    pub(crate) fn new(script: ScriptConfig, clock: Clock) -> Self {
        Self {
            state: Mutex::new(State::new(script)),
            calls: AtomicU64::new(0),
            cache: PromptCache::new(clock),
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
            let fault = state.next_fault(&prompt.last_question());
            (Arc::clone(&state.script), fault)
        };
        if let Some(ModelFault::Refuse(exception)) = fault {
            return Err(ModelError::standard(exception));
        }
        let cache = self.cache.read_and_write(prompt);
        let used = cache.unwrap_or_default();
        let usage = Usage {
            input_tokens: prompt
                .input_tokens()
                .saturating_sub(used.read_tokens + used.write_tokens),
            output_tokens: 0,
            cache,
        };
        let speech = Speech::new(&script, call, prompt, fault, usage);
        Ok(stream::unfold(speech, |mut speech| async move {
            let event = speech.next().await?;
            Some((event, speech))
        })
        .boxed())
    }
}

/// The blocks of a script's answer.
fn blocks(script: &ScriptConfig, prompt: &Prompt) -> Vec<ScriptBlock> {
    if script.echo {
        return vec![ScriptContent::Text(tokens::split(&prompt.given)).into()];
    }
    if let Some(blocks) = &script.blocks {
        return blocks.clone();
    }
    let mut blocks = Vec::new();
    if !script.reasoning.is_empty() {
        let reasoning = ScriptContent::Reasoning {
            tokens: script.reasoning.clone(),
            signature: None,
        };
        blocks.push(reasoning.into());
    }
    match &script.tokens {
        Some(tokens) => blocks.push(ScriptContent::Text(tokens.clone()).into()),
        None => blocks.extend(answer::write(prompt)),
    }
    blocks
}

/// One response while it is sent.
struct Speech {
    steps: VecDeque<Step>,
    /// The number of tokens so far, and of those to come.
    sent: usize,
    tokens_left: usize,
    fault: Option<ModelFault>,
    stop: Stop,
    /// A schedule instead of a pause after each token, so that timer delays don't add up.
    next_at: Instant,
    time_between_tokens: Duration,
    ended: bool,
}

impl Speech {
    fn new(
        script: &ScriptConfig,
        call: u64,
        prompt: &Prompt,
        fault: Option<ModelFault>,
        usage: Usage,
    ) -> Self {
        let steps = plan::steps(blocks(script, prompt), call);
        let (steps, sequence, limited) = if script.echo {
            (steps, None, false)
        } else {
            let (steps, sequence) = plan::cut_at_stop_sequence(steps, &prompt.stop_sequences);
            let (steps, limited) = plan::cut_at_limit(steps, prompt.max_tokens);
            (steps, sequence, limited)
        };
        let reason = match (&sequence, limited) {
            (_, true) => "max_tokens",
            (Some(_), false) => "stop_sequence",
            (None, false) => &script.stop_reason,
        };
        let said = steps.iter().filter(|step| step.is_said()).count();
        let tokens_left = steps.iter().filter(|step| step.is_token()).count();
        Self {
            tokens_left,
            steps: plan::with_stops(steps).into(),
            sent: 0,
            fault,
            stop: Stop {
                reason: reason.to_owned(),
                sequence: sequence.filter(|_| !limited),
                usage: Usage {
                    output_tokens: u64::try_from(said).unwrap_or(u64::MAX),
                    ..usage
                },
                trace: None,
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
        // A fault beyond the answer's end is applied at the end.
        if let Some(fault) = self
            .fault
            .take_if(|fault| fault.after_tokens() <= self.sent || self.tokens_left == 0)
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
        let Some(step) = self.steps.pop_front() else {
            self.ended = true;
            return Some(ModelEvent::Stop(self.stop.clone()));
        };
        Some(match step {
            Step::Stop { block } => ModelEvent::BlockStop { block },
            Step::Piece { block, piece } => {
                self.wait_for(&piece).await;
                ModelEvent::Piece { block, piece }
            }
        })
    }

    /// Tokens have a pace. Everything else follows at once, but nothing comes before the first token's time.
    async fn wait_for(&mut self, piece: &Piece) {
        if piece.token().is_some() {
            self.wait().await;
            self.sent += 1;
            self.tokens_left -= 1;
        } else if self.sent == 0 {
            tokio::time::sleep_until(self.next_at).await;
        }
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
