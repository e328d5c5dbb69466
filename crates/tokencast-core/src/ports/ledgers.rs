//! The quota table: what owners have used, written together with their sessions.

use std::future::Future;

use super::StoreError;
use crate::id::Owner;
use crate::quota::{Day, Ledger, Overrides, QuotaChange};

/// A ledger, and the number of the write that it is from; `None` if there was none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedLedger {
    pub owner: Owner,
    pub ledger: Ledger,
    pub version: Option<u32>,
}

/// All that decides whether an owner may start a session.
#[derive(Clone, Debug)]
pub struct Standing {
    pub today: VersionedLedger,
    /// The ledger of the day before; `None` if nothing was started on it.
    pub before: Option<Ledger>,
    /// What an administrator has given the owner in place of the configured limits.
    pub overrides: Overrides,
}

/// Where ledgers are kept. A ledger is written by [`SessionStore::put`](super::SessionStore::put) and
/// [`ConversationStore::add_turn`](super::ConversationStore::add_turn), in one transaction with a session. Without a table
/// of quotas, there are no ledgers.
pub trait LedgerStore: Send + Sync {
    /// Reads an owner's ledger of a day consistently: an empty one if nothing was started on it. `None` without a table
    /// of quotas.
    ///
    /// # Errors
    ///
    /// The table does not answer, or the ledger is malformed.
    fn ledger(
        &self,
        owner: &Owner,
        day: Day,
    ) -> impl Future<Output = Result<Option<VersionedLedger>, StoreError>> + Send {
        let _ = (owner, day);
        async { Ok(None) }
    }

    /// Reads what decides about a start on a day consistently. `None` without a table of quotas.
    ///
    /// # Errors
    ///
    /// The table does not answer, or an item is malformed.
    fn standing(
        &self,
        owner: &Owner,
        day: Day,
    ) -> impl Future<Output = Result<Option<Standing>, StoreError>> + Send {
        let _ = (owner, day);
        async { Ok(None) }
    }
}

impl VersionedLedger {
    /// The ledger with a change that nothing refuses, to be written in place of this one.
    #[must_use]
    pub fn changed(self, change: &QuotaChange) -> Self {
        Self {
            ledger: self.ledger.changed(change),
            ..self
        }
    }
}
