//! A turn's head, and its prompt, as items.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use serde::{Deserialize, Serialize};
use tokencast_core::assistant::Cost;
use tokencast_core::conversation::{ShortPrompt, TurnHead};
use tokencast_core::event::Usage;
use tokencast_core::id::{ConversationId, SessionId};
use tokencast_core::ports::StoreError;
use tokencast_core::session::{Session, Status};
use tokencast_core::time::Timestamp;

use super::{KEY, SORT_KEY};
use crate::sessions::failed;
use crate::sessions::item::{Item, MalformedItem, malformed, of_item, to_item};

/// What the sort keys of turns' heads begin with.
pub(crate) const TURN: &str = "turn#";

/// The most of a prompt that one item has: `DynamoDB` takes 400 KB.
const MAX_PROMPT_BYTES: usize = 300_000;

/// The longest character, in bytes. A part of a prompt may be shorter by that, so that it ends with a character.
const MAX_CHAR_BYTES: usize = 4;

/// The attributes of a turn's head. `createdAt` is in milliseconds since the Unix epoch, `expiresAt` in seconds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    conversation_id: ConversationId,
    item: String,
    session_id: SessionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent_id: Option<SessionId>,
    created_at: Timestamp,
    prompt_bytes: usize,
    /// Absent where the prompt has items of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prompt: Option<String>,
    status: Status,
    /// Tokens are 0 where the model counted none.
    #[serde(default)]
    input_tokens: u32,
    #[serde(default)]
    output_tokens: u32,
    #[serde(default)]
    total_tokens: u32,
    #[serde(default)]
    cache_read: u32,
    #[serde(default)]
    cache_write: u32,
    /// In micro-dollars; absent where the model has no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost: Option<u64>,
    #[serde(default)]
    answer_bytes: usize,
    #[serde(default)]
    is_blocked: bool,
    expires_at: i64,
}

/// A part of a prompt.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    conversation_id: ConversationId,
    item: String,
    text: String,
    expires_at: i64,
}

pub(super) fn sort_key(session_id: SessionId) -> String {
    format!("{TURN}{session_id}")
}

/// The sort keys of all items that the prompt of a turn may have: none if it stands with the head.
pub(super) fn prompt_sort_keys(turn: &TurnHead) -> impl Iterator<Item = String> + use<> {
    let (session_id, bytes) = (turn.session_id, turn.prompt_bytes);
    let parts = match turn.short_prompt {
        Some(_) => 0,
        None => bytes.div_ceil(MAX_PROMPT_BYTES - MAX_CHAR_BYTES).max(1),
    };
    (0..parts).map(move |part| format!("prompt#{session_id}#{part}"))
}

pub(super) fn write(id: ConversationId, turn: &TurnHead) -> Item {
    let usage = turn.usage.unwrap_or_default();
    to_item(&Head {
        conversation_id: id,
        item: sort_key(turn.session_id),
        session_id: turn.session_id,
        parent_id: turn.parent,
        created_at: turn.created_at,
        prompt_bytes: turn.prompt_bytes,
        prompt: turn.short_prompt.clone().map(ShortPrompt::into_string),
        status: turn.status,
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        total_tokens: usage.total_tokens,
        cache_read: usage.cache_read_input_tokens.unwrap_or_default(),
        cache_write: usage.cache_write_input_tokens.unwrap_or_default(),
        cost: usage.cost.map(Cost::as_micros),
        answer_bytes: turn.answer_bytes,
        is_blocked: turn.is_blocked,
        expires_at: turn.expires_at.as_secs(),
    })
}

pub(super) fn read(item: &Item) -> Result<TurnHead, MalformedItem> {
    let head: Head = of_item(item)?;
    Ok(TurnHead {
        session_id: head.session_id,
        parent: head.parent_id,
        created_at: head.created_at,
        prompt_bytes: head.prompt_bytes,
        status: head.status,
        usage: usage(&head),
        short_prompt: head.prompt.as_deref().and_then(ShortPrompt::of),
        answer_bytes: head.answer_bytes,
        is_blocked: head.is_blocked,
        expires_at: Timestamp::from_secs(head.expires_at),
    })
}

/// The items of a prompt that doesn't stand with the head, cut between characters.
pub(super) fn write_prompt(id: ConversationId, turn: &TurnHead, prompt: &str) -> Vec<Item> {
    let mut rest = prompt;
    let parts = prompt_sort_keys(turn).map(|item| {
        let mut end = rest.len().min(MAX_PROMPT_BYTES);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (text, behind) = rest.split_at(end);
        rest = behind;
        let text = text.to_owned();
        let expires_at = turn.expires_at.as_secs();
        Part {
            conversation_id: id,
            item,
            text,
            expires_at,
        }
    });
    let parts = parts.enumerate();
    let written = parts.filter(|(at, part)| *at == 0 || !part.text.is_empty());
    written.map(|(_, part)| to_item(&part)).collect()
}

/// The prompt of a turn, joined from its items if it has some. A prompt that is gone as a whole, because its turn is being
/// deleted, is empty.
pub(super) fn read_prompt(
    turn: &TurnHead,
    parts: impl Iterator<Item = Item>,
) -> Result<String, MalformedItem> {
    if let Some(short) = &turn.short_prompt {
        return Ok(short.as_str().to_owned());
    }
    let bytes = turn.prompt_bytes;
    let mut prompt = String::with_capacity(bytes);
    for part in parts {
        let part: Part = of_item(&part)?;
        prompt.push_str(&part.text);
    }
    if !prompt.is_empty() && prompt.len() != bytes {
        return Err(malformed("text"));
    }
    Ok(prompt)
}

