//! The ports in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokencast_core::block::Piece;
use tokencast_core::conversation::{Conversation, TurnHead};
use tokencast_core::event::{ConversationEvent, TokenEvent, Usage};
use tokencast_core::failure::Failure;
use tokencast_core::id::{Attempt, ConversationId, Owner, SessionId};
use tokencast_core::job::{Job, Purge};
use tokencast_core::ports::{
    Clock, Conflict, ConversationConflict, ConversationPage, ConversationSink, ConversationStore,
    Fence, JobQueue, LedgerStore, LedgerWrite, ListPosition, Model, ModelEvent, ModelRequest,
    NewTurn, Ports, QueueError, Receipt, RequestPorts, SessionStore, Standing, StoreError,
    StoredTurn, TokenSink, TokenSource, Version, Versioned, VersionedConversation, VersionedLedger,
};
use tokencast_core::quota::{Day, Ledger, Overrides};
use tokencast_core::session::Session;
use tokencast_core::time::{Deadline, Timestamp};

pub(crate) enum Memory {}

impl Ports for Memory {
    type Model = Parrot;
    type Sink = Tables;
    type Store = Tables;
    type Conversations = Tables;
    type Changes = Tables;
    type Receipt = Tables;
    type Clock = Tables;
}

impl RequestPorts for Memory {
    type Sessions = Tables;
    type Conversations = Tables;
    type Queue = Tables;
    type Changes = Tables;
    type Clock = Tables;
}

/// Both tables, the queue, and what was published.
#[derive(Clone, Default)]
pub(crate) struct Tables(Arc<Mutex<State>>);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) now: Timestamp,
    pub(crate) sessions: BTreeMap<SessionId, Versioned>,
    pub(crate) conversations: BTreeMap<ConversationId, VersionedConversation>,
    pub(crate) turns: BTreeMap<(ConversationId, SessionId), TurnHead>,
    pub(crate) prompts: BTreeMap<SessionId, String>,
    pub(crate) jobs: VecDeque<Job>,
    pub(crate) purges: VecDeque<Purge>,
    pub(crate) told: Vec<ConversationEvent>,
    /// Whether the next start finds that another one was quicker.
    pub(crate) rival: Option<Job>,
    /// The session whose next read is from before it was started.
    pub(crate) read_before: Option<SessionId>,
    pub(crate) extended: Vec<(SessionId, Timestamp)>,
    pub(crate) queue_is_down: bool,
    /// The owners' ledgers, each with its version.
    pub(crate) ledgers: BTreeMap<(String, Day), (Ledger, u32)>,
    pub(crate) overrides: Overrides,
    /// Whether the next write of a ledger finds that another one was quicker.
    pub(crate) ledger_rivals: u32,
}

