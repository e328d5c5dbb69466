//! Sessions and conversations as JSON, with the fields of `schema.graphql`.

use serde::Serialize;
use tokencast_core::assistant::{Assistants, Cost};
use tokencast_core::block::Block;
use tokencast_core::conversation::Conversation;
use tokencast_core::conversation::page::{InConversation, Token as _};
use tokencast_core::event::{Guardrail, Usage};
use tokencast_core::ports::{ConversationPage, StoredTurn};
use tokencast_core::quota::{Exceeded, LimitName, LimitUse, UsageReport};
use tokencast_core::requests::TurnPage;
use tokencast_core::session::{Session, Status};

use crate::clock::iso8601;

/// The most that an answer with turns takes. AppSync's limit is 5 MB, and Lambda's 6 MB.
const MAX_PAGE_BYTES: usize = 4_000_000;

/// `Stream` of the schema.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamJson {
    session_id: String,
    status: Status,
    text: String,
    blocks: Vec<Block>,
    reasoning_ms: Option<u32>,
    sequence: u32,
    attempt: u32,
    stop_reason: Option<String>,
    usage: Option<Usage>,
    error: Option<StreamError>,
    waiting: Option<StreamWaiting>,
    conversation_id: Option<String>,
    parent_id: Option<String>,
    assistant: Option<String>,
    guardrail: Option<Guardrail>,
    created_at: String,
    updated_at: String,
}

/// `StreamError` of the schema.
#[derive(Debug, Serialize)]
struct StreamError {
    code: &'static str,
    message: String,
    retryable: bool,
}

/// `StreamWaiting` of the schema.
#[derive(Debug, Serialize)]
struct StreamWaiting {
    reason: &'static str,
    since: String,
}

impl From<Session> for StreamJson {
    fn from(session: Session) -> Self {
        let waiting = session.waiting().map(|waiting| StreamWaiting {
            reason: waiting.reason.as_str(),
            since: iso8601(waiting.since),
        });
        Self {
            session_id: session.id.to_string(),
            status: session.status,
            blocks: session.blocks(),
            text: session.text,
            reasoning_ms: session.reasoning_ms,
            sequence: session.sequence.0,
            attempt: session.attempt.0,
            stop_reason: session.ending.stop_reason,
            usage: session.ending.usage,
            error: session.ending.failure.map(|failure| StreamError {
                code: failure.code.as_str(),
                retryable: failure.retryable(),
                message: failure.message,
            }),
            waiting,
            conversation_id: session.conversation_id.map(|id| id.to_string()),
            parent_id: session.parent_id.map(|id| id.to_string()),
            assistant: session.assistant.map(String::from),
            guardrail: session.ending.guardrail,
            created_at: iso8601(session.created_at),
            updated_at: iso8601(session.updated_at),
        }
    }
}

/// `Assistant` of the schema: nothing of its model or its instructions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssistantJson {
    name: String,
    title: Option<String>,
    description: Option<String>,
    is_default: bool,
    reasons: bool,
    max_tokens: u32,
}

impl AssistantJson {
    /// All assistants, in the order of their names.
    pub fn all(assistants: &Assistants) -> Vec<Self> {
        let all = assistants.iter().map(|assistant| Self {
            name: assistant.name.to_string(),
            title: assistant.title.clone(),
            description: assistant.description.clone(),
            is_default: assistants.is_default(assistant),
            reasons: assistant.reasoning.is_some(),
            max_tokens: assistant.max_tokens,
        });
        all.collect()
    }
}

/// `Conversation` of the schema.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationJson {
    conversation_id: String,
    title: String,
    last_session_id: Option<String>,
    turn_count: u32,
    assistant: Option<String>,
    usage: Option<Usage>,
    turns: Option<Vec<TurnJson>>,
    next_token: Option<String>,
    created_at: String,
    updated_at: String,
}

/// `Turn` of the schema.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TurnJson {
    session_id: String,
    parent_id: Option<String>,
    prompt: String,
    stream: Option<StreamJson>,
    created_at: String,
}

/// `ConversationList` of the schema.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationListJson {
    items: Vec<ConversationJson>,
    next_token: Option<String>,
}

/// `Usage` of the schema: what a caller has used of a day's quota.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageJson {
    day: String,
    resets_at: String,
    starts_per_minute: LimitJson,
    starts_per_day: LimitJson,
    tokens_per_day: LimitJson,
    sessions_at_once: LimitJson,
    cost: Option<Cost>,
}

/// `UsageLimit` of the schema. A GraphQL `Int` has 32 bits.
#[derive(Debug, Serialize)]
struct LimitJson {
    used: i32,
    limit: Option<i32>,
    left: Option<i32>,
}

impl From<UsageReport> for UsageJson {
    fn from(report: UsageReport) -> Self {
        Self {
            day: report.day.to_string(),
            resets_at: iso8601(report.resets_at),
            starts_per_minute: report.starts_per_minute.into(),
            starts_per_day: report.starts_per_day.into(),
            tokens_per_day: report.tokens_per_day.into(),
            sessions_at_once: report.sessions_at_once.into(),
            cost: report.cost,
        }
    }
}

