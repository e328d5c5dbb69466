//! What the API says of a session's record, and for how long that may go against what is known.

use tokio::time::{Duration, Instant};
use uuid::Uuid;

use crate::bounds::{MAX_CLAIMED, MAX_UNKNOWN};
use crate::error::Error;

/// The answers so far that said nothing new.
#[derive(Debug)]
pub(super) struct Record {
    session_id: Uuid,
    claimed: u32,
    unknown: u32,
    /// Since when there was no answer at all.
    unanswered: Option<Instant>,
}

impl Record {
    pub(super) fn new(session_id: Uuid) -> Self {
        Self {
            session_id,
            claimed: 0,
            unknown: 0,
            unanswered: None,
        }
    }

    /// The session is there, and was started.
    pub(super) fn found(&mut self) {
        *self = Self::new(self.session_id);
    }

    /// The session was claimed and never started. `begun`: it was said to be started before this was asked.
    pub(super) fn claimed(&mut self, begun: bool) -> Result<(), Error> {
        let session_id = self.session_id;
        if begun {
            return Err(Error::StartLost { session_id });
        }
        self.unanswered = None;
        self.claimed += 1;
        if self.claimed < MAX_CLAIMED {
            return Ok(());
        }
        Err(Error::NotFound { session_id })
    }

    /// There is no record.
    pub(super) fn unknown(&mut self) -> Result<(), Error> {
        self.unanswered = None;
        self.unknown += 1;
        if self.unknown < MAX_UNKNOWN {
            return Ok(());
        }
        let session_id = self.session_id;
        Err(Error::NotFound { session_id })
    }

    /// The question failed, as those before may have since the last answer or event.
    pub(super) fn unanswered(
        &mut self,
        error: Error,
        give_up_after: Duration,
    ) -> Result<(), Error> {
        let since = *self.unanswered.get_or_insert_with(Instant::now);
        if since.elapsed() < give_up_after {
            tracing::debug!(%error, "no snapshot; asking again");
            return Ok(());
        }
        Err(Error::GaveUp {
            after: give_up_after,
            last: Box::new(error),
        })
    }
}
