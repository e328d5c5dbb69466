//! Quotas of owners: what a start reserves, and what an owner has used.

use std::time::Duration;

use super::{RequestError, Requests};
use crate::backoff::Backoff;
use crate::id::{ConversationId, SessionId};
use crate::job::Job;
use crate::ports::{
    Clock, Conflict, ConversationStore, LedgerStore, LedgerWrite, RequestPorts, SessionStore,
    Standing, StoreError, Versioned, VersionedLedger,
};
use crate::quota::change::ChangeKind;
use crate::quota::reservation::about_tokens;
use crate::quota::{
    Caller, Day, Exceeded, Ledger, Limits, QuotaChange, Quotas, Reservation, UsageReport,
};
use crate::session::{Input, Session};
use crate::time::Timestamp;

/// How often a start is tried whose conversation or quota others keep changing.
pub(super) const MAX_CONFLICTS: u32 = 20;

/// The pauses between two of these tries.
const CONFLICT: Backoff = Backoff {
    first: Duration::from_millis(5),
    cap: Duration::from_millis(200),
};

/// What decides about a start of a caller.
pub(super) struct Account {
    standing: Standing,
    limits: Limits,
}

impl<P: RequestPorts> Requests<P> {
    /// What the caller has used of today's quota, and what is left of it.
    ///
    /// # Errors
    ///
    /// The quota table does not answer.
    pub async fn usage(&self, caller: &Caller) -> Result<UsageReport, RequestError> {
        let now = self.clock.now();
        let Some(account) = self.account(caller, now).await? else {
            let (empty, limits) = (Ledger::new(Day::of(now)), Limits::default());
            return Ok(UsageReport::new(&empty, None, &limits, false, now));
        };
        let Account { standing, limits } = account;
        let (today, before) = (&standing.today.ledger, standing.before.as_ref());
        let mut assistants = self.assistants.iter();
        let has_prices = assistants.any(|it| self.assistants.price(&it.name).is_some());
        Ok(UsageReport::new(today, before, &limits, has_prices, now))
    }

    /// `None` where there are no quotas. Then the table is not read.
    pub(super) async fn account(
        &self,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Option<Account>, StoreError> {
        let Some(quotas) = &self.quotas else {
            return Ok(None);
        };
        let standing = Box::pin(self.sessions.standing(&caller.owner, Day::of(now))).await?;
        Ok(standing.map(|standing| Account::new(quotas, caller, standing)))
    }

    /// Writes down the start of a session outside of conversations, and what it may use of its owner's quota.
    pub(super) async fn start_alone(
        &self,
        caller: &Caller,
        id: SessionId,
        mut input: Input,
        job: &Job,
    ) -> Result<Versioned, RequestError> {
        let owner = &caller.owner;
        for conflicts in 0..MAX_CONFLICTS {
            pause(conflicts).await;
            let now = self.clock.now();
            let Some(account) = self.account(caller, now).await? else {
                return self.note_start(owner, id, &input).await;
            };
            let reserved = self.reservation(&input, job, 0, now);
            input.reservation = Some(reserved);
            let found = self.sessions.get(id).await?;
            let before = found.as_ref().map(|found| &found.session);
            let ttl = self.rules.session_ttl;
            let started = Session::start(before.cloned(), id, owner, &input, now, ttl)?;
            if !is_start(before, &started) {
                // It was started before, and is over if it is late.
                return self.note_start(owner, id, &input).await;
            }
            let ledger = account.reserve(id, &reserved, now)?;
            let ledger = LedgerWrite::Admitted(&ledger);
            let version = found.as_ref().map(|found| found.version);
            match self.sessions.put(&started, version, Some(ledger)).await? {
                Ok(version) => {
                    let session = started;
                    return Ok(Versioned { session, version });
                }
                // An earlier try succeeded, and only its response was lost.
                Err(Conflict(Some(found))) if found.session == started => return Ok(found),
                Err(Conflict(_)) => {}
            }
        }
        Err(StoreError {
            operation: "start",
            source: "the owner's quota kept changing".into(),
        }
        .into())
    }

    /// What a start may use of its owner's quota, with the assistant of its input.
    pub(super) fn reservation(
        &self,
        input: &Input,
        job: &Job,
        told_tokens: u32,
        now: Timestamp,
    ) -> Reservation {
        let assistant = input.assistant.as_ref();
        let assistant = assistant.and_then(|name| self.assistants.get(name));
        let assistant = assistant.unwrap_or_else(|| self.assistants.default_assistant());
        let instructions = assistant.system_prompt.as_ref().map_or(0, String::len);
        let told_bytes = instructions + job.prompt.len() + job.brought.text_bytes();
        let input_tokens = about_tokens(told_bytes).saturating_add(told_tokens);
        let max_tokens = job.brought.max_tokens.unwrap_or(u32::MAX);
        let output_tokens = max_tokens.min(assistant.max_tokens);
        Reservation::new(input_tokens, output_tokens, input.start_by, now)
    }

    /// About how many tokens a model is told of the turns before a new one.
    pub(super) async fn history_tokens(
        &self,
        id: ConversationId,
        parent: Option<SessionId>,
    ) -> Result<u32, StoreError> {
        let Some(parent) = parent else {
            return Ok(0);
        };
        let turn = self.conversations.turn(id, parent).await?;
        let tokens = turn.map_or(0, |turn| match turn.usage {
            // Its input has all turns before it.
            Some(usage) => u32::try_from(usage.all_tokens()).unwrap_or(u32::MAX),
            None => about_tokens(turn.prompt_bytes + turn.answer_bytes),
        });
        Ok(tokens.min(self.rules.max_history_tokens))
    }
}

impl Account {
    fn new(quotas: &Quotas, caller: &Caller, standing: Standing) -> Self {
        let limits = quotas.of(caller).overridden_by(&standing.overrides);
        Self { standing, limits }
    }

    /// The owner's ledger with a start that was admitted, to be written with the session's record.
    ///
    /// # Errors
    ///
    /// [`Exceeded`] if a limit would be exceeded.
    pub(super) fn reserve(
        self,
        session_id: SessionId,
        reserved: &Reservation,
        now: Timestamp,
    ) -> Result<VersionedLedger, Exceeded> {
        let Standing { today, before, .. } = self.standing;
        let ledger = today.ledger;
        let ledger = ledger.reserve(before.as_ref(), &self.limits, session_id, reserved, now)?;
        Ok(VersionedLedger { ledger, ..today })
    }
}

/// Whether a write of a session is its start, for which a quota is asked.
fn is_start(before: Option<&Session>, after: &Session) -> bool {
    let change = QuotaChange::between(before, after);
    change.is_some_and(|change| matches!(change.kind, ChangeKind::Reserve { .. }))
}

/// Starts that come together go apart.
pub(super) async fn pause(conflicts: u32) {
    if conflicts > 0 {
        tokio::time::sleep(CONFLICT.delay(conflicts)).await;
    }
}
