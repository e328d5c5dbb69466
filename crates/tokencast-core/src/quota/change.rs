//! What a write of a session's record means for its owner's ledger.

use super::{Day, Reservation, Spent};
use crate::id::{Owner, SessionId};
use crate::session::Session;
use crate::time::Timestamp;

/// What the ledger must hear in the same transaction in which a session's record is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaChange {
    pub owner: Owner,
    /// The day whose ledger changes.
    pub day: Day,
    pub session_id: SessionId,
    pub kind: ChangeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// So much is reserved until then, in place of what was.
    Reserve { tokens: u64, until: Timestamp },
    /// Nothing is reserved any more, and so much was used.
    Settle(Spent),
}

impl QuotaChange {
    /// The change between two records of a session; `None` if its reservation stays as it is.
    pub fn between(before: Option<&Session>, after: &Session) -> Option<Self> {
        let held = before.and_then(Session::reserved);
        let of = |session: &Session, day, kind| Self {
            owner: session.owner.clone(),
            day,
            session_id: session.id,
            kind,
        };
        let reserve = |reserved: Reservation| {
            let kind = ChangeKind::Reserve {
                tokens: reserved.tokens(),
                until: reserved.until,
            };
            of(after, reserved.day, kind)
        };
        match (before.zip(held), after.reserved()) {
            (None, None) => None,
            (None, Some(reserved)) => Some(reserve(reserved)),
            (Some((_, held)), Some(reserved)) => (held != reserved).then(|| reserve(reserved)),
            // A new record of the same id has forgotten the one before, which had expired.
            (Some((before, held)), None) if after.reservation.is_none() => {
                Some(of(before, held.day, ChangeKind::Settle(before.spent)))
            }
            (Some((_, held)), None) => Some(of(after, held.day, ChangeKind::Settle(after.spent))),
        }
    }
}
