//! The stream of a session's events, and the engine behind it.
//!
//! `engine` is one state machine for every channel. It follows a `transport`, of which `appsync` catches up by snapshots, and
//! `function_url` and `web_socket` replay. What it knows and waits for has a file each: `known`, `start`, `outage`, `catch_up`,
//! `record`; `reader` is told.

mod engine;
mod transport;

mod appsync;
mod function_url;
mod web_socket;

mod catch_up;
mod known;
mod outage;
mod reader;
mod record;
mod start;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use self::appsync::AppSync;
use self::engine::Engine;
use self::function_url::FunctionUrl;
use self::reader::Reader;
use self::web_socket::WebSocket;
use crate::client::{Route, Shared};
use crate::error::Error;
use crate::event::AnswerEvent;
use crate::prompt::Prompt;

/// Events that a slow reader may leave lying before the connection is no longer read.
const BUFFERED_EVENTS: usize = 64;

/// How a stream begins.
pub(crate) enum Begin {
    Start { prompt: Prompt },
    Resume,
}

/// The events of one session. After the last event, or an error, it ends.
///
/// Owns the task that holds the connection: dropping the stream ends it. It is a [`Stream`], too.
///
/// ```no_run
/// # async fn example(client: tokencast_client::Client) -> Result<(), tokencast_client::Error> {
/// use tokencast_client::AnswerEvent;
///
/// let mut answer = client.stream("Why do rivers meander?");
/// let mut text = String::new();
/// while let Some(event) = answer.next().await {
///     match event? {
///         AnswerEvent::Text { text: piece, .. } => text.push_str(&piece),
///         AnswerEvent::Restarted { .. } => text.clear(),
///         AnswerEvent::Failed { message, .. } => eprintln!("{message}"),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AnswerStream {
    session_id: Uuid,
    events: mpsc::Receiver<Result<AnswerEvent, Error>>,
    task: JoinHandle<()>,
}

impl AnswerStream {
    pub(crate) fn spawn(shared: &Arc<Shared>, session_id: Uuid, begin: Begin) -> Self {
        let (sender, events) = mpsc::channel(BUFFERED_EVENTS);
        let reader = Reader::new(session_id, sender);
        let owned = Arc::clone(shared);
        let task = match &shared.route {
            Route::AppSync(endpoint) => {
                let transport = AppSync::new(Arc::clone(shared), endpoint.clone(), session_id);
                tokio::spawn(Engine::new(transport, owned, reader, begin).run())
            }
            Route::FunctionUrl => {
                let transport = FunctionUrl::new(Arc::clone(shared), session_id);
                tokio::spawn(Engine::new(transport, owned, reader, begin).run())
            }
            Route::WebSocket => {
                let transport = WebSocket::new(Arc::clone(shared), session_id);
                tokio::spawn(Engine::new(transport, owned, reader, begin).run())
            }
        };
        Self {
            session_id,
            events,
            task,
        }
    }

    /// The id of the session, which may be handed to another client's [`resume`](crate::Client::resume).
    pub fn session_id(&self) -> Uuid {
        self.session_id
    }

    /// The next event; `None` after the last. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// There is no way to the session's end: it was refused, isn't there, or can't be reached. Nothing follows. A session that
    /// failed is no error, but [`AnswerEvent::Failed`].
    pub async fn next(&mut self) -> Option<Result<AnswerEvent, Error>> {
        self.events.recv().await
    }

    /// Closes the connection, and starts nothing that isn't started yet. What has arrived can still be read.
    pub fn close(&mut self) {
        self.task.abort();
    }
}

impl Stream for AnswerStream {
    type Item = Result<AnswerEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(context)
    }
}

impl Drop for AnswerStream {
    fn drop(&mut self) {
        self.close();
    }
}
