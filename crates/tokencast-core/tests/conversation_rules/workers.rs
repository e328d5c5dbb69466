//! What a worker does: it begins, says something, saves and ends; and its message may come again.

use tokencast_core::block::Piece;
use tokencast_core::event::Ending;
use tokencast_core::session::{
    Lease, LeaseRefused, Leased, Outcome, Progress, Saved, Session, Status,
};
use uuid::Uuid;

use crate::world::{LEASE, MAX_ATTEMPTS, TTL, Worker, World, owner, session_id};

impl World {
    /// A delivery of a tab's job.
    pub(crate) fn lease(&mut self, tab: usize) -> Option<()> {
        let id = session_id(tab);
        if self.worker != Worker::Idle || !self.sent.contains_key(&id) {
            return None;
        }
        let session = self.sessions.get(&id)?.clone();
        if session.last_attempt.0 >= MAX_ATTEMPTS && !session.status.is_terminal() {
            return None;
        }
        let lease = Lease {
            until: self.now + LEASE,
            holder: Uuid::nil(),
        };
        let leased = Session::lease(
            Some(session.clone()),
            id,
            &owner(),
            lease,
            None,
            self.now,
            TTL,
        );
        match leased {
            Ok(Leased::Begun(begun)) => {
                assert!(!begun.is_deleted(), "nothing deleted begins: {self:?}");
                self.worker = Worker::Busy {
                    id,
                    attempt: begun.last_attempt,
                    progress: Progress::default(),
                };
                self.put(begun);
            }
            Ok(Leased::Ended(ended)) => {
                assert!(ended.status.is_terminal());
                if ended == session {
                    return None;
                }
                self.put(ended);
            }
            Err(LeaseRefused::Held { .. }) => return None,
            Err(LeaseRefused::OtherOwner) => panic!("the job is its owner's"),
        }
        Some(())
    }

    pub(crate) fn say(&mut self) -> Option<()> {
        let Worker::Busy { progress, .. } = &mut self.worker else {
            return None;
        };
        if progress.sequence.0 == 1 {
            return None;
        }
        progress.push(Piece::text("secret").as_ref());
        Some(())
    }

    pub(crate) fn save(&mut self) -> Option<()> {
        let Worker::Busy {
            id,
            attempt,
            progress,
        } = self.worker.clone()
        else {
            return None;
        };
        let session = self.sessions.get(&id).cloned();
        match Session::save(session, attempt, Some(&progress), None, self.now) {
            Ok(Saved::Continue(session)) => self.put(session),
            // The worker ends the session next.
            Ok(Saved::StopRequested(_)) => return self.end(Status::Cancelled),
            Err(_) => self.worker = Worker::Idle,
        }
        Some(())
    }

    pub(crate) fn finish(&mut self) -> Option<()> {
        self.end(Status::Completed)
    }

    fn end(&mut self, status: Status) -> Option<()> {
        let Worker::Busy {
            id,
            attempt,
            progress,
        } = self.worker.clone()
        else {
            return None;
        };
        let outcome = Outcome {
            status,
            ending: Ending::default(),
        };
        let session = self.sessions.get(&id).cloned();
        if let Ok(session) = Session::finish(session, attempt, &progress, &outcome, self.now) {
            self.put(session);
        } else {
            let session = &self.sessions[&id];
            assert!(
                session.last_attempt > attempt || session.status.is_terminal(),
                "{session:?}"
            );
        }
        self.worker = Worker::Idle;
        Some(())
    }

    /// The worker dies. Its message comes again.
    pub(crate) fn die(&mut self) -> Option<()> {
        if self.worker == Worker::Idle || self.crashed > 0 {
            return None;
        }
        self.crashed += 1;
        self.worker = Worker::Idle;
        Some(())
    }

    pub(crate) fn stop(&mut self, tab: usize) -> Option<()> {
        let id = session_id(tab);
        let session = self.sessions.get(&id)?.clone();
        if self.stops > 0 || session.fingerprint.is_none() {
            return None;
        }
        self.stops += 1;
        if let Ok(stopped) = Session::stop(Some(session), id, &owner(), self.now) {
            self.put(stopped);
        }
        Some(())
    }
}
