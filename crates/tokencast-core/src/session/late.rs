//! Late sessions: if an answer did not start in time, the first worker, read or subscription ends its session.

use super::{Session, Status};
use crate::event::Ending;
use crate::failure::{Failure, FailureCode};
use crate::id::Attempt;
use crate::time::Timestamp;

impl Session {
    /// Ends the session if its time to start is over and no attempt holds it.
    #[must_use]
    pub fn end_if_late(mut self, now: Timestamp) -> Self {
        if self.is_late(now) {
            self.updated_at = now;
            if self.stop_requested {
                self.end(Status::Cancelled, Ending::default());
            } else {
                let failure = late(self.last_attempt);
                self.end(Status::Failed, failed(failure));
            }
        }
        self
    }

    /// Whether [`Self::end_if_late`] ends it.
    pub fn is_late(&self, now: Timestamp) -> bool {
        !self.status.is_terminal()
            && !self.has_live_lease(now)
            && self.start_by.is_some_and(|start_by| start_by <= now)
    }

    /// Whether the session's job is kept in the dead-letter queue: the session failed, and the same job may succeed
    /// when an operator puts it back, for instance once the model is configured rightly.
    pub fn leaves_dead_letter(&self) -> bool {
        let failure = self.ending.failure.as_ref();
        let failure = failure.filter(|_| self.status == Status::Failed);
        failure.is_some_and(|failure| {
            failure.retryable()
                || failure.code == FailureCode::ModelUnavailable
                || *failure == late(self.last_attempt)
        })
    }
}

/// The failure of a late session. `last_attempt` is 0 if no attempt was begun.
fn late(last_attempt: Attempt) -> Failure {
    let message = if last_attempt.0 == 0 {
        "The answer did not start in time."
    } else {
        "The answer was interrupted, and not taken up again in time."
    };
    Failure::new(FailureCode::Deadline, message)
}

fn failed(failure: Failure) -> Ending {
    Ending {
        failure: Some(failure),
        ..Ending::default()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::{Owner, SessionId};
    use crate::session::Lease;

    const NOW: Timestamp = Timestamp::from_millis(1000);
    const EARLY: Timestamp = Timestamp::from_millis(1);
    const LATER: Timestamp = Timestamp::from_millis(1001);

    fn lease(until: Timestamp) -> Lease {
        let holder = Uuid::nil();
        Lease { until, holder }
    }

    #[test]
    fn only_what_nobody_has_ends_past_its_time() {
        for (status, start_by, lease, stopped, expected) in [
            (Status::Queued, Some(NOW), None, false, Status::Failed),
            (Status::Claimed, Some(NOW), None, false, Status::Failed),
            (
                Status::Streaming,
                Some(EARLY),
                Some(lease(NOW)),
                false,
                Status::Failed,
            ),
            (
                Status::Queued,
                Some(EARLY),
                Some(lease(EARLY)),
                true,
                Status::Cancelled,
            ),
            (
                Status::Queued,
                Some(EARLY),
                Some(lease(LATER)),
                false,
                Status::Queued,
            ),
            (Status::Queued, Some(LATER), None, false, Status::Queued),
            (Status::Claimed, None, None, false, Status::Claimed),
            (
                Status::Completed,
                Some(EARLY),
                None,
                false,
                Status::Completed,
            ),
        ] {
            let owner = Owner::new("me").expect("not empty");
            let session = Session {
                status,
                start_by,
                lease,
                stop_requested: stopped,
                ..Session::new(SessionId::random(), owner, Timestamp::EPOCH)
            };
            let name = format!("{session:?}");
            let after = session.clone().end_if_late(NOW);
            assert_eq!(after.status, expected, "{name}");
            assert_eq!(after.status != status, session.is_late(NOW), "{name}");
            assert_eq!(after.leaves_dead_letter(), after.status == Status::Failed);
            assert_eq!(after.clone().end_if_late(NOW), after, "once");
        }
    }

    #[test]
    fn what_may_succeed_later_leaves_a_dead_letter() {
        let owner = Owner::new("me").expect("not empty");
        for code in FailureCode::ALL {
            let mut session = Session::new(SessionId::random(), owner.clone(), Timestamp::EPOCH);
            session.end(Status::Failed, failed(Failure::new(code, "It failed.")));
            let expected = code.retryable() || code == FailureCode::ModelUnavailable;
            assert_eq!(session.leaves_dead_letter(), expected, "{code}");
        }
    }
}
