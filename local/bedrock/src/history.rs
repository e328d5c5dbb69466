//! What a conversation must be, whichever operation it came by.
//!
//! Messages are AWS's as far as they are known; a check whose message isn't known has one of our own.

use crate::config::ModelException;
use crate::error::ModelError;
use crate::model_id;
use crate::prompt::{Content, Message, Prompt, Role};

/// As many as Anthropic's models and Amazon's take.
const MAX_CACHE_POINTS: usize = 4;

/// Checks a request whose blocks are well formed.
pub(crate) fn check(prompt: &Prompt) -> Result<(), ModelError> {
    check_roles(&prompt.messages)?;
    check_reasoning(prompt)?;
    check_tools(prompt)?;
    check_cache_points(prompt)
}

/// A conversation has messages, begins and ends with the user, and alternates between the roles.
fn check_roles(messages: &[Message]) -> Result<(), ModelError> {
    let (Some(first), Some(last)) = (messages.first(), messages.last()) else {
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
    // Some older models continue an assistant's message. This project never asks for that.
    if last.role != Role::User {
        return Err(ModelError::validation(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ));
    }
    Ok(())
}

/// Reasoning is the assistant's. Models that sign it take it back only with its signature.
fn check_reasoning(prompt: &Prompt) -> Result<(), ModelError> {
    for (at, message) in prompt.messages.iter().enumerate() {
        for (block_at, content) in message.content.iter().enumerate() {
            let (Content::Reasoning { .. } | Content::Redacted(_)) = content else {
                continue;
            };
            if message.role == Role::User {
                return Err(ModelError::validation(format!(
                    "The ContentBlock object at messages.{at}.content.{block_at} holds reasoning, which a user message \
                     can't. Remove it and try again."
                )));
            }
            if let Content::Reasoning { signature, .. } = content
                && signature.as_deref().is_none_or(str::is_empty)
                && model_id::signs_reasoning(&prompt.model_id)
            {
                return Err(ModelError::validation(format!(
                    "The model returned the following errors: messages.{at}.content.{block_at}.thinking.signature: \
                     Field required"
                )));
            }
        }
    }
    Ok(())
}

/// Each use of a tool is answered by the next message, and nothing else is.
fn check_tools(prompt: &Prompt) -> Result<(), ModelError> {
    let mut asked: Vec<&str> = Vec::new();
    for (at, message) in prompt.messages.iter().enumerate() {
        let ids = |wanted: fn(&Content) -> Option<&str>| -> Vec<&str> {
            message.content.iter().filter_map(wanted).collect()
        };
        let uses = ids(|content| match content {
            Content::ToolUse { id, .. } => Some(id),
            _ => None,
        });
        let results = ids(|content| match content {
            Content::ToolResult { id, .. } => Some(id),
            _ => None,
        });
        if prompt.tools.is_none() && !(uses.is_empty() && results.is_empty()) {
            return Err(ModelError::validation(
                "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
            ));
        }
        let misplaced = match message.role {
            Role::User => &uses,
            Role::Assistant => &results,
        };
        if !misplaced.is_empty() {
            return Err(ModelError::validation(format!(
                "The message at messages.{at} holds a block of a tool that its role can't have: toolUse blocks are the \
                 assistant's, and toolResult blocks the user's."
            )));
        }
        if (1..uses.len()).any(|later| uses[..later].contains(&uses[later])) {
            return Err(ModelError::validation(format!(
                "The toolUse blocks at messages.{at}.content contain duplicate Ids."
            )));
        }
        let unanswered: Vec<&str> = asked
            .iter()
            .filter(|id| !results.contains(id))
            .copied()
            .collect();
        if !unanswered.is_empty() {
            return Err(ModelError::validation(format!(
                "Expected toolResult blocks at messages.{at}.content for the following Ids: {}",
                unanswered.join(", ")
            )));
        }
        if results.len() > asked.len() {
            return Err(ModelError::validation(format!(
                "The number of toolResult blocks at messages.{at}.content exceeds the number of toolUse blocks of \
                 previous turn."
            )));
        }
        asked = uses;
    }
    Ok(())
}

/// A cache point follows a block of the same message, or of the system prompt, that can be cached.
fn check_cache_points(prompt: &Prompt) -> Result<(), ModelError> {
    let messages = prompt.messages.iter().map(|message| &message.content);
    let mut count = 0;
    for contents in std::iter::once(&prompt.system).chain(messages) {
        let mut before = None;
        for content in contents {
            if *content == Content::CachePoint {
                count += 1;
                check_cache_point(before)?;
            }
            before = Some(content);
        }
    }
    if count > 0 && !model_id::caches_prompts(&prompt.model_id) {
        return Err(ModelError::new(
            ModelException::AccessDenied,
            "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for \
             more information.",
        ));
    }
    if count > MAX_CACHE_POINTS {
        return Err(ModelError::validation(format!(
            "The model returned the following errors: A maximum of {MAX_CACHE_POINTS} blocks with cache_control may be \
             provided. Found {count}."
        )));
    }
    Ok(())
}

fn check_cache_point(before: Option<&Content>) -> Result<(), ModelError> {
    match before {
        None | Some(Content::CachePoint) => Err(ModelError::validation(
            "There is nothing available to cache.",
        )),
        Some(Content::Reasoning { .. } | Content::Redacted(_)) => Err(ModelError::validation(
            "Cache point cannot be inserted after reasoning block. Please remove the invalid cache point and try again.",
        )),
        Some(_) => Ok(()),
    }
}