/// The write of how a turn's session stands. It fails if the turn is gone.
pub(crate) fn end(
    table: &str,
    id: ConversationId,
    session: &Session,
) -> Result<TransactWriteItem, StoreError> {
    let usage = session.ending.usage.unwrap_or_default();
    let number = |number: u64| AttributeValue::N(number.to_string());
    let cached = |tokens: Option<u32>| number(tokens.unwrap_or_default().into());
    let cost = usage.cost.map(Cost::as_micros);
    let cost = cost.map_or(AttributeValue::Null(true), number);
    let update = Update::builder()
        .table_name(table)
        .key(KEY, AttributeValue::S(id.to_string()))
        .key(SORT_KEY, AttributeValue::S(sort_key(session.id)))
        .condition_expression("attribute_exists(#key)")
        .update_expression(
            "SET #status = :status, answerBytes = :bytes, inputTokens = :input, \
             outputTokens = :output, totalTokens = :total, cacheRead = :read, cacheWrite = :write, \
             isBlocked = :blocked, cost = :cost",
        )
        .expression_attribute_names("#key", KEY)
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(
            ":status",
            AttributeValue::S(session.status.as_str().to_owned()),
        )
        .expression_attribute_values(":bytes", number(session.text.len() as u64))
        .expression_attribute_values(
            ":blocked",
            AttributeValue::Bool(session.ending.is_blocked()),
        )
        .expression_attribute_values(":input", number(usage.input_tokens.into()))
        .expression_attribute_values(":output", number(usage.output_tokens.into()))
        .expression_attribute_values(":total", number(usage.total_tokens.into()))
        .expression_attribute_values(":read", cached(usage.cache_read_input_tokens))
        .expression_attribute_values(":write", cached(usage.cache_write_input_tokens))
        .expression_attribute_values(":cost", cost);
    let update = update.build().map_err(|source| failed("Update", source))?;
    Ok(TransactWriteItem::builder().update(update).build())
}

fn usage(head: &Head) -> Option<Usage> {
    let some = |tokens: u32| (tokens > 0).then_some(tokens);
    (head.total_tokens > 0).then(|| Usage {
        input_tokens: head.input_tokens,
        output_tokens: head.output_tokens,
        total_tokens: head.total_tokens,
        cache_read_input_tokens: some(head.cache_read),
        cache_write_input_tokens: some(head.cache_write),
        cost: head.cost.map(Cost::of_micros),
    })
}

#[cfg(test)]
mod tests {
    use tokencast_core::conversation::MAX_SHORT_PROMPT_BYTES;

    use super::*;

    fn turn(prompt: &str) -> TurnHead {
        let now = Timestamp::from_millis(1_767_312_000_123);
        TurnHead::new(
            SessionId::random(),
            None,
            prompt,
            Timestamp::from_secs(9),
            now,
        )
    }

    #[test]
    fn a_head_reads_back_as_written() {
        let usage = Usage {
            input_tokens: 1,
            output_tokens: 2,
            total_tokens: 3,
            cache_read_input_tokens: Some(4),
            cache_write_input_tokens: None,
            cost: Some(Cost::of_micros(5)),
        };
        for (parent, usage) in [(None, None), (Some(SessionId::random()), Some(usage))] {
            let turn = TurnHead {
                parent,
                usage,
                status: Status::Completed,
                answer_bytes: 7,
                is_blocked: parent.is_some(),
                ..turn("Why?")
            };
            let item = write(ConversationId::random(), &turn);
            assert_eq!(read(&item).expect("reads"), turn);
        }
    }

    #[test]
    fn a_short_prompt_stands_with_the_head_and_a_longer_one_has_items_of_its_own() {
        for prompt in [
            String::new(),
            "Why?".to_owned(),
            "x".repeat(MAX_SHORT_PROMPT_BYTES),
            "x".repeat(MAX_SHORT_PROMPT_BYTES + 1),
            "x".repeat(MAX_PROMPT_BYTES),
            "x".repeat(MAX_PROMPT_BYTES + 1),
            format!("x{}", "🦀".repeat(130_000)),
        ] {
            let id = ConversationId::random();
            let turn = turn(&prompt);
            let head = write(id, &turn);
            let items = write_prompt(id, &turn, &prompt);
            let keys = prompt_sort_keys(&turn).count();
            let is_short = prompt.len() <= MAX_SHORT_PROMPT_BYTES;
            assert_eq!(head.contains_key("prompt"), is_short);
            assert_eq!(items.is_empty(), is_short);
            assert!(items.len() <= keys, "{} of {keys}", items.len());
            let turn = read(&head).expect("reads");
            let joined = read_prompt(&turn, items.into_iter()).expect("reads");
            assert!(joined == prompt);
        }
    }

    #[test]
    fn a_prompt_without_one_of_its_items_is_malformed_and_one_without_any_is_gone() {
        let prompt = "x".repeat(MAX_PROMPT_BYTES + 1);
        let turn = turn(&prompt);
        let mut items = write_prompt(ConversationId::random(), &turn, &prompt);
        items.pop().expect("two items");
        read_prompt(&turn, items.into_iter()).expect_err("a part is missing");
        let gone = read_prompt(&turn, std::iter::empty()).expect("reads");
        assert_eq!(gone, "");
    }

    /// A head with a prompt from before short prompts stood with it.
    #[test]
    fn a_short_prompt_may_have_an_item_of_its_own() {
        let id = ConversationId::random();
        let apart = TurnHead {
            short_prompt: None,
            ..turn("Why?")
        };
        let turn = read(&write(id, &apart)).expect("reads");
        let items = write_prompt(id, &turn, "Why?");
        assert_eq!((items.len(), prompt_sort_keys(&turn).count()), (1, 1));
        assert_eq!(
            read_prompt(&turn, items.into_iter()).expect("reads"),
            "Why?"
        );
    }
}
