//! The stream of a session's events, and the tasks behind it: one for each channel.

mod appsync;
mod catch_up;
mod function_url;
mod listener;
mod record;
mod tell;
mod web_socket;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use self::listener::Listener;
use crate::client::{Route, Shared};
use crate::error::Error;
use crate::event::AnswerEvent;

/// Events that a slow reader may leave lying before the connection is no longer read.
const BUFFERED_EVENTS: usize = 64;

/// How a stream begins.
pub(crate) enum Begin {
    Start { prompt: String },
    Resume,
}

/// The events of one session. After the last event, or an error, it ends.
///
/// Owns the task that holds the connection: dropping the stream ends it.
#[derive(Debug)]
pub struct AnswerStream {
    session_id: Uuid,
    events: mpsc::Receiver<Result<AnswerEvent, Error>>,
    task: JoinHandle<()>,
}

impl AnswerStream {
    pub(crate) fn spawn(shared: &Arc<Shared>, session_id: Uuid, begin: Begin) -> Self {
        let (sender, events) = mpsc::channel(BUFFERED_EVENTS);
        let listener = Listener::new(shared.clone(), session_id, sender);
        let task = match &shared.route {
            Route::AppSync(endpoint) => {
                tokio::spawn(appsync::Task::new(listener).run(endpoint.clone(), begin))
            }
            Route::FunctionUrl => tokio::spawn(function_url::Task::new(listener, begin).run()),
            Route::WebSocket => tokio::spawn(web_socket::Task::new(listener, begin).run()),
        };
        Self {
            session_id,
            events,
            task,
        }
    }

    pub fn session_id(&self) -> Uuid {
        self.session_id
    }

    /// The next event; `None` after the last. Dropping the future loses nothing.
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
