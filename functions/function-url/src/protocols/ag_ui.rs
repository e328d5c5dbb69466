//! `POST /ag-ui`: what `HttpAgent` of AG-UI asks for.

use std::sync::Arc;

use bytes::Bytes;
use tokencast_core::event::TokenEvent;
use tokencast_core::quota::Caller;
use tokencast_core::time::Timestamp;
use tokencast_protocols::ag_ui::events::{Events, Run};
use tokencast_protocols::ag_ui::request::RunRequest;

use super::{Writer, frames};
use crate::body::BrokenOff;
use crate::error::UrlError;
use crate::event::UrlEvent;
use crate::handle::FunctionUrl;
use crate::reply::Reply;

/// The path.
pub const PATH: &str = "ag-ui";

impl FunctionUrl {
    /// Answers the last message of a thread.
    pub(crate) async fn run_agent(
        self: &Arc<Self>,
        caller: Caller,
        event: &UrlEvent,
        killed_at: Timestamp,
    ) -> Result<Reply, UrlError> {
        let body = event.body().unwrap_or_default();
        let RunRequest {
            thread_id,
            run_id,
            reads_version_1,
            messages,
            chat,
        } = RunRequest::read(&body)?;
        let words = |session_id| {
            let run = Run {
                thread_id,
                run_id,
                session_id,
                reads_version_1,
            };
            RunEvents(Events::new(run, messages))
        };
        self.ask(caller, &chat, words, killed_at).await
    }
}

/// Writes an answer as a run's events.
struct RunEvents(Events);

impl Writer for RunEvents {
    fn begin(&mut self) -> Bytes {
        frames([&self.0.begin()])
    }

    fn event(&mut self, event: &TokenEvent) -> Result<Bytes, BrokenOff> {
        Ok(frames(&self.0.event(event)))
    }

    fn interrupted(&mut self) -> Bytes {
        frames(&self.0.interrupted())
    }
}
