//! The sending of a prompt, until the server is known to have it.

use tokio::time::{Duration, Instant};

use crate::backoff::Backoff;
use crate::bounds::Timeouts;
use crate::error::Error;
use crate::prompt::Prompt;

/// Starting again with the same id and prompt starts nothing twice.
pub(super) struct Start {
    /// What to send; `None` once a start was answered, and when there is nothing to start.
    prompt: Option<Prompt>,
    /// When it was first sent.
    sent_at: Option<Instant>,
    /// When to call again.
    pub(super) due: Option<Instant>,
    /// Of the token that the last call carries.
    pub(super) token: u64,
    within: Duration,
    retry: Backoff,
}

impl Start {
    pub(super) fn new(prompt: Option<Prompt>, timeouts: &Timeouts) -> Self {
        Self {
            prompt,
            sent_at: None,
            due: None,
            token: 0,
            within: timeouts.start_within,
            retry: Backoff::new(timeouts.retry_first, timeouts.retry_max),
        }
    }

    /// What is still to be sent, or to be answered.
    pub(super) fn prompt(&self) -> Option<&Prompt> {
        self.prompt.as_ref()
    }

    pub(super) fn is_pending(&self) -> bool {
        self.prompt.is_some()
    }

    pub(super) fn sent_at(&self) -> Option<Instant> {
        self.sent_at
    }

    /// It was sent, or may have been. Returns whether it was before.
    pub(super) fn sent(&mut self, at: Option<Instant>) -> bool {
        self.due = None;
        let is_again = self.sent_at.is_some();
        self.sent_at = self.sent_at.or(at);
        is_again
    }

    /// A call has failed, and is due again after a pause.
    ///
    /// # Errors
    ///
    /// Its own error, if that won't pass, or has gone on for too long.
    pub(super) fn failed(&mut self, error: Error) -> Result<(), Error> {
        let pause = self.retry.next();
        let elapsed = self.sent_at.map_or(Duration::ZERO, |at| at.elapsed());
        if !error.is_transient() || elapsed + pause > self.within {
            return Err(error);
        }
        tracing::debug!(%error, ?pause, "starting again");
        self.due = Some(Instant::now() + pause);
        Ok(())
    }

    pub(super) fn done(&mut self) {
        self.prompt = None;
        self.due = None;
    }
}
