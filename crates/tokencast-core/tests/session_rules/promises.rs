//! What holds in each world, and from one to the next.

use tokencast_core::event::Ending;
use tokencast_core::id::{Attempt, Sequence};
use tokencast_core::session::{Lease, Leased, Outcome, Progress, Session, Status};
use tokencast_core::time::Timestamp;
use uuid::Uuid;

use crate::world::{LEASE, PATIENCE, TTL, Worker, World, id, input, owner, start, text};

impl World {
    /// What holds at every moment.
    pub(crate) fn check(&self) {
        let Some(session) = &self.session else { return };
        // A job is only ever sent of the input that the record knows.
        if self.is_starting || self.is_sent {
            assert_eq!(session.fingerprint, Some(input()), "{self:?}");
        }
        assert!(session.attempt <= session.last_attempt);
        // The text is one attempt's, whole, and as long as its sequence says.
        let events = if session.status.is_terminal() {
            session.sequence.0 - 1
        } else {
            session.sequence.0
        };
        let texts: Vec<_> = (0..=session.last_attempt.0)
            .map(|of| text(Attempt(of), Sequence(events)))
            .collect();
        assert!(texts.contains(&session.text), "{session:?}");
        assert!(
            session.status != Status::Queued || session.text.is_empty(),
            "{session:?}"
        );
        // Whoever believes to be alone is.
        let alone = self.workers.iter().filter(|worker| match worker {
            Worker::Busy { attempt, until, .. } => {
                let believes = *until > self.now;
                assert!(
                    !believes || *attempt == session.last_attempt,
                    "fenced, and does not know: {self:?}"
                );
                believes
            }
            Worker::Idle => false,
        });
        assert!(alone.count() <= 1, "two attempts at once: {self:?}");
    }

    /// What may not happen from one moment to the next.
    pub(crate) fn check_change(&self, next: &Self) {
        let (Some(before), Some(after)) = (&self.session, &next.session) else {
            return;
        };
        assert!(
            before.fingerprint.is_none() || before.fingerprint == after.fingerprint,
            "one session, one input: {before:?} to {after:?}"
        );
        if before.status.is_terminal() {
            assert_eq!(before, after, "what is over stays as it is");
        }
        assert!(
            (after.attempt, after.sequence) >= (before.attempt, before.sequence),
            "{before:?} to {after:?}"
        );
        assert!(after.last_attempt >= before.last_attempt);
        assert!(after.stop_requested || !before.stop_requested || after.status.is_terminal());
    }

    /// Time up to where it no longer matters, so that equal situations are seen once.
    pub(crate) fn key(&self) -> String {
        // How long a lease goes on; `None` once it is over.
        let left = |until: Timestamp| {
            let has_ended = until < self.now;
            (!has_ended).then(|| until.since(self.now).min(LEASE))
        };
        let session = self.session.as_ref().map(|session| {
            let lease = session.lease.map(|lease| left(lease.until));
            let throttled = session.throttled_since;
            let throttled = throttled.map(|since| self.now.since(since).min(PATIENCE));
            let start_by = session.start_by;
            let start_by = start_by.map(|by| by.since(self.now));
            let Session {
                status,
                fingerprint,
                attempt,
                sequence,
                last_attempt,
                throttled_attempts,
                stop_requested,
                text,
                ..
            } = session;
            (
                *status,
                fingerprint.is_some(),
                *attempt,
                *sequence,
                *last_attempt,
                *stop_requested,
                *throttled_attempts,
                text.clone(),
                lease,
                throttled,
                start_by,
            )
        });
        let workers = self.workers.clone().map(|worker| match worker {
            Worker::Idle => None,
            Worker::Busy {
                attempt,
                progress,
                until,
            } => Some((attempt, progress.sequence, left(until))),
        });
        let Self {
            is_starting,
            is_sent,
            stops,
            ..
        } = self;
        format!("{session:?} {workers:?} {is_starting} {is_sent} {stops}")
    }

    /// Whatever happened, one worker that is left alone ends the session.
    pub(crate) fn ends(&self) -> bool {
        let mut world = self.clone();
        if !world.is_sent {
            // Nothing waits for a worker: the same start again sends the job, or finds the session over.
            let again = start(world.session, "me", input(), world.now);
            return again.is_ok_and(|it| it.status == Status::Claimed || it.status.is_terminal());
        }
        world.workers = [Worker::Idle, Worker::Idle];
        world.now += LEASE;
        let lease = Lease {
            until: world.now + LEASE,
            holder: Uuid::nil(),
        };
        match Session::lease(
            world.session,
            id(),
            &owner("me"),
            lease,
            None,
            world.now,
            TTL,
        ) {
            Ok(Leased::Ended(session)) => session.status.is_terminal(),
            Ok(Leased::Begun(session)) => {
                let outcome = Outcome {
                    status: Status::Completed,
                    ending: Ending::default(),
                };
                let attempt = session.last_attempt;
                Session::finish(
                    Some(session),
                    attempt,
                    &Progress::default(),
                    &outcome,
                    world.now,
                )
                .is_ok()
            }
            Err(_) => false,
        }
    }
}
