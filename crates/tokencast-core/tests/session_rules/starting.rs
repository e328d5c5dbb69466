//! What whoever starts the session does, and others who try to.

use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::session::{ClaimRefused, Fingerprint, Session, StartRefused, Status};
use tokencast_core::time::Timestamp;

use crate::world::{START_WITHIN, Step, TTL, World, id, input, owner, start};

fn refuse(current: Option<Session>, by: &str, failure: Failure, now: Timestamp) -> Option<Session> {
    Session::refuse(current, id(), &owner(by), failure, now)
}

impl World {
    /// What whoever starts the session does, and others who try to.
    pub(crate) fn start(&mut self, step: Step) -> Option<()> {
        let now = self.now;
        match step {
            Step::Claim => {
                let claimed = Session::claim(self.session.clone(), id(), &owner("me"), now);
                self.session = Some(claimed.expect("mine"));
            }
            Step::NoteStart => {
                let started = start(self.session.clone(), "me", input(), now);
                let session = started.expect("the same input is never refused");
                // What is no longer claimed needs no job of this start.
                self.is_starting = session.status == Status::Claimed;
                self.session = Some(session);
            }
            Step::Send => {
                if !self.is_starting {
                    return None;
                }
                self.is_starting = false;
                self.is_sent = true;
            }
            Step::NoteQueued => {
                if !self.is_sent {
                    return None;
                }
                self.session = self
                    .session
                    .take()
                    .map(|it| it.queue(now + START_WITHIN, now, TTL));
            }
            Step::CrashStarting => {
                if !self.is_starting {
                    return None;
                }
                self.is_starting = false;
            }
            Step::StartOther => self.start_other(),
            Step::StartByAnother => {
                let session = self.session.clone()?;
                let theirs = start(Some(session), "another", input(), now);
                assert_eq!(theirs, Err(StartRefused::Claim(ClaimRefused::OtherOwner)));
            }
            Step::RefuseStart => {
                let failure = Failure::new(FailureCode::InvalidPrompt, "prompt is empty");
                if let Some(session) = self.session.clone() {
                    let theirs = refuse(Some(session), "another", failure.clone(), now);
                    assert_eq!(theirs, None, "nobody else ends it");
                }
                let mine = refuse(self.session.clone(), "me", failure, now);
                let was_there = self.session.is_some();
                let refused = mine?;
                // A record that is gone says nothing of its job.
                let is_idle = !self.is_starting && !self.is_sent;
                assert!(is_idle || !was_there, "nothing was started");
                self.session = Some(refused);
            }
            _ => return None,
        }
        Some(())
    }

    /// Another prompt is refused once one is noted, and then changes nothing.
    pub(crate) fn start_other(&self) {
        let other = Fingerprint::of("Why do birds sing?", &[]);
        let started = start(self.session.clone(), "me", other, self.now);
        let is_noted = self
            .session
            .as_ref()
            .is_some_and(|session| session.fingerprint.is_some());
        if is_noted {
            assert_eq!(started, Err(StartRefused::OtherInput));
        } else {
            assert!(!self.is_starting && !self.is_sent, "{self:?}");
            let started = started.expect("the first to start it");
            let is_new = started.status == Status::Claimed;
            assert_eq!(started.fingerprint, is_new.then_some(other));
        }
    }
}
