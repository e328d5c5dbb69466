//! Forgets a user: deletes all their conversations, and the text of their sessions outside of conversations.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use thiserror::Error;
use tokencast_core::assistant::Assistant;
use tokencast_core::conversation::page::Token as _;
use tokencast_core::id::{Owner, SessionId};
use tokencast_core::ports::{Applied, Clock, NoConversations, RequestPorts, StoreError, update};
use tokencast_core::requests::{RequestError, Requests, Rules};

use crate::clock::SystemClock;
use crate::conversations::ConversationTable;
use crate::queue::SqsQueue;
use crate::quotas::QuotaTable;
use crate::sessions::{SessionTable, failed, item};

/// The names of what an operator works with.
#[derive(Clone, Debug)]
pub struct ForgetSettings {
    pub queue_url: String,
    pub sessions_table: String,
    pub conversations_table: String,
    /// `None` for a deployment without quotas.
    pub quotas_table: Option<String>,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    pub conversations: usize,
    /// Sessions outside of conversations.
    pub sessions: usize,
}

/// What deleting needs of the rules: how long a purge waits for workers that have sessions of its conversation.
const RULES: Rules = Rules {
    max_prompt_bytes: 0,
    session_ttl: Duration::ZERO,
    start_within: Duration::ZERO,
    conversation_ttl: Duration::ZERO,
    purge_delay: Duration::from_secs(30),
    max_history_tokens: 0,
};

#[derive(Debug, Error)]
pub enum ForgetError {
    #[error("the owner is empty: expected the `sub` of a user")]
    NoOwner,
    #[error("a conversation was not deleted")]
    Conversation(#[from] RequestError),
    #[error("the text of a session was not deleted")]
    Session(#[from] StoreError),
}

/// An operator's tables and queue. Subscribers hear of nothing: their conversations are gone when they read them.
enum OperatorPorts {}

impl RequestPorts for OperatorPorts {
    type Sessions = SessionTable;
    type Conversations = ConversationTable;
    type Queue = SqsQueue;
    type Changes = NoConversations;
    type Clock = SystemClock;
}

/// Forgets a user. The worker deletes the texts of the conversations soon after. Doing it again forgets the rest, after an
/// interruption.
///
/// # Errors
///
/// `owner` is empty, or a table or the queue does not answer.
pub async fn forget(
    sdk: &SdkConfig,
    settings: &ForgetSettings,
    owner: &str,
) -> Result<Forgotten, ForgetError> {
    let owner = &Owner::new(owner).ok_or(ForgetError::NoOwner)?;
    let ForgetSettings {
        queue_url,
        sessions_table,
        conversations_table,
        quotas_table,
    } = settings;
    let quotas = quotas_table.clone();
    let sessions = SessionTable::new(sdk, sessions_table.clone(), conversations_table.clone())
        .with_quotas(quotas.map(|name| QuotaTable::new(sdk, name)));
    let requests = Requests::<OperatorPorts> {
        conversations: ConversationTable::new(sdk, conversations_table.clone(), sessions.clone()),
        sessions,
        queue: SqsQueue::new(sdk, queue_url.clone()),
        changes: NoConversations,
        clock: SystemClock,
        rules: RULES,
        // Nobody starts anything here.
        assistants: Assistant::only(String::new(), 1).into(),
        quotas: None,
    };
    let mut forgotten = Forgotten::default();
    let mut token = None;
    loop {
        let page = requests
            .conversations(owner, Some(100), token.as_deref())
            .await?;
        for conversation in page.conversations {
            requests.delete_conversation(owner, conversation.id).await?;
            forgotten.conversations += 1;
        }
        token = page.next.map(|next| next.to_token());
        if token.is_none() {
            break;
        }
    }
    for id in alone(&Client::new(sdk), sessions_table, owner).await? {
        forget_session(&requests.sessions, owner, id).await?;
        forgotten.sessions += 1;
    }
    Ok(forgotten)
}

/// The user's sessions that are in no conversation, by a scan of the whole table.
async fn alone(client: &Client, table: &str, owner: &Owner) -> Result<Vec<SessionId>, StoreError> {
    const OPERATION: &str = "Scan";
    let mut ids = Vec::new();
    let mut from = None;
    loop {
        let scan = client
            .scan()
            .table_name(table)
            .consistent_read(true)
            .projection_expression("sessionId")
            .filter_expression(
                "#owner = :owner AND attribute_not_exists(conversationId) AND attribute_not_exists(deletedAt)",
            )
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", AttributeValue::S(owner.as_str().to_owned()))
            .set_exclusive_start_key(from);
        let page = scan
            .send()
            .await
            .map_err(|source| failed(OPERATION, source))?;
        for item in page.items.unwrap_or_default() {
            let id = item.get("sessionId").and_then(|id| id.as_s().ok());
            let id = id.and_then(|id| id.parse().ok());
            ids.push(id.ok_or_else(|| failed(OPERATION, item::malformed("sessionId")))?);
        }
        from = page.last_evaluated_key.filter(|key| !key.is_empty());
        if from.is_none() {
            return Ok(ids);
        }
    }
}

async fn forget_session(
    sessions: &SessionTable,
    owner: &Owner,
    id: SessionId,
) -> Result<(), StoreError> {
    let deleted = update(sessions, id, None, |current| {
        let current = current.filter(|session| session.owner == *owner);
        Applied {
            write: current.map(|session| session.delete(SystemClock.now())),
            answer: (),
        }
    });
    let ((), deleted) = deleted.await?;
    match deleted {
        Some(deleted) => sessions.erase(id, deleted.session.last_attempt).await,
        None => Ok(()),
    }
}
