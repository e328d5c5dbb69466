//! What the API says of a session's record, and for how long that may go against what is known.

use tokio::time::{Duration, Instant};
use uuid::Uuid;

use crate::bounds::{MAX_CLAIMED, MAX_UNKNOWN};
use crate::error::Error;
use crate::event::{Snapshot, StreamStatus};

/// The answers so far that said nothing new.
#[derive(Debug)]
pub(super) struct SessionRecord {
    session_id: Uuid,
    give_up_after: Duration,
    claimed: u32,
    unknown: u32,
    /// Since when there was no answer at all.
    unanswered: Option<Instant>,
}

/// When the record was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    /// Nothing was heard of the session before.
    pub(super) is_first: bool,
    /// The start hasn't been answered yet.
    pub(super) is_starting: bool,
    /// The session was said to be started before this was asked.
    pub(super) begun: bool,
}

/// What an answer says.
#[derive(Debug)]
pub(super) enum Said {
    Session(Box<Snapshot>),
    /// Ask again; `soon` if the answer may be about to change.
    Nothing {
        soon: bool,
    },
}

impl SessionRecord {
    pub(super) fn new(session_id: Uuid, give_up_after: Duration) -> Self {
        Self {
            session_id,
            give_up_after,
            claimed: 0,
            unknown: 0,
            unanswered: None,
        }
    }

    /// Reads an answer of `getStream`.
    ///
    /// # Errors
    ///
    /// There is nothing to wait for: the session isn't there, its start was lost, or the record can't be read for too long.
    pub(super) fn read(
        &mut self,
        result: Result<Option<Snapshot>, Error>,
        question: Question,
    ) -> Result<Said, Error> {
        let session_id = self.session_id;
        let Question {
            is_first,
            is_starting,
            begun,
        } = question;
        let snapshot = match result {
            Ok(snapshot) => snapshot,
            Err(error) if is_first || matches!(error, Error::Unauthorized { .. }) => {
                return Err(error);
            }
            Err(error) => {
                self.unanswered(error)?;
                return Ok(Said::Nothing { soon: false });
            }
        };
        match snapshot {
            // The first answer decides whether there is anything to resume.
            None if is_first => return Err(Error::NotFound { session_id }),
            Some(snapshot) if snapshot.status != StreamStatus::Claimed => {
                self.found();
                return Ok(Said::Session(Box::new(snapshot)));
            }
            // Before the start has been answered there may be no session yet.
            _ if is_starting && !begun => return Ok(Said::Nothing { soon: false }),
            None => self.unknown()?,
            Some(_) => self.claimed(begun)?,
        }
        Ok(Said::Nothing { soon: true })
    }

    /// The session is there, and was started.
    pub(super) fn found(&mut self) {
        *self = Self::new(self.session_id, self.give_up_after);
    }

    /// The session was claimed and never started. `begun`: it was said to be started before this was asked.
    ///
    /// # Errors
    ///
    /// Nobody is about to start it.
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
    fn unknown(&mut self) -> Result<(), Error> {
        self.unanswered = None;
        self.unknown += 1;
        if self.unknown < MAX_UNKNOWN {
            return Ok(());
        }
        let session_id = self.session_id;
        Err(Error::NotFound { session_id })
    }

    /// The question failed, as those before may have since the last answer or event.
    fn unanswered(&mut self, error: Error) -> Result<(), Error> {
        let since = *self.unanswered.get_or_insert_with(Instant::now);
        if since.elapsed() < self.give_up_after {
            tracing::debug!(%error, "no snapshot; asking again");
            return Ok(());
        }
        Err(Error::GaveUp {
            after: self.give_up_after,
            last: Box::new(error),
        })
    }
}
