//! What is left of a session whose conversation was deleted: a tombstone without text, which keeps everybody from making
//! the session anew.

use std::time::Duration;

use super::{Lengths, OtherPieces, Session, Status, expiry};
use crate::event::Ending;
use crate::time::Timestamp;

/// How long a tombstone is kept: as long as a dead letter may bring back the session's job.
pub const TOMBSTONE_TTL: Duration = Duration::from_hours(14 * 24);

impl Session {
    /// Takes the text and everything that was said about it out of a session. A worker that has it stops at its next
    /// checkpoint, and writes no text; otherwise the session is cancelled at once. Done again, it ends a session whose
    /// worker died.
    #[must_use]
    pub fn delete(mut self, now: Timestamp) -> Self {
        if !self.has_live_lease(now) {
            // While there is a text to count by.
            self.charge_interrupted();
        }
        if self.deleted_at.is_none() {
            self.deleted_at = Some(now);
            self.expires_at = expiry(now, TOMBSTONE_TTL);
            self.updated_at = now;
            self.fingerprint = None;
            self.text.clear();
            self.lengths = Lengths::default();
            self.others = OtherPieces::default();
            self.reasoning_ms = None;
            self.last_failure = None;
            // Whatever a newer function keeps there may be said of the answer.
            self.unknown.clear();
            self.ending = Ending::default();
            if self.status.is_terminal() {
                self.status = Status::Cancelled;
            }
        }
        if self.status.is_terminal() {
            return self;
        }
        if self.has_live_lease(now) {
            self.stop_requested = true;
        } else {
            self.updated_at = now;
            self.end(Status::Cancelled, Ending::default());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::block::Piece;
    use crate::event::{Guardrail, GuardrailAction, Usage};
    use crate::id::{Attempt, Owner, Sequence, SessionId};
    use crate::session::{
        ClaimRefused, Fingerprint, Input, Lease, Leased, Outcome, Progress, Saved,
    };

    const NOW: Timestamp = Timestamp::from_millis(1_000);
    const LATER: Timestamp = Timestamp::from_millis(100_000);
    const TTL: Duration = Duration::from_hours(1);

    fn owner() -> Owner {
        Owner::new("me").expect("not empty")
    }

    /// A session that a worker has until `until`, with some text.
    fn running(until: Timestamp) -> Session {
        let lease = Lease {
            until,
            holder: Uuid::nil(),
        };
        let leased = Session::lease(None, SessionId::random(), &owner(), lease, None, NOW, TTL);
        let Ok(Leased::Begun(mut session)) = leased else {
            panic!("{leased:?}")
        };
        session.fingerprint = Some(Fingerprint::of("secret", &[]));
        session.write(Attempt(1), Some(&progress(1)));
        session
    }

    fn progress(events: u32) -> Progress {
        let mut progress = Progress::default();
        for _ in 0..events {
            progress.push(Piece::text("secret ").as_ref());
        }
        progress
    }

    fn check_empty(session: &Session) {
        assert!(!format!("{session:?}").contains("secret"), "{session:?}");
        assert_eq!(
            (session.fingerprint, &session.lengths),
            (None, &Lengths::default())
        );
    }

    #[test]
    fn a_running_session_stops_at_its_next_checkpoint_and_writes_no_text() {
        let deleted = running(LATER).delete(NOW);
        check_empty(&deleted);
        assert!(deleted.stop_requested && !deleted.status.is_terminal());
        let saved = Session::save(
            Some(deleted.clone()),
            Attempt(1),
            Some(&progress(3)),
            None,
            NOW,
        );
        assert_eq!(saved, Ok(Saved::StopRequested(deleted.clone())));
        let outcome = Outcome {
            status: Status::Cancelled,
            ending: Ending::default(),
        };
        let ended = Session::finish(Some(deleted), Attempt(1), &progress(3), &outcome, NOW);
        let ended = ended.expect("its own");
        check_empty(&ended);
        let event = ended.terminal_event().expect("over");
        assert_eq!(
            (event.status, event.sequence),
            (Status::Cancelled, Sequence(4))
        );
    }

    #[test]
    fn a_session_that_nobody_has_is_cancelled_at_once() {
        for session in [
            Session::new(SessionId::random(), owner(), NOW),
            running(NOW),
        ] {
            let deleted = session.delete(NOW);
            check_empty(&deleted);
            assert_eq!(deleted.status, Status::Cancelled);
            assert_eq!(deleted.clone().delete(LATER), deleted, "once");
        }
        let died = running(LATER).delete(NOW);
        assert_eq!(died.delete(LATER).status, Status::Cancelled, "done again");
    }

    #[test]
    fn what_is_over_loses_all_that_was_said() {
        let outcome = Outcome {
            status: Status::Completed,
            ending: Ending {
                stop_reason: Some("secret".into()),
                usage: Some(Usage::default()),
                failure: None,
                guardrail: Some(Guardrail {
                    action: GuardrailAction::Masked,
                    masked: vec!["secret".to_owned()],
                }),
            },
        };
        let over = Session::finish(
            Some(running(LATER)),
            Attempt(1),
            &progress(2),
            &outcome,
            NOW,
        );
        let deleted = over.expect("its own").delete(NOW);
        check_empty(&deleted);
        assert_eq!(
            (deleted.status, &deleted.ending),
            (Status::Cancelled, &Ending::default())
        );
    }

    #[test]
    fn nobody_makes_a_deleted_session_anew_while_its_tombstone_stands() {
        let id = SessionId::random();
        let deleted = Session::new(id, owner(), NOW).delete(NOW);
        let last = deleted.expires_at - Duration::from_millis(1);
        assert!(last.since(NOW) + Duration::from_secs(1) >= TOMBSTONE_TTL);
        let current = || Some(deleted.clone());
        let refused = Err(ClaimRefused::Deleted);
        assert_eq!(Session::claim(current(), id, &owner(), last), refused);
        assert_eq!(Session::stop(current(), id, &owner(), last), refused);
        let input = Input {
            fingerprint: Fingerprint::of("again", &[]),
            start_by: LATER,
            follower: None,
            place: None,
            assistant: None,
            price: None,
            reservation: None,
        };
        let started = Session::start(current(), id, &owner(), &input, last, TTL);
        assert_eq!(started, Err(ClaimRefused::Deleted.into()));
        let lease = Lease {
            until: LATER,
            holder: Uuid::nil(),
        };
        let leased = Session::lease(current(), id, &owner(), lease, None, last, TTL);
        assert_eq!(leased, Ok(Leased::Ended(deleted.clone())));
        assert_eq!(deleted.clone().reopen(LATER, last, TTL), deleted);
    }
}
