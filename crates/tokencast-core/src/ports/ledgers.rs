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

/// How a ledger changes in the transaction in which a session is written.
#[derive(Clone, Copy, Debug)]
pub enum LedgerWrite<'a> {
    /// A start that was admitted: the ledger takes the place of the stored one, if that is still of its version.
    Admitted(&'a VersionedLedger),
    /// A change that nothing refuses, made to the ledger as it is then: [`Ledger::changed`]. So the ends of an owner's
    /// sessions need not wait for each other.
    Changed(&'a QuotaChange),
}

/// Where ledgers are kept. A ledger is written by [`SessionStore::put`](super::SessionStore::put) and
/// [`ConversationStore::add_turn`](super::ConversationStore::add_turn), in one transaction with a session. Without a table
/// of quotas, there are no ledgers.
pub trait LedgerStore: Send + Sync {
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
