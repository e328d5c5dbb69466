//! A model that is throttled: the session waits, and no attempt is spent on it.

use super::{Lost, Progress, Session, Status};
use crate::event::Ending;
use crate::failure::{Failure, FailureCode};
use crate::id::Attempt;

/// Why a session waits that is not over, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub reason: FailureCode,
    pub since_ms: i64,
}

impl Session {
    /// Gives an attempt up whose model is throttled. The attempt doesn't count; but once the model has been throttled for
    /// `patience_ms`, the session ends.
    pub fn throttle(
        current: Option<Self>,
        attempt: Attempt,
        progress: &Progress,
        failure: &Failure,
        patience_ms: i64,
        now_ms: i64,
    ) -> Result<Self, Lost> {
        let since_ms = current
            .as_ref()
            .and_then(|session| session.throttled_since_ms);
        let since_ms = since_ms.unwrap_or(now_ms);
        let mut session = Self::release(current, attempt, progress, failure, now_ms)?;
        session.throttled_attempts += 1;
        session.throttled_since_ms = Some(since_ms);
        if now_ms - since_ms >= patience_ms {
            let ending = Ending {
                failure: Some(failure.clone()),
                ..Ending::default()
            };
            session.end(Status::Failed, ending);
        }
        Ok(session)
    }

    /// `None` while an attempt has something to say, and of a session that is over.
    pub fn waiting(&self) -> Option<Waiting> {
        let is_silent = self.lease.is_none() || self.attempt < self.last_attempt;
        let since_ms = self.throttled_since_ms?;
        (is_silent && !self.status.is_terminal()).then_some(Waiting {
            reason: FailureCode::Throttled,
            since_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::{Owner, SessionId};
    use crate::session::{Lease, Leased};

    const PATIENCE_MS: i64 = 300;

    /// The session after an attempt that begins at `now_ms` and says `text` first.
    fn begun(session: Option<Session>, now_ms: i64, text: &str) -> Session {
        let id = session
            .as_ref()
            .map_or_else(SessionId::random, |session| session.id);
        let owner = Owner::new("me").expect("not empty");
        let lease = Lease {
            until_ms: now_ms + 10,
            holder: Uuid::nil(),
        };
        let leased = Session::lease(session, id, &owner, lease, None, now_ms, 1000);
        let Ok(Leased::Begun(session)) = leased else {
            panic!("{leased:?}")
        };
        let mut session = session;
        if !text.is_empty() {
            let mut progress = Progress::default();
            progress.push(text);
            session.write(session.last_attempt, Some(&progress));
        }
        session
    }

    fn throttled(session: Session, now_ms: i64) -> Session {
        let busy = Failure::new(FailureCode::Throttled, "The model is busy.");
        let (attempt, progress) = (session.last_attempt, session.progress());
        Session::throttle(
            Some(session),
            attempt,
            &progress,
            &busy,
            PATIENCE_MS,
            now_ms,
        )
        .expect("the attempt's own")
    }

    #[test]
    fn throttled_attempts_do_not_count_and_patience_is_counted_from_the_first() {
        let mut session = None;
        for now_ms in (0..PATIENCE_MS).step_by(50) {
            let text = if now_ms == 100 { "Some." } else { "" };
            let after = throttled(begun(session, now_ms, text), now_ms);
            assert_eq!((after.attempts(), after.lease), (0, None), "{now_ms}");
            assert!(!after.status.is_terminal(), "{now_ms}");
            let waiting = after.waiting().expect("it waits");
            assert_eq!(
                (waiting.reason, waiting.since_ms),
                (FailureCode::Throttled, 0)
            );
            session = Some(after);
        }
        let trying = begun(session, PATIENCE_MS, "");
        assert!(
            trying.waiting().is_some(),
            "an attempt has said nothing yet"
        );
        assert_eq!(begun_text(&trying).waiting(), None, "the model answers");
        let after = throttled(trying, PATIENCE_MS);
        let code = after.ending.failure.as_ref().map(|failure| failure.code);
        assert_eq!(
            (after.status, code),
            (Status::Failed, Some(FailureCode::Throttled))
        );
        assert_eq!((after.text.as_str(), after.waiting()), ("Some.", None));

        let reopened = after.reopen(2000, PATIENCE_MS, 1000);
        assert_eq!(
            (reopened.attempts(), reopened.throttled_since_ms),
            (0, None)
        );
        let again = begun(Some(reopened), PATIENCE_MS, "");
        assert_eq!(again.attempts(), 1);
        assert!(
            !throttled(again, PATIENCE_MS).status.is_terminal(),
            "patience is new"
        );
    }

    fn begun_text(session: &Session) -> Session {
        let mut session = session.clone();
        let mut progress = Progress::default();
        progress.push("Rivers");
        session.write(session.last_attempt, Some(&progress));
        session
    }
}
