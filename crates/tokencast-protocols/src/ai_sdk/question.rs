//! The session of a chat's question, and its place in the conversation.

use std::time::Duration;

use tokencast_core::block::BlockContent;
use tokencast_core::brought::Brought;
use tokencast_core::id::{ConversationId, Owner, SessionId};
use tokencast_core::ports::{RequestPorts, StoredTurn};
use tokencast_core::requests::{RequestError, Requests, Within};
use tokencast_core::session::Session;

use super::history::{self, Known, Placed};
use super::messages;
use super::request::{AnswerRequest, Trigger};
use crate::ids;
use crate::tries::{self, Try};

/// What a request asks for.
pub enum Question {
    /// The answer to a question that was submitted before. It is running, or has ended well.
    Repeated(Box<Session>),
    New(NewQuestion),
}

/// A question that starts a session.
pub struct NewQuestion {
    pub session_id: SessionId,
    pub within: Within,
    pub brought: Brought,
}

impl Question {
    /// Looks for the question's session, and for the turn that it continues. A turn that is still running is stopped: a
    /// page that asks on has left its answer. This waits for its end, as long as `patience`.
    ///
    /// A question that is submitted again is the same session; after a failure or a stop it is asked anew, once. A
    /// regeneration is always new.
    ///
    /// # Errors
    ///
    /// A session is somebody else's or was deleted, or another assistant answers it; or a table does not answer.
    pub async fn of<P: RequestPorts>(
        requests: &Requests<P>,
        owner: &Owner,
        request: &AnswerRequest,
        patience: Duration,
    ) -> Result<Self, RequestError> {
        let conversation_id = ids::conversation_id(owner, &request.chat_id);
        let session_id = match request.trigger {
            Trigger::Regenerate => SessionId::random(),
            Trigger::Submit => {
                let known = read_back(requests, owner, conversation_id, request).await?;
                let id = known.unwrap_or_else(|| {
                    let texts = request.texts.iter().map(String::as_str);
                    ids::session_id(owner, &request.chat_id, &request.message_id, texts)
                });
                match tries::last(requests, owner, id).await? {
                    Try::Free(id) => id,
                    Try::Taken(found) => {
                        let other = request.assistant.as_deref();
                        let other = other.filter(|&name| !is_answered_by(&found, name));
                        return match other {
                            None => Ok(Self::Repeated(found)),
                            Some(_) => Err(RequestError::OtherInput),
                        };
                    }
                }
            }
        };
        let placed = placed(requests, owner, conversation_id, request, patience).await?;
        let parent_id = placed.parent.unwrap_or_else(|| beginning(conversation_id));
        Ok(Self::New(NewQuestion {
            session_id,
            within: Within {
                conversation_id,
                parent_id: Some(parent_id),
            },
            brought: Brought {
                turns: placed.brought,
                system: request.system.clone(),
                ..Brought::default()
            },
        }))
    }
}

/// The session of a question that comes back as a page has read it; `None` for any other question, and if the page has
/// changed its text.
async fn read_back<P: RequestPorts>(
    requests: &Requests<P>,
    owner: &Owner,
    conversation_id: ConversationId,
    request: &AnswerRequest,
) -> Result<Option<SessionId>, RequestError> {
    let Some(id) = messages::session_of_question(&request.message_id) else {
        return Ok(None);
    };
    let mut turns = requests.chain(owner, conversation_id, id, 1).await?;
    let known = turns.pop().filter(|it| it.turn.session_id == id);
    let is_same = |it: &StoredTurn| it.session.is_some() && it.prompt == request.prompt();
    Ok(known.filter(is_same).map(|_| id))
}

fn is_answered_by(session: &Session, assistant: &str) -> bool {
    session
        .assistant
        .as_ref()
        .is_some_and(|name| name.as_str() == assistant)
}

/// The answer that runs in a chat: that of its newest turn; `None` if that is over.
///
/// # Errors
///
/// A table does not answer.
pub async fn running<P: RequestPorts>(
    requests: &Requests<P>,
    owner: &Owner,
    conversation_id: ConversationId,
) -> Result<Option<Session>, RequestError> {
    let conversation = requests.conversation_record(owner, conversation_id).await?;
    let Some(last) = conversation.and_then(|it| it.last_session) else {
        return Ok(None);
    };
    let session = requests.read(owner, last).await?;
    let is_running = |session: &Session| {
        session.conversation_id == Some(conversation_id) && !session.status.is_terminal()
    };
    Ok(session.filter(is_running))
}

async fn placed<P: RequestPorts>(
    requests: &Requests<P>,
    owner: &Owner,
    conversation_id: ConversationId,
    request: &AnswerRequest,
    patience: Duration,
) -> Result<Placed, RequestError> {
    let said = &request.history;
    let Some(last) = history::last_answer(said) else {
        return Ok(history::place(said, &[]));
    };
    let limit = history::turns_in(said);
    let mut chain = requests.chain(owner, conversation_id, last, limit).await?;
    if let Some(turn) = chain.last_mut()
        && let Some(session) = turn.session.as_mut().filter(|it| !it.status.is_terminal())
    {
        *session = requests.stop_and_wait(owner, session.id, patience).await?;
    }
    let chain: Vec<_> = chain.into_iter().map(known).collect();
    Ok(history::place(said, &chain))
}

fn known(turn: StoredTurn) -> Known {
    let StoredTurn {
        turn,
        prompt,
        session,
    } = turn;
    let answers = session.map_or_else(Vec::new, |session| {
        let blocks = session.blocks();
        let by_blocks = blocks.iter().map(|block| match &block.content {
            BlockContent::Text { text } => text.as_str(),
            _ => "",
        });
        let by_blocks = by_blocks.collect();
        vec![session.text, by_blocks]
    });
    Known {
        session_id: turn.session_id,
        prompt,
        answers,
    }
}

/// The id that stands for a conversation's beginning: its own.
fn beginning(conversation_id: ConversationId) -> SessionId {
    let id = conversation_id.as_str().parse();
    id.expect("a conversation's id is a UUID, as a session's")
}
