//! Throttled models: the session waits, and no attempt is spent.

use std::time::Duration;

use super::{Lost, Progress, Session, Status};
use crate::event::{Ending, Usage};
use crate::failure::{Failure, FailureCode};
use crate::id::Attempt;
use crate::time::Timestamp;

/// Why a session waits, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub reason: FailureCode,
    pub since: Timestamp,
}

impl Session {
    /// Gives an attempt up because the model is throttled. The attempt doesn't count. Ends the session once the model
    /// has been throttled for `patience`.
    ///
    /// # Errors
    ///
    /// [`Lost`] if a later attempt has begun, or the session is over.
    pub fn throttle(
        current: Option<Self>,
        attempt: Attempt,
        progress: &Progress,
        failure: &Failure,
        counted: Option<Usage>,
        patience: Duration,
        now: Timestamp,
    ) -> Result<Self, Lost> {
        let since = current.as_ref().and_then(|session| session.throttled_since);
        let since = since.unwrap_or(now);
        let mut session = Self::release(current, attempt, progress, failure, counted, now)?;
        session.throttled_attempts += 1;
        session.throttled_since = Some(since);
        if now.since(since) >= patience {
            let ending = Ending {
                failure: Some(failure.clone()),
                ..Ending::default()
            };
            session.end(Status::Failed, ending);
        }
        Ok(session)
    }

    /// `None` while an attempt has said something, and when the session is over.
    pub fn waiting(&self) -> Option<Waiting> {
        let is_silent = self.lease.is_none() || self.attempt < self.last_attempt;
        let since = self.throttled_since?;
        (is_silent && !self.status.is_terminal()).then_some(Waiting {
            reason: FailureCode::Throttled,
            since,
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::block::PieceRef;
    use crate::id::{Owner, SessionId};
    use crate::session::{Lease, Leased};

    const PATIENCE: Duration = Duration::from_millis(300);
    const TTL: Duration = Duration::from_secs(1000);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// The session after an attempt that begins at `now` and says `text` first.
    fn begun(session: Option<Session>, now: Timestamp, text: &str) -> Session {
        let id = session
            .as_ref()
            .map_or_else(SessionId::random, |session| session.id);
        let owner = Owner::new("me").expect("not empty");
        let lease = Lease {
            until: now + Duration::from_millis(10),
            holder: Uuid::nil(),
        };
        let leased = Session::lease(session, id, &owner, lease, None, now, TTL);
        let Ok(Leased::Begun(session)) = leased else {
            panic!("{leased:?}")
        };
        let mut session = session;
        if !text.is_empty() {
            let mut progress = Progress::default();
            progress.push(PieceRef::text(text));
            session.write(session.last_attempt, Some(&progress));
        }
        session
    }

    fn throttled(session: Session, now: Timestamp) -> Session {
        let busy = Failure::new(FailureCode::Throttled, "The model is busy.");
        let (attempt, progress) = (session.last_attempt, session.progress());
        Session::throttle(
            Some(session),
            attempt,
            &progress,
            &busy,
            None,
            PATIENCE,
            now,
        )
        .expect("the attempt's own")
    }

    #[test]
    fn throttled_attempts_do_not_count_and_patience_is_counted_from_the_first() {
        let mut session = None;
        for millis in (0..300).step_by(50) {
            let now = at(millis);
            let text = if millis == 100 { "Some." } else { "" };
            let after = throttled(begun(session, now, text), now);
            assert_eq!((after.attempts(), after.lease), (0, None), "{millis}");
            assert!(!after.status.is_terminal(), "{millis}");
            let waiting = after.waiting().expect("it waits");
            assert_eq!(
                (waiting.reason, waiting.since),
                (FailureCode::Throttled, at(0))
            );
            session = Some(after);
        }
        let trying = begun(session, at(300), "");
        assert!(
            trying.waiting().is_some(),
            "an attempt has said nothing yet"
        );
        assert_eq!(begun_text(&trying).waiting(), None, "the model answers");
        let after = throttled(trying, at(300));
        let code = after.ending.failure.as_ref().map(|failure| failure.code);
        assert_eq!(
            (after.status, code),
            (Status::Failed, Some(FailureCode::Throttled))
        );
        assert_eq!((after.text.as_str(), after.waiting()), ("Some.", None));

        let reopened = after.reopen(at(2000), at(300), TTL);
        assert_eq!((reopened.attempts(), reopened.throttled_since), (0, None));
        let again = begun(Some(reopened), at(300), "");
        assert_eq!(again.attempts(), 1);
        assert!(
            !throttled(again, at(300)).status.is_terminal(),
            "patience is new"
        );
    }

    fn begun_text(session: &Session) -> Session {
        let mut session = session.clone();
        let mut progress = Progress::default();
        progress.push(PieceRef::text("Rivers"));
        session.write(session.last_attempt, Some(&progress));
        session
    }
}