impl Tables {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Tables {
    fn now(&self) -> Timestamp {
        self.state().now
    }
}

impl Receipt for Tables {
    async fn extend_visibility(&self, _: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

impl TokenSink for Tables {
    async fn publish(&self, _: &TokenEvent, _: &Fence, _: Deadline) -> Result<(), Failure> {
        Ok(())
    }
}

impl ConversationSink for Tables {
    async fn tell(&self, event: &ConversationEvent, _: Deadline) -> Result<(), Failure> {
        self.state().told.push(event.clone());
        Ok(())
    }
}

impl JobQueue for Tables {
    async fn send_after(&self, job: &Job, _: Duration) -> Result<(), QueueError> {
        let mut state = self.state();
        if state.queue_is_down {
            let operation = "send";
            let source = "down".into();
            return Err(QueueError { operation, source });
        }
        state.jobs.push_back(job.clone());
        Ok(())
    }

    async fn send_purge(&self, purge: &Purge, _: Duration) -> Result<(), QueueError> {
        self.state().purges.push_back(purge.clone());
        Ok(())
    }
}

impl LedgerStore for Tables {
    async fn standing(&self, owner: &Owner, day: Day) -> Result<Option<Standing>, StoreError> {
        let state = self.state();
        let found = |day| state.ledgers.get(&(owner.as_str().to_owned(), day));
        let today = found(day);
        Ok(Some(Standing {
            today: VersionedLedger {
                owner: owner.clone(),
                ledger: today.map_or_else(|| Ledger::new(day), |(ledger, _)| ledger.clone()),
                version: today.map(|(_, version)| *version),
            },
            before: found(day.before()).map(|(ledger, _)| ledger.clone()),
            overrides: state.overrides,
        }))
    }
}

impl State {
    /// Writes a ledger, if it is still as it was. Whether it was written.
    fn put_ledger(&mut self, ledger: Option<LedgerWrite<'_>>) -> bool {
        let written = match ledger {
            None => return true,
            Some(LedgerWrite::Changed(change)) => {
                let key = (change.owner.as_str().to_owned(), change.day);
                let found = self.ledgers.remove(&key);
                let (ledger, version) = found.unwrap_or_else(|| (Ledger::new(change.day), 0));
                let changed = (ledger.changed(change), version + 1);
                self.ledgers.insert(key, changed);
                return true;
            }
            Some(LedgerWrite::Admitted(written)) => written,
        };
        let key = (written.owner.as_str().to_owned(), written.ledger.day);
        if std::mem::take(&mut self.ledger_rivals) > 0 {
            self.ledgers
                .entry(key.clone())
                .or_insert_with(|| (Ledger::new(written.ledger.day), 0))
                .1 += 1;
        }
        let found = self.ledgers.get(&key).map(|(_, version)| *version);
        if found != written.version {
            return false;
        }
        let version = found.unwrap_or_default() + 1;
        self.ledgers.insert(key, (written.ledger.clone(), version));
        true
    }
}

impl SessionStore for Tables {
    async fn get(&self, id: SessionId) -> Result<Option<Versioned>, StoreError> {
        let mut state = self.state();
        let is_before = state.read_before.take_if(|before| *before == id).is_some();
        let found = state.sessions.get(&id).filter(|_| !is_before);
        Ok(found.cloned())
    }

    async fn put(
        &self,
        session: &Session,
        expected: Option<Version>,
        ledger: Option<LedgerWrite<'_>>,
    ) -> Result<Result<Version, Conflict>, StoreError> {
        let mut state = self.state();
        let found = state.sessions.get(&session.id).cloned();
        if found.as_ref().map(|found| found.version) != expected {
            return Ok(Err(Conflict(found)));
        }
        if !state.put_ledger(ledger) {
            return Ok(Err(Conflict(found)));
        }
        if let Some(id) = session.conversation_id
            && session.status.is_terminal()
            && !session.is_deleted()
            && let Some(turn) = state.turns.get_mut(&(id, session.id))
        {
            turn.status = session.status;
            turn.usage = session.ending.usage;
            turn.answer_bytes = session.text.len();
            turn.is_blocked = session.ending.is_blocked();
        }
        let version = Version::after(expected);
        let session = session.clone();
        state
            .sessions
            .insert(session.id, Versioned { session, version });
        Ok(Ok(version))
    }
}

impl ConversationStore for Tables {
    async fn conversation(
        &self,
        id: ConversationId,
    ) -> Result<Option<VersionedConversation>, StoreError> {
        Ok(self.state().conversations.get(&id).cloned())
    }

    async fn put_conversation(
        &self,
        conversation: &Conversation,
        expected: Option<u32>,
    ) -> Result<Result<u32, ConversationConflict>, StoreError> {
        let mut state = self.state();
        let found = state.conversations.get(&conversation.id).cloned();
        if found.as_ref().map(|found| found.version) != expected {
            return Ok(Err(ConversationConflict(found)));
        }
        let version = expected.unwrap_or_default() + 1;
        let conversation = conversation.clone();
        let written = VersionedConversation {
            conversation,
            version,
        };
        state.conversations.insert(written.conversation.id, written);
        Ok(Ok(version))
    }

    async fn turn(
        &self,
        id: ConversationId,
        session_id: SessionId,
    ) -> Result<Option<TurnHead>, StoreError> {
        Ok(self.state().turns.get(&(id, session_id)).cloned())
    }

    async fn turns(&self, id: ConversationId) -> Result<Vec<TurnHead>, StoreError> {
        let state = self.state();
        let turns = state.turns.iter().filter(|((of, _), _)| *of == id);
        Ok(turns.map(|(_, turn)| turn.clone()).collect())
    }

    async fn add_turn(&self, new: NewTurn<'_>) -> Result<Option<Version>, StoreError> {
        let rival = self.state().rival.take();
        if let Some(rival) = rival {
            self.state()
                .conversations
                .entry(new.conversation.id)
                .and_modify(|found| {
                    found.version += 1;
                    found.conversation.last_session = Some(rival.session_id);
                });
            return Ok(None);
        }
        let mut state = self.state();
        let session = state.sessions.get(&new.session.id).map(|it| it.version);
        let id = new.conversation.id;
        let conversation = state.conversations.get(&id).map(|it| it.version);
        if session != new.session_version || conversation != new.conversation_version {
            return Ok(None);
        }
        if !state.put_ledger(new.ledger.map(LedgerWrite::Admitted)) {
            return Ok(None);
        }
        let version = Version::after(session);
        let written = Versioned {
            session: new.session.clone(),
            version,
        };
        state.sessions.insert(new.session.id, written);
        let written = VersionedConversation {
            conversation: new.conversation.clone(),
            version: conversation.unwrap_or_default() + 1,
        };
        state.conversations.insert(id, written);
        state.turns.insert((id, new.session.id), new.turn.clone());
        state.prompts.insert(new.session.id, new.prompt.to_owned());
        Ok(Some(version))
    }

    async fn texts(
        &self,
        _: ConversationId,
        turns: Vec<TurnHead>,
    ) -> Result<Vec<StoredTurn>, StoreError> {
        let state = self.state();
        let stored = turns.into_iter().map(|turn| StoredTurn {
            prompt: state
                .prompts
                .get(&turn.session_id)
                .cloned()
                .unwrap_or_default(),
            session: state
                .sessions
                .get(&turn.session_id)
                .map(|it| it.session.clone()),
            turn,
        });
        Ok(stored.collect())
    }

    async fn list(
        &self,
        owner: &Owner,
        limit: u32,
        after: Option<ListPosition>,
    ) -> Result<ConversationPage, StoreError> {
        let state = self.state();
        let mine = state
            .conversations
            .values()
            .map(|it| it.conversation.clone());
        let mut mine: Vec<_> = mine.filter(|it| it.owner == *owner).collect();
        mine.sort_by_key(|it| std::cmp::Reverse((it.listed_at, it.id)));
        mine.retain(|it| {
            after.is_none_or(|at| (it.listed_at, it.id) < (at.listed_at, at.conversation_id))
        });
        let has_more = mine.len() > limit as usize;
        mine.truncate(limit as usize);
        let next = mine.last().filter(|_| has_more).map(|it| ListPosition {
            listed_at: it.listed_at,
            conversation_id: it.id,
        });
        Ok(ConversationPage {
            conversations: mine,
            next,
        })
    }

    async fn extend_turn(
        &self,
        id: ConversationId,
        turn: &TurnHead,
        to: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        state.extended.push((turn.session_id, to));
        if let Some(turn) = state.turns.get_mut(&(id, turn.session_id)) {
            turn.expires_at = to;
        }
        Ok(())
    }

    async fn erase_turn(
        &self,
        id: ConversationId,
        turn: &TurnHead,
        _: Attempt,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        state.prompts.remove(&turn.session_id);
        state.turns.remove(&(id, turn.session_id));
        Ok(())
    }
}

/// Repeats the prompt, and notes what it was told.
#[derive(Clone, Default)]
pub(crate) struct Parrot {
    pub(crate) told: Arc<Mutex<Vec<ModelRequest>>>,
}

impl Model for Parrot {
    type Tokens = Words;

    async fn start(&self, request: &ModelRequest) -> Result<Words, Failure> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(request.clone());
        let prompt = request.turns.last().map_or("", |turn| turn.text.as_str());
        let usage = Usage {
            input_tokens: 10,
            output_tokens: 5,
            total_tokens: 15,
            ..Usage::default()
        };
        Ok(Words(VecDeque::from([
            ModelEvent::Piece(Piece::text(format!("You said: {prompt}"))),
            ModelEvent::Stopped("end_turn".to_owned()),
            ModelEvent::Usage(usage),
        ])))
    }
}

pub(crate) struct Words(VecDeque<ModelEvent>);

impl TokenSource for Words {
    async fn next(&mut self) -> Result<Option<ModelEvent>, Failure> {
        Ok(self.0.pop_front())
    }
}
