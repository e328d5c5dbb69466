//! What a model is told of the turns before its prompt.
//!
//! Completed turns go to the model, and cancelled ones as far as they came. A turn that failed or has no text is left
//! out with its question, so that roles alternate, as models demand; so is a turn that a guardrail has blocked. Only an
//! answer's text goes, never its reasoning. If the turns cost more than the budget, the oldest are left out. Turns that a
//! client brought are older than those of the conversation. A system prompt that it brought is never left out, and takes
//! its part of the budget.

use super::{TurnHead, tree};
use crate::brought::Brought;
use crate::id::SessionId;
use crate::job::Job;
use crate::ports::{Clock, ConversationStore, ModelRequest, ModelTurn, Role, StoreError};
use crate::session::Status;

/// A token has about this many bytes, where no model counted. It is on the safe side for English.
const BYTES_PER_TOKEN: usize = 3;

/// What a prompt may cost beyond a token for each of its bytes: the marks that a model puts around a message.
const MAX_MARK_TOKENS: usize = 64;

/// A turn's texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnText {
    pub prompt: String,
    pub answer: String,
}

/// The turns of a chain that a model is told of.
pub struct Selected<'a> {
    /// Oldest first.
    pub turns: Vec<&'a TurnHead>,
    /// How many tokens are left for what comes before them.
    pub left: u64,
}

/// The request for the answer to a job's prompt: one read of the heads of the conversation's turns, and one of the texts
/// that fit into `max_tokens`.
///
/// # Errors
///
/// A table does not answer.
pub async fn load<S: ConversationStore>(
    store: &S,
    clock: &impl Clock,
    job: &Job,
    max_tokens: u32,
) -> Result<ModelRequest, StoreError> {
    let max_tokens = left_for_turns(&job.brought, max_tokens);
    let parent = job.parent_id.filter(|_| max_tokens > 0);
    let (Some(id), Some(parent)) = (job.conversation_id, parent) else {
        return Ok(without_turns(job, max_tokens.into()));
    };
    let mut turns = store.turns(id).await?;
    let now = clock.now();
    turns.retain(|turn| !turn.is_expired(now));
    let Selected { turns, left } = select(&turns, parent, max_tokens);
    if turns.is_empty() {
        return Ok(without_turns(job, left));
    }
    let texts = store
        .texts(id, turns.into_iter().cloned().collect())
        .await?
        .into_iter()
        .map(|stored| TurnText {
            prompt: stored.prompt,
            answer: stored.session.map_or_else(String::new, |it| it.text),
        });
    Ok(request(&job.brought, left, texts, &job.prompt))
}

/// The request for the answer to a job's prompt, behind nothing but the turns that were brought with it, as many of the
/// newest as cost at most `max_tokens`.
pub fn alone(job: &Job, max_tokens: u32) -> ModelRequest {
    without_turns(job, left_for_turns(&job.brought, max_tokens).into())
}

fn without_turns(job: &Job, left: u64) -> ModelRequest {
    request(&job.brought, left, [], &job.prompt)
}

/// What a client's system prompt leaves for turns.
fn left_for_turns(brought: &Brought, max_tokens: u32) -> u32 {
    let system = u32::try_from(system_cost(brought)).unwrap_or(u32::MAX);
    max_tokens.saturating_sub(system)
}

/// The turns that a model is told of, oldest first: those of the chain to `parent` that have an answer, as many of the
/// newest as cost at most `max_tokens`.
pub fn select(turns: &[TurnHead], parent: SessionId, max_tokens: u32) -> Selected<'_> {
    let chain = tree::chain(turns, parent);
    let mut left = u64::from(max_tokens);
    let mut selected = Vec::new();
    for (at, turn) in chain.iter().enumerate().rev() {
        if !is_told(turn) {
            continue;
        }
        let before = chain[..at].iter().rev().find(|turn| is_told(turn));
        let cost = cost(turn, before.copied());
        if cost > left {
            // Nothing older goes, or the model would miss a turn in the middle.
            left = 0;
            break;
        }
        left -= cost;
        selected.push(*turn);
    }
    selected.reverse();
    Selected {
        turns: selected,
        left,
    }
}

/// What a client brought costs in tokens: its turns, and its system prompt.
pub fn brought_cost(brought: &Brought) -> u64 {
    let turns = brought.turns.iter();
    let turns: u64 = turns.map(|turn| by_bytes(turn.text.len())).sum();
    turns + system_cost(brought)
}

/// What a system prompt costs that a client brought, in tokens.
pub fn system_cost(brought: &Brought) -> u64 {
    by_bytes(brought.system.as_ref().map_or(0, String::len))
}

/// The request for the answer to `prompt`: behind the turns with these texts, before which come those of `brought` that
/// cost at most `left` tokens. Leaves out a turn of which nothing is to be seen.
pub fn request(
    brought: &Brought,
    left: u64,
    turns: impl IntoIterator<Item = TurnText>,
    prompt: &str,
) -> ModelRequest {
    let turns = turns.into_iter();
    let turns = turns.filter(|turn| !is_blank(&turn.prompt) && !is_blank(&turn.answer));
    let turns = turns.flat_map(|turn| {
        let of = |role, text| ModelTurn { role, text };
        [
            of(Role::User, turn.prompt),
            of(Role::Assistant, turn.answer),
        ]
    });
    let before = newest(&brought.turns, left).iter().cloned();
    ModelRequest {
        system: brought.system.clone(),
        max_tokens: brought.max_tokens,
        temperature: brought.temperature,
        stop_sequences: brought.stop_sequences.clone(),
        ..ModelRequest::of_turns(before.chain(turns), prompt)
    }
}

/// The newest of these turns that cost at most `left` tokens.
fn newest(turns: &[ModelTurn], mut left: u64) -> &[ModelTurn] {
    let mut from = turns.len();
    for (at, turn) in turns.iter().enumerate().rev() {
        match left.checked_sub(by_bytes(turn.text.len())) {
            Some(rest) => left = rest,
            None => break,
        }
        from = at;
    }
    &turns[from..]
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn is_told(turn: &TurnHead) -> bool {
    matches!(turn.status, Status::Completed | Status::Cancelled)
        && turn.answer_bytes > 0
        && !turn.is_blocked
}

/// What a turn costs in tokens: its answer, and its own prompt without what the model was told before it.
fn cost(turn: &TurnHead, before: Option<&TurnHead>) -> u64 {
    let Some(usage) = turn.usage else {
        return by_bytes(turn.prompt_bytes) + by_bytes(turn.answer_bytes);
    };
    // The first turn's input has the system prompt, too, which isn't the turn's.
    let own = before.and_then(|before| {
        let before = before.usage?;
        let own = usage.all_input_tokens().checked_sub(before.all_tokens())?;
        let most = (turn.prompt_bytes + MAX_MARK_TOKENS) as u64;
        (1..=most).contains(&own).then_some(own)
    });
    let own = own.unwrap_or_else(|| by_bytes(turn.prompt_bytes));
    // What was counted of the answer may be reasoning, which no model is told. No text has more tokens than bytes.
    own + u64::from(usage.output_tokens).min(turn.answer_bytes as u64)
}

fn by_bytes(bytes: usize) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN) as u64
}

#[cfg(test)]
mod tests;
