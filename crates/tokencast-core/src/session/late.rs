//! A session whose answer did not start in time ends, whoever looks at it first: a worker, a read or a subscription.

use super::{Session, Status};
use crate::event::Ending;
use crate::failure::{Failure, FailureCode};
use crate::id::Attempt;

impl Session {
    /// Ends the session if its time to start is over and no attempt has it. One that is over or held stays as it is.
    #[must_use]
    pub fn end_if_late(mut self, now_ms: i64) -> Self {
        if self.is_late(now_ms) {
            self.updated_at_ms = now_ms;
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
    pub fn is_late(&self, now_ms: i64) -> bool {
        !self.status.is_terminal()
            && !self.has_live_lease(now_ms)
            && self
                .start_by_ms
                .is_some_and(|start_by_ms| start_by_ms <= now_ms)
    }

    /// Whether its job is kept in the dead-letter queue: it failed, and the same job may well succeed when an operator
    /// puts it back, once the model is configured rightly where that was the reason.
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

/// Why a session fails that nobody works at by its time to start; `last_attempt` is 0 if nobody ever did.
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

    const NOW_MS: i64 = 1000;

    fn lease(until_ms: i64) -> Lease {
        let holder = Uuid::nil();
        Lease { until_ms, holder }
    }

    #[test]
    fn only_what_nobody_has_ends_past_its_time() {
        for (status, start_by_ms, lease, stopped, expected) in [
            (Status::Queued, Some(NOW_MS), None, false, Status::Failed),
            (Status::Claimed, Some(NOW_MS), None, false, Status::Failed),
            (
                Status::Streaming,
                Some(1),
                Some(lease(NOW_MS)),
                false,
                Status::Failed,
            ),
            (
                Status::Queued,
                Some(1),
                Some(lease(1)),
                true,
                Status::Cancelled,
            ),
            (
                Status::Queued,
                Some(1),
                Some(lease(NOW_MS + 1)),
                false,
                Status::Queued,
            ),
            (
                Status::Queued,
                Some(NOW_MS + 1),
                None,
                false,
                Status::Queued,
            ),
            (Status::Claimed, None, None, false, Status::Claimed),
            (Status::Completed, Some(1), None, false, Status::Completed),
        ] {
            let owner = Owner::new("me").expect("not empty");
            let session = Session {
                status,
                start_by_ms,
                lease,
                stop_requested: stopped,
                ..Session::new(SessionId::random(), owner, 0)
            };
            let name = format!("{session:?}");
            let after = session.clone().end_if_late(NOW_MS);
            assert_eq!(after.status, expected, "{name}");
            assert_eq!(after.status != status, session.is_late(NOW_MS), "{name}");
            assert_eq!(after.leaves_dead_letter(), after.status == Status::Failed);
            assert_eq!(after.clone().end_if_late(NOW_MS), after, "once");
        }
    }

    #[test]
    fn what_may_succeed_later_leaves_a_dead_letter() {
        let owner = Owner::new("me").expect("not empty");
        for code in FailureCode::ALL {
            let mut session = Session::new(SessionId::random(), owner.clone(), 0);
            session.end(Status::Failed, failed(Failure::new(code, "It failed.")));
            let expected = code.retryable() || code == FailureCode::ModelUnavailable;
            assert_eq!(session.leaves_dead_letter(), expected, "{code}");
        }
    }
}
