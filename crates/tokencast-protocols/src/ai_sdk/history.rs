//! The messages before a question, compared with the turns of the chat's conversation.
//!
//! What matches is a follow-up: the new turn continues the turn whose answer came last. What differs is a branch: the new
//! turn begins the conversation anew, and brings what was said before. Messages before the first known turn, such as
//! those of an assistant that isn't ours, are brought, too. A question that has got no answer is left out, and an answer
//! without text is none.

use tokencast_core::id::SessionId;
use tokencast_core::ports::{ModelTurn, Role};

use super::request::{Said, SaidBy};

/// A turn of the conversation.
#[derive(Clone, Debug)]
pub struct Known {
    pub session_id: SessionId,
    pub prompt: String,
    /// The answer's text as clients may have put it together, in whichever order its blocks came.
    pub answers: Vec<String>,
}

/// Where a new turn goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// The turn that it continues; `None` if it begins the conversation.
    pub parent: Option<SessionId>,
    /// What the client brings.
    pub brought: Vec<ModelTurn>,
}

/// The session of the last answer, if it may be one of ours: where the chain to compare with ends.
pub fn last_answer(history: &[Said]) -> Option<SessionId> {
    let mut said = history.iter().rev();
    let last = said.find_map(|said| match said.by {
        SaidBy::User => None,
        SaidBy::Assistant(id) => Some(id),
    });
    last.flatten()
}

/// How many turns of a chain can have a message in the history.
pub fn turns_in(history: &[Said]) -> usize {
    let answers = history.iter();
    answers
        .filter(|said| matches!(said.by, SaidBy::Assistant(_)))
        .count()
}

/// Compares a history with the turns of the chain that ends with [`last_answer`], oldest first; without any, if there is
/// no such turn. A history that has only the newest of the chain's turns matches as well: a page need not send all.
pub fn place(history: &[Said], chain: &[Known]) -> Placed {
    let parent = chain.last().map(|turn| turn.session_id);
    let matched = parent.and_then(|_| unmatched(history, chain));
    match matched {
        Some(before) => Placed {
            parent,
            brought: turns(before),
        },
        None => Placed {
            parent: None,
            brought: turns(history),
        },
    }
}

/// The messages before those that match the chain; `None` if one of them differs.
fn unmatched<'a>(history: &'a [Said], chain: &[Known]) -> Option<&'a [Said]> {
    let mut left = history;
    for turn in chain.iter().rev() {
        let Some((answer, before)) = answered(left).split_last() else {
            return Some(&[]);
        };
        if answer.by != SaidBy::Assistant(Some(turn.session_id)) || !is_answer(answer, turn) {
            return None;
        }
        let Some((question, before)) = before.split_last() else {
            return Some(before);
        };
        if question.by != SaidBy::User || question.text != turn.prompt {
            return None;
        }
        left = before;
    }
    Some(left)
}

/// The messages without the questions at their end, which have got no answer.
fn answered(said: &[Said]) -> &[Said] {
    let unanswered = said.iter().rev();
    let unanswered = unanswered.take_while(|said| said.by == SaidBy::User);
    &said[..said.len() - unanswered.count()]
}

/// Whether a message has the turn's answer, or its beginning: a page that stopped, or lost its connection, has no more.
fn is_answer(message: &Said, turn: &Known) -> bool {
    let mut answers = turn.answers.iter();
    answers.any(|answer| answer.starts_with(&message.text))
}

/// What a model is told of messages: answers, and the question before each of them.
fn turns(said: &[Said]) -> Vec<ModelTurn> {
    let said = said.iter().filter(|said| !said.text.trim().is_empty());
    let mut said = said.peekable();
    let mut turns = Vec::new();
    while let Some(Said { by, text }) = said.next() {
        let role = match by {
            SaidBy::User => Role::User,
            SaidBy::Assistant(_) => Role::Assistant,
        };
        let is_answered = said.peek().is_some_and(|next| next.by != SaidBy::User);
        if role == Role::Assistant || is_answered {
            let text = text.clone();
            turns.push(ModelTurn { role, text });
        }
    }
    turns
}

#[cfg(test)]
mod tests;
