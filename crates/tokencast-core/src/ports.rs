//! Traits for everything outside the core: the model, the sink, the session table, the queue and the clock.

use std::future::Future;
use std::time::Duration;

use thiserror::Error;

use crate::block::Piece;
use crate::event::{Guardrail, TokenEvent, Usage};
use crate::failure::Failure;
use crate::job::{Job, Purge};
use crate::session::{Progress, Session};
use crate::time::{Deadline, Timestamp};

mod conversations;
mod fence;
mod ledgers;
mod model_request;
mod no_conversations;
mod store;

pub use conversations::{
    ConversationConflict, ConversationPage, ConversationSink, ConversationStore, ListPosition,
    NewTurn, StoredTurn, VersionedConversation, update_conversation,
};
pub use fence::Fence;
pub use ledgers::{LedgerStore, LedgerWrite, Standing, VersionedLedger};
pub use model_request::{ModelRequest, ModelTurn, Role};
pub use no_conversations::NoConversations;
pub(crate) use store::MAX_CONFLICTS;
pub use store::{Applied, Conflict, Sealed, SessionStore, StoreError, Version, Versioned, update};

/// The types that an answer is delivered with. Code that works with all of them has one type parameter in place of
/// five.
///
/// ```
/// use tokencast_core::ports::{
///     Clock, ConversationSink, ConversationStore, Model, Ports, Receipt, SessionStore, TokenSink,
/// };
///
/// struct Adapters<M, K, S, V, H, R, C>(M, K, S, V, H, R, C);
///
/// impl<M, K, S, V, H, R, C> Ports for Adapters<M, K, S, V, H, R, C>
/// where
///     M: Model,
///     K: TokenSink,
///     S: SessionStore,
///     V: ConversationStore,
///     H: ConversationSink,
///     R: Receipt,
///     C: Clock,
/// {
///     type Model = M;
///     type Sink = K;
///     type Store = S;
///     type Conversations = V;
///     type Changes = H;
///     type Receipt = R;
///     type Clock = C;
/// }
/// ```
pub trait Ports {
    type Model: Model;
    /// Where the answer's events go.
    type Sink: TokenSink;
    type Store: SessionStore;
    type Conversations: ConversationStore;
    /// Who hears of a conversation's changes.
    type Changes: ConversationSink;
    /// The receipt of the message that asks for the answer.
    type Receipt: Receipt;
    type Clock: Clock;
}

/// The types that owners' requests are answered with.
pub trait RequestPorts {
    type Sessions: SessionStore;
    type Conversations: ConversationStore;
    type Queue: JobQueue;
    /// Who hears of a conversation's changes.
    type Changes: ConversationSink;
    type Clock: Clock;
}

/// What time it is.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// A language model.
pub trait Model: Send + Sync {
    type Tokens: TokenSource;

    /// Starts the answer to a request.
    ///
    /// # Errors
    ///
    /// What the model says against the request, or why it was not reached.
    fn start(
        &self,
        request: &ModelRequest,
    ) -> impl Future<Output = Result<Self::Tokens, Failure>> + Send;
}

/// An answer as it comes. Dropping it ends the request to the model.
pub trait TokenSource: Send {
    /// The next event; `None` once the stream is over. Cancel-safe: a call that is dropped loses no event.
    ///
    /// # Errors
    ///
    /// The stream broke off, or the model ended it with a failure.
    fn next(&mut self) -> impl Future<Output = Result<Option<ModelEvent>, Failure>> + Send;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelEvent {
    /// A piece of the answer. An empty one only shows that the model is alive.
    Piece(Piece),
    /// The model has sent something that is no part of the answer.
    Alive,
    /// Why the model stopped, in its own words.
    Stopped(String),
    Usage(Usage),
    /// What a guardrail did to the prompt or the answer.
    Guardrail(Guardrail),
}

/// Where events go.
pub trait TokenSink: Send + Sync {
    /// Delivers one event. Tries again while that makes sense, the fence holds, and `deadline` has not passed.
    ///
    /// # Errors
    ///
    /// The event was not delivered, or the fence has fallen.
    fn publish(
        &self,
        event: &TokenEvent,
        fence: &Fence,
        deadline: Deadline,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Called whenever the session's record was read or written. Every event that is published after this call follows
    /// `progress`. `fence` says until when the sink may send. A sink that pushes to the record's followers learns of
    /// them here.
    fn on_record_changed(&self, session: &Session, progress: &Progress, fence: &Fence) {
        let _ = (session, progress, fence);
    }
}

/// Where jobs wait.
pub trait JobQueue: Send + Sync {
    /// Adds a job that is received after this long at the earliest.
    ///
    /// # Errors
    ///
    /// The queue did not take the job.
    fn send_after(
        &self,
        job: &Job,
        delay: Duration,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Adds a purge that is received after this long at the earliest.
    ///
    /// # Errors
    ///
    /// The queue did not take the purge.
    fn send_purge(
        &self,
        purge: &Purge,
        delay: Duration,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// # Errors
    ///
    /// The queue did not take the job.
    fn send(&self, job: &Job) -> impl Future<Output = Result<(), QueueError>> + Send {
        self.send_after(job, Duration::ZERO)
    }
}

/// The receipt of one received message.
pub trait Receipt: Send + Sync {
    /// Keeps the message from others for this long from now, rounded up to seconds; zero gives it back at once.
    ///
    /// # Errors
    ///
    /// The queue did not take the change; the message comes back when its visibility ends.
    fn extend_visibility(
        &self,
        by: Duration,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;
}

#[derive(Debug, Error)]
#[error("queue: {operation} failed")]
pub struct QueueError {
    pub operation: &'static str,
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
