//! A conversation as messages, for a page that loads: the branch of the newest turn.
//!
//! An answer that isn't over isn't among them: the page resumes it, and gets it from its beginning.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokencast_core::block::{Block, BlockContent, BlockIndex, ToolResult, ToolUse};
use tokencast_core::conversation::MAX_TURNS;
use tokencast_core::id::{ConversationId, Owner, SessionId};
use tokencast_core::ports::RequestPorts;
use tokencast_core::requests::{RequestError, Requests};
use tokencast_core::session::{Session, Status};

use super::chunks::{NO_JSON, parsed, source_part};
use crate::tool_calls::ToolCalls;

/// The messages of a chat, oldest first; none of a chat that isn't there.
///
/// # Errors
///
/// A table does not answer.
pub async fn of_conversation<P: RequestPorts>(
    requests: &Requests<P>,
    owner: &Owner,
    id: ConversationId,
) -> Result<Vec<Value>, RequestError> {
    let conversation = requests.conversation_record(owner, id).await?;
    let Some(last) = conversation.and_then(|it| it.last_session) else {
        return Ok(Vec::new());
    };
    let turns = requests.chain(owner, id, last, MAX_TURNS as usize).await?;
    let messages = turns.iter().flat_map(|turn| {
        let session_id = turn.turn.session_id;
        let ended = turn.session.as_ref().filter(|it| it.status.is_terminal());
        let answer = ended.map(|session| {
            let mut message = answer(session_id, &session.blocks());
            if let Some(metadata) = metadata(session) {
                message["metadata"] = metadata;
            }
            message
        });
        std::iter::once(question(session_id, &turn.prompt)).chain(answer)
    });
    Ok(messages.collect())
}

/// What comes before the session in the id of its question.
const QUESTION: &str = "question-";

/// The session whose question has this id; `None` for an id that a page has made.
pub fn session_of_question(message_id: &str) -> Option<SessionId> {
    message_id.strip_prefix(QUESTION)?.parse().ok()
}

/// The message of a question.
pub fn question(session_id: SessionId, prompt: &str) -> Value {
    json!({
        "id": format!("{QUESTION}{session_id}"),
        "role": "user",
        "parts": [{ "type": "text", "text": prompt }],
    })
}

/// The message of an answer that is over.
pub fn answer(session_id: SessionId, blocks: &[Block]) -> Value {
    let calls = calls(blocks);
    let parts = blocks
        .iter()
        .filter_map(|block| part(session_id, block, &calls));
    let parts: Vec<_> = [json!({ "type": "step-start" })]
        .into_iter()
        .chain(parts)
        .collect();
    json!({ "id": session_id, "role": "assistant", "parts": parts })
}

/// How an answer ended that is not complete: parts have no words for that.
fn metadata(session: &Session) -> Option<Value> {
    let status = session.status.as_str();
    match (session.status, &session.ending.failure) {
        (Status::Failed, Some(failure)) => Some(json!({
            "status": status,
            "error": { "code": failure.code, "message": failure.message },
        })),
        (Status::Failed | Status::Cancelled, _) => Some(json!({ "status": status })),
        _ => None,
    }
}

/// A call of a tool.
struct Call<'a> {
    id: Arc<str>,
    tool_use: &'a ToolUse,
    /// The last one that came behind it.
    result: Option<&'a ToolResult>,
}

/// The calls of an answer, by block.
fn calls(blocks: &[Block]) -> HashMap<BlockIndex, Call<'_>> {
    let mut ids = ToolCalls::default();
    let mut blocks_by_id: HashMap<Arc<str>, BlockIndex> = HashMap::new();
    let mut calls: HashMap<BlockIndex, Call<'_>> = HashMap::new();
    for block in blocks {
        match &block.content {
            BlockContent::ToolUse { tool_use } => {
                let id = ids.of_use(block.index, &tool_use.tool_use_id);
                blocks_by_id.insert(Arc::clone(&id), block.index);
                let call = Call {
                    id,
                    tool_use,
                    result: None,
                };
                calls.insert(block.index, call);
            }
            BlockContent::ToolResult { tool_result } => {
                let id = ids.of_result(&tool_result.tool_use_id);
                let block = id.and_then(|id| blocks_by_id.get(&id));
                if let Some(call) = block.and_then(|block| calls.get_mut(block)) {
                    call.result = Some(tool_result);
                }
            }
            _ => {}
        }
    }
    calls
}

fn part(
    session_id: SessionId,
    block: &Block,
    calls: &HashMap<BlockIndex, Call<'_>>,
) -> Option<Value> {
    match &block.content {
        BlockContent::Text { text } => {
            Some(json!({ "type": "text", "text": text, "state": "done" }))
        }
        BlockContent::Reasoning { reasoning } => {
            Some(json!({ "type": "reasoning", "text": reasoning, "state": "done" }))
        }
        BlockContent::Citation { citation } => Some(source_part(session_id, block.index, citation)),
        BlockContent::ToolUse { .. } => calls.get(&block.index).map(tool),
        // With its use.
        BlockContent::ToolResult { .. } => None,
    }
}

fn tool(call: &Call<'_>) -> Value {
    let Call {
        id,
        tool_use,
        result,
    } = call;
    let text = tool_use.input.as_deref().unwrap_or_default();
    let input = parsed(text);
    let is_json = input.is_some();
    let mut part = json!({
        "type": "dynamic-tool",
        "toolCallId": id,
        "toolName": tool_use.name,
        // As it is, if it is no JSON.
        "input": input.unwrap_or_else(|| text.into()),
        "providerExecuted": true,
    });
    let output = result.map(|result| result.content.clone().unwrap_or_default());
    let is_error = result.is_some_and(|result| result.status.as_deref() == Some("error"));
    match output {
        None if is_json => part["state"] = "input-available".into(),
        None => {
            part["state"] = "output-error".into();
            part["errorText"] = NO_JSON.into();
        }
        Some(text) if is_error => {
            part["state"] = "output-error".into();
            part["errorText"] = text.into();
        }
        Some(output) => {
            part["state"] = "output-available".into();
            part["output"] = output.into();
        }
    }
    part
}

#[cfg(test)]
mod tests;
