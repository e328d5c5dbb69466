//! What a worker does: it begins, is throttled, saves and ends.

use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::Attempt;
use tokencast_core::session::{Lease, LeaseRefused, Leased, Lost, Progress, Saved, Session};
use tokencast_core::time::Timestamp;
use uuid::Uuid;

use crate::world::{LEASE, MAX_ATTEMPTS, PATIENCE, TTL, Worker, World, id, owner};

impl World {
    pub(crate) fn begin(&mut self, worker: usize) -> Option<()> {
        let begun = self
            .session
            .as_ref()
            .map_or(0, |session| session.last_attempt.0);
        if self.workers[worker] != Worker::Idle || !self.is_sent || begun == MAX_ATTEMPTS {
            return None;
        }
        let until = self.now + LEASE;
        let lease = Lease {
            until,
            holder: Uuid::from_u128(worker as u128),
        };
        match Session::lease(
            self.session.clone(),
            id(),
            &owner("me"),
            lease,
            None,
            self.now,
            TTL,
        ) {
            Ok(Leased::Begun(session)) => {
                let attempt = session.last_attempt;
                self.session = Some(session);
                self.workers[worker] = Worker::Busy {
                    attempt,
                    progress: Progress::default(),
                    until,
                };
            }
            Ok(Leased::Ended(session)) => {
                assert!(session.status.is_terminal());
                self.session = Some(session);
            }
            Err(LeaseRefused::Held { until }) => {
                assert!(until > self.now, "a lease that is over holds nobody");
            }
            Err(LeaseRefused::OtherOwner) => panic!("the job is its owner's"),
        }
        Some(())
    }

    pub(crate) fn throttle(&mut self, worker: usize) -> Option<()> {
        let (attempt, progress) = self.busy(worker)?;
        let busy = Failure::new(FailureCode::Throttled, "The model is busy.");
        let before = self.session.as_ref().map_or(0, Session::attempts);
        match Session::throttle(
            self.session.clone(),
            attempt,
            &progress,
            &busy,
            None,
            PATIENCE,
            self.now,
        ) {
            Ok(session) => {
                assert_eq!(session.attempts() + 1, before, "no attempt is spent");
                self.session = Some(session);
            }
            Err(Lost) => self.assert_fenced(attempt),
        }
        self.workers[worker] = Worker::Idle;
        Some(())
    }

    pub(crate) fn save(&mut self, worker: usize, renew_until: Option<Timestamp>) -> Option<()> {
        let (attempt, progress) = self.busy(worker)?;
        let before = self.session.clone();
        match Session::save(
            before.clone(),
            attempt,
            Some(&progress),
            renew_until,
            self.now,
        ) {
            Ok(Saved::Continue(session)) => {
                assert!(!session.stop_requested, "a stop is seen at the next save");
                if let (Worker::Busy { until, .. }, Some(renewed)) =
                    (&mut self.workers[worker], renew_until)
                {
                    *until = renewed;
                }
                self.session = Some(session);
            }
            Ok(Saved::StopRequested(session)) => {
                assert_eq!(Some(session), before, "nothing is saved");
            }
            Err(Lost) => {
                self.assert_fenced(attempt);
                self.workers[worker] = Worker::Idle;
            }
        }
        Some(())
    }

    pub(crate) fn busy(&self, worker: usize) -> Option<(Attempt, Progress)> {
        match &self.workers[worker] {
            Worker::Busy {
                attempt, progress, ..
            } => Some((*attempt, progress.clone())),
            Worker::Idle => None,
        }
    }

    /// An attempt is refused only because it is really over.
    pub(crate) fn assert_fenced(&self, attempt: Attempt) {
        let session = self.session.as_ref().expect("a session that was leased");
        assert!(
            session.last_attempt > attempt || session.status.is_terminal(),
            "{attempt:?} of {session:?}"
        );
    }
}
