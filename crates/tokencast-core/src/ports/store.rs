//! The session table: compare and set, and the loop that applies a rule with it.

use std::future::Future;

use thiserror::Error;

use super::{LedgerStore, LedgerWrite};
use crate::id::{Attempt, SessionId};
use crate::quota::QuotaChange;
use crate::session::Session;

/// How often a rule is applied to a record that others keep changing.
pub(crate) const MAX_CONFLICTS: usize = 10;

/// Identifies one write of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// Counts the writes of one record; 0 before the first.
    pub number: u32,
    /// What the store has written apart from the record.
    pub sealed: Sealed,
}

impl Version {
    /// The version of the write that follows `expected`.
    pub fn after(expected: Option<Self>) -> Self {
        let Self { number, sealed } = expected.unwrap_or_default();
        Self {
            number: number + 1,
            sealed,
        }
    }
}

/// The start of the answer that a store has written once and for all, apart from the record, so that it need not be
/// written with each checkpoint. A store that writes no such chunks leaves this at its default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// The attempt whose answer it is.
    pub attempt: Attempt,
    /// How many chunks of the text.
    pub chunks: u32,
    /// How many chunks of the other pieces.
    pub piece_chunks: u32,
}

/// A record and the write that it is from.
#[derive(Clone, Debug)]
pub struct Versioned {
    pub session: Session,
    pub version: Version,
}

pub trait SessionStore: LedgerStore {
    /// Reads the record consistently.
    ///
    /// # Errors
    ///
    /// The table does not answer, or the record is malformed.
    fn get(
        &self,
        id: SessionId,
    ) -> impl Future<Output = Result<Option<Versioned>, StoreError>> + Send;

    /// Writes a record if the stored one is still `expected` (`None`: if there is none), and returns the new version. With a
    /// ledger, writes both or none.
    ///
    /// # Errors
    ///
    /// The table does not answer. Whether the record was written is then unknown. That another write came first is no
    /// failure, but a [`Conflict`].
    fn put(
        &self,
        session: &Session,
        expected: Option<Version>,
        ledger: Option<LedgerWrite<'_>>,
    ) -> impl Future<Output = Result<Result<Version, Conflict>, StoreError>> + Send;
}

/// Another write came first, of the record or of the ledger. Holds the record as it stands.
#[derive(Clone, Debug)]
pub struct Conflict(pub Option<Versioned>);

#[derive(Debug, Error)]
#[error("the table did not answer: {operation} failed")]
pub struct StoreError {
    pub operation: &'static str,
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// What a rule makes of a record, and what it returns to the caller.
pub struct Applied<T> {
    /// `None` where nothing is to be written.
    pub write: Option<Session>,
    pub answer: T,
}

/// Applies a rule to a record and writes the result, with what it means for the owner's quota. Repeats all while others
/// write in between.
///
/// `known` is the record as the caller last saw it. If it is still current, that saves a read.
///
/// # Errors
///
/// The table does not answer, or others kept changing the record.
pub async fn update<S: SessionStore, T>(
    store: &S,
    id: SessionId,
    known: Option<Versioned>,
    mut rule: impl FnMut(Option<Session>) -> Applied<T> + Send,
) -> Result<(T, Option<Versioned>), StoreError>
where
    T: Send,
{
    let mut current = match known {
        Some(known) => Some(known),
        None => store.get(id).await?,
    };
    for _ in 0..MAX_CONFLICTS {
        let version = current.as_ref().map(|current| current.version);
        let before = current.as_ref().map(|current| &current.session);
        let Applied { write, answer } = rule(before.cloned());
        let Some(session) = write.filter(|session| Some(session) != before) else {
            return Ok((answer, current));
        };
        let change = QuotaChange::between(before, &session);
        let ledger = change.as_ref().map(LedgerWrite::Changed);
        match store.put(&session, version, ledger).await? {
            Ok(version) => return Ok((answer, Some(Versioned { session, version }))),
            // The stored record is what was to be written: an earlier try succeeded, and only its response was lost.
            Err(Conflict(Some(found))) if found.session == session => {
                return Ok((answer, Some(found)));
            }
            Err(Conflict(found)) => current = found,
        }
    }
    Err(StoreError {
        operation: "update",
        source: "the record kept changing".into(),
    })
}