/// What a refusal says of the quota that it is about.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExceededJson {
    limit: LimitName,
    resets_at: String,
}

impl From<&Exceeded> for ExceededJson {
    fn from(exceeded: &Exceeded) -> Self {
        Self {
            limit: exceeded.limit,
            resets_at: iso8601(exceeded.resets_at),
        }
    }
}

impl From<LimitUse> for LimitJson {
    fn from(limit: LimitUse) -> Self {
        let int = |number: u64| i32::try_from(number).unwrap_or(i32::MAX);
        Self {
            used: int(limit.used),
            limit: limit.limit.map(|limit| int(limit.into())),
            left: limit.left().map(int),
        }
    }
}

impl From<Conversation> for ConversationJson {
    fn from(conversation: Conversation) -> Self {
        Self {
            conversation_id: conversation.id.to_string(),
            title: conversation.title,
            last_session_id: conversation.last_session.map(|id| id.to_string()),
            turn_count: conversation.turn_count,
            assistant: conversation.assistant.map(String::from),
            usage: None,
            turns: None,
            next_token: None,
            created_at: iso8601(conversation.created_at),
            updated_at: iso8601(conversation.updated_at),
        }
    }
}

impl From<ConversationPage> for ConversationListJson {
    fn from(page: ConversationPage) -> Self {
        let items = page.conversations.into_iter();
        Self {
            items: items.map(ConversationJson::from).collect(),
            next_token: page.next.map(|next| next.to_token()),
        }
    }
}

impl From<TurnPage> for ConversationJson {
    /// Cuts the page where it would be too long for an answer. It has one turn at least.
    fn from(mut page: TurnPage) -> Self {
        let positions: Vec<_> = page.turns.iter().map(|it| it.turn.position()).collect();
        let (mut turns, mut bytes) = (Vec::new(), 0);
        for stored in page.turns.drain(..) {
            let turn = TurnJson::from(stored);
            let length = serde_json::to_string(&turn).map_or(0, |json| json.len());
            bytes += length;
            if bytes > MAX_PAGE_BYTES && !turns.is_empty() {
                break;
            }
            turns.push(turn);
        }
        let is_end = turns.len() == positions.len() && !page.has_more;
        let last = turns.len().checked_sub(1).and_then(|at| positions.get(at));
        let next = last.filter(|_| !is_end).map(|&position| InConversation {
            conversation_id: page.conversation.id,
            position,
        });
        Self {
            next_token: next.map(|next| next.to_token()),
            turns: Some(turns),
            usage: page.usage,
            ..Self::from(page.conversation)
        }
    }
}

impl From<StoredTurn> for TurnJson {
    fn from(stored: StoredTurn) -> Self {
        Self {
            session_id: stored.turn.session_id.to_string(),
            parent_id: stored.turn.parent.map(|id| id.to_string()),
            prompt: stored.prompt,
            stream: stored.session.map(StreamJson::from),
            created_at: iso8601(stored.turn.created_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;
    use tokencast_core::conversation::{Added, TurnHead};
    use tokencast_core::id::{ConversationId, Owner, SessionId};
    use tokencast_core::time::Timestamp;

    use super::*;

    /// A page of turns with prompts of this text.
    fn page(prompts: &[String], has_more: bool) -> TurnPage {
        let owner = Owner::new("me").expect("not empty");
        let added = Added {
            session_id: SessionId::random(),
            prompt: "Why?",
            assistant: None,
            ttl: Duration::from_hours(1),
        };
        let id = ConversationId::random();
        let conversation = Conversation::add_turn(None, id, &owner, added, Timestamp::EPOCH);
        let turns = prompts.iter().zip(0..).map(|(prompt, at)| {
            let now = Timestamp::from_millis(at);
            StoredTurn {
                turn: TurnHead::new(SessionId::random(), None, prompt, Timestamp::MAX, now),
                prompt: prompt.clone(),
                session: None,
            }
        });
        TurnPage {
            conversation: conversation.expect("new"),
            turns: turns.collect(),
            usage: None,
            has_more,
        }
    }

    /// How many turns are shown of a page, and whether there is a next one.
    fn shown(page: TurnPage) -> (usize, bool) {
        let json = serde_json::to_string(&ConversationJson::from(page)).expect("JSON");
        let read: Value = serde_json::from_str(&json).expect("JSON");
        let count = read["turns"].as_array().map_or(0, Vec::len);
        (count, read["nextToken"].is_string())
    }

    #[test]
    fn a_page_is_cut_where_it_would_be_too_long() {
        let small = || vec!["x".to_owned(); 3];
        assert_eq!(shown(page(&small(), false)), (3, false));
        assert_eq!(shown(page(&small(), true)), (3, true));
        assert_eq!(shown(page(&[], false)), (0, false));
        // As JSON, a control character takes six bytes.
        let escaped = vec!["\u{1}".repeat(300_000); 3];
        assert_eq!(shown(page(&escaped, false)), (2, true));
        let long = vec!["\u{1}".repeat(1_000_000); 2];
        assert_eq!(shown(page(&long, false)), (1, true));
    }
}
