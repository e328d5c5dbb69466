//! What a model is told of the turns before its prompt.
//!
//! Completed turns go to the model, and cancelled ones as far as they came. A turn that failed or has no text is left
//! out with its question, so that roles alternate, as models demand. Only an answer's text goes, never its reasoning.
//! If the turns cost more than the budget, the oldest are left out.

use super::{TurnHead, tree};
use crate::event::Usage;
use crate::id::{ConversationId, SessionId};
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

/// The request for the answer to `prompt`, which continues `parent` in a conversation: one read of the turns' heads, and
/// one of the texts that fit into `max_tokens`.
///
/// # Errors
///
/// A table does not answer.
pub async fn load<S: ConversationStore>(
    store: &S,
    clock: &impl Clock,
    id: ConversationId,
    parent: Option<SessionId>,
    prompt: &str,
    max_tokens: u32,
) -> Result<ModelRequest, StoreError> {
    let Some(parent) = parent.filter(|_| max_tokens > 0) else {
        return Ok(ModelRequest::of_prompt(prompt));
    };
    let mut turns = store.turns(id).await?;
    let now = clock.now();
    turns.retain(|turn| !turn.is_expired(now));
    let told = select(&turns, parent, max_tokens).into_iter().cloned();
    let told = told.collect::<Vec<_>>();
    if told.is_empty() {
        return Ok(ModelRequest::of_prompt(prompt));
    }
    let texts = store
        .texts(id, told)
        .await?
        .into_iter()
        .map(|stored| TurnText {
            prompt: stored.prompt,
            answer: stored.session.map_or_else(String::new, |it| it.text),
        });
    Ok(request(texts, prompt))
}

/// The turns that a model is told of, oldest first: those of the chain to `parent` that have an answer, as many of the
/// newest as cost at most `max_tokens`.
pub fn select(turns: &[TurnHead], parent: SessionId, max_tokens: u32) -> Vec<&TurnHead> {
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
            break;
        }
        left -= cost;
        selected.push(*turn);
    }
    selected.reverse();
    selected
}

/// The request for the answer to `prompt`, behind the turns with these texts. Leaves out a turn of which nothing is to
/// be seen.
pub fn request(turns: impl IntoIterator<Item = TurnText>, prompt: &str) -> ModelRequest {
    let mut request = ModelRequest::default();
    let turns = turns.into_iter();
    for turn in turns.filter(|turn| !is_blank(&turn.prompt) && !is_blank(&turn.answer)) {
        request.turns.push(ModelTurn {
            role: Role::User,
            text: turn.prompt,
        });
        request.turns.push(ModelTurn {
            role: Role::Assistant,
            text: turn.answer,
        });
    }
    request.turns.push(ModelTurn {
        role: Role::User,
        text: prompt.to_owned(),
    });
    request
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn is_told(turn: &TurnHead) -> bool {
    matches!(turn.status, Status::Completed | Status::Cancelled) && turn.answer_bytes > 0
}

/// What a turn costs in tokens: its answer, and its own prompt without what the model was told before it.
fn cost(turn: &TurnHead, before: Option<&TurnHead>) -> u64 {
    let by_bytes = |bytes: usize| bytes.div_ceil(BYTES_PER_TOKEN) as u64;
    let Some(usage) = turn.usage else {
        return by_bytes(turn.prompt_bytes) + by_bytes(turn.answer_bytes);
    };
    // The first turn's input has the system prompt, too, which isn't the turn's.
    let own = before.and_then(|before| {
        let before = before.usage?;
        let own = input(usage).checked_sub(input(before) + u64::from(before.output_tokens))?;
        let most = (turn.prompt_bytes + MAX_MARK_TOKENS) as u64;
        (1..=most).contains(&own).then_some(own)
    });
    let own = own.unwrap_or_else(|| by_bytes(turn.prompt_bytes));
    own + u64::from(usage.output_tokens)
}

/// All tokens that the model was given, whether or not it had them in its cache.
fn input(usage: Usage) -> u64 {
    [
        Some(usage.input_tokens),
        usage.cache_read_input_tokens,
        usage.cache_write_input_tokens,
    ]
    .into_iter()
    .flatten()
    .map(u64::from)
    .sum()
}

#[cfg(test)]
mod tests;
