//! The start of a turn of a conversation: one transaction of the session's record, the conversation's, the turn's head and its
//! prompt.

use tracing::info;

use super::quotas::{Account, MAX_CONFLICTS, pause};
use super::start::Within;
use super::{RequestError, Requests};
use crate::conversation::parent::Continues;
use crate::conversation::{Added, Conversation, TurnHead};
use crate::id::SessionId;
use crate::job::Job;
use crate::ports::{
    Clock, ConversationStore, NewTurn, RequestPorts, SessionStore, StoreError, Versioned,
    VersionedConversation,
};
use crate::quota::Caller;
use crate::session::{Input, Place, Session, Status};
use crate::time::Timestamp;

/// A turn that is to be added to a conversation.
struct Turn<'a> {
    caller: &'a Caller,
    id: SessionId,
    within: Within,
    input: Input,
    job: &'a Job,
    named: Option<&'a str>,
}

/// What decides about a turn, as it was read.
type Found = (
    Option<Versioned>,
    Option<VersionedConversation>,
    Option<Account>,
);

impl<P: RequestPorts> Requests<P> {
    /// Adds the session to its conversation, and makes the conversation if there is none. Returns the session that was
    /// started before, if it was; and the conversation's title, if it is new.
    pub(super) async fn add_turn(
        &self,
        caller: &Caller,
        id: SessionId,
        within: Within,
        input: Input,
        job: &Job,
        named: Option<&str>,
    ) -> Result<(Versioned, Option<String>), RequestError> {
        let mut turn = Turn {
            caller,
            id,
            within,
            input,
            job,
            named,
        };
        for conflicts in 0..MAX_CONFLICTS {
            pause(conflicts).await;
            let now = self.clock.now();
            let found = tokio::try_join!(
                self.sessions.get(id),
                self.conversations.conversation(within.conversation_id),
                self.account(caller, now),
            )?;
            let version = found.0.as_ref().map(|found| found.version);
            let refused = match self.try_turn(&mut turn, found, now).await {
                Ok(Some(added)) => return Ok(added),
                Ok(None) => continue,
                Err(refused) => refused,
            };
            // The same start, sent twice, may have come in between: its turn is what this one was refused for.
            let found = self.sessions.get(id).await?;
            if found.map(|found| found.version) == version {
                return Err(refused);
            }
        }
        let operation = "add a turn";
        let source = "its conversation kept changing".into();
        Err(StoreError { operation, source }.into())
    }

    /// Adds a turn, as far as it is allowed by what was found. `None` if that has changed.
    async fn try_turn(
        &self,
        turn: &mut Turn<'_>,
        (session, conversation, account): Found,
        now: Timestamp,
    ) -> Result<Option<(Versioned, Option<String>)>, RequestError> {
        let Turn {
            caller,
            id,
            within,
            ref mut input,
            job,
            named,
        } = *turn;
        let (owner, prompt) = (&caller.owner, job.prompt.as_str());
        let conversation_id = within.conversation_id;
        let claimed = session.as_ref().map(|found| found.session.clone());
        let claimed = Session::claim(claimed, id, owner, now)?;
        if claimed.status != Status::Claimed || claimed.fingerprint.is_some() {
            let started = self.note_start(owner, id, input).await?;
            // A start in the same place is in the conversation already.
            return Ok(Some((started, None)));
        }
        let before = conversation
            .as_ref()
            .map(|found| found.conversation.clone());
        let remembered = conversation
            .as_ref()
            .map(|found| &found.conversation)
            .filter(|found| found.owner == *owner && !found.is_expired(now))
            .and_then(|found| found.assistant.as_ref());
        let assistant = self.assistants.choose(named, remembered)?;
        self.check_system_prompt(assistant, &job.brought)?;
        let assistant = assistant.name.clone();
        let added = Added {
            session_id: id,
            prompt,
            assistant: Some(&assistant),
            ttl: self.rules.conversation_ttl,
        };
        let after = Conversation::add_turn(before.clone(), conversation_id, owner, added, now)?;
        let before = before.filter(|before| !before.is_expired(now));
        let continues = Continues::of(within.parent_id, conversation_id);
        let parent_id = self
            .parent(owner, id, conversation_id, before.as_ref(), continues)
            .await?;
        let expires_at = after.turn_expires_at();
        input.price = self.assistants.price(&assistant);
        input.assistant = Some(assistant.clone());
        input.place = Some(Place {
            conversation_id,
            parent_id,
            expires_at,
        });
        let ledger = match account {
            None => None,
            Some(account) => {
                let told = self.history_tokens(conversation_id, parent_id).await?;
                let reserved = self.reservation(input, job, told, now);
                input.reservation = Some(reserved);
                Some(account.reserve(id, &reserved, now)?)
            }
        };
        let ttl = self.rules.session_ttl;
        let started = Session::start(Some(claimed), id, owner, input, now, ttl)?;
        let turn = NewTurn {
            session: &started,
            session_version: session.map(|found| found.version),
            conversation: &after,
            conversation_version: conversation.map(|found| found.version),
            turn: &TurnHead::new(id, parent_id, prompt, expires_at, now),
            prompt,
            ledger: ledger.as_ref(),
        };
        let Some(version) = self.conversations.add_turn(turn).await? else {
            return Ok(None);
        };
        info!(session = %id, conversation = %conversation_id, "a turn begins");
        let title = (after.turn_count == 1).then_some(after.title);
        let session = started;
        Ok(Some((Versioned { session, version }, title)))
    }
}
