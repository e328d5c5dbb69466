//! A conversation's records, the messages in the queue, and who works with them; and what each step makes of them.

use std::collections::BTreeMap;
use std::time::Duration;

use tokencast_core::conversation::{Conversation, TurnHead};
use tokencast_core::id::{Attempt, ConversationId, Owner, SessionId};
use tokencast_core::session::{Progress, Session, Status};
use tokencast_core::time::Timestamp;
use uuid::Uuid;

pub(crate) const LEASE: Duration = Duration::from_millis(10);
pub(crate) const TTL: Duration = Duration::from_secs(1_000_000);
pub(crate) const TABS: usize = 2;
/// How many attempts the search follows of one session.
pub(crate) const MAX_ATTEMPTS: u32 = 2;

/// The whole world at one moment.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) conversation: Option<Conversation>,
    pub(crate) turns: BTreeMap<SessionId, TurnHead>,
    /// The prompts, by session. The text of one is its session's id.
    pub(crate) prompts: BTreeMap<SessionId, String>,
    pub(crate) sessions: BTreeMap<SessionId, Session>,
    pub(crate) tabs: [Tab; TABS],
    /// The jobs that are in the queue, or may come again from it.
    pub(crate) sent: BTreeMap<SessionId, Option<SessionId>>,
    pub(crate) worker: Worker,
    pub(crate) deleter: Deleter,
    /// Whether a purge is in the queue.
    pub(crate) has_purge: bool,
    pub(crate) crashed: u32,
    pub(crate) stops: u32,
    pub(crate) ended_by_purge: u32,
}

/// A tab, which starts one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    Idle,
    /// It has read which turn it continues, and is about to write.
    Reading {
        parent: Option<SessionId>,
        turns: u32,
    },
    /// The turn is written, and its job is not sent yet.
    Written,
    Done,
}

/// A worker with one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Worker {
    Idle,
    Busy {
        id: SessionId,
        attempt: Attempt,
        progress: Progress,
    },
}

/// Whoever deletes the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deleter {
    Idle,
    /// The purge is sent.
    Sent,
    /// The tombstone is written, too.
    Tombstone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Tick,
    Subscribe(usize),
    Read(usize),
    Write(usize),
    Send(usize),
    Crash(usize),
    /// A delivery of the tab's job.
    Lease(usize),
    Say,
    Save,
    Finish,
    WorkerDies,
    Stop(usize),
    Delete,
    SendPurge,
    DeleteSession(usize),
    Purge(usize),
}

impl Step {
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![
            Self::Tick,
            Self::Say,
            Self::Save,
            Self::Finish,
            Self::WorkerDies,
            Self::Delete,
            Self::SendPurge,
        ];
        for tab in 0..TABS {
            all.extend([
                Self::Subscribe(tab),
                Self::Read(tab),
                Self::Write(tab),
                Self::Send(tab),
                Self::Crash(tab),
                Self::Lease(tab),
                Self::Stop(tab),
                Self::DeleteSession(tab),
                Self::Purge(tab),
            ]);
        }
        all
    }
}

pub(crate) fn conversation_id() -> ConversationId {
    Uuid::from_u128(1).into()
}

pub(crate) fn owner() -> Owner {
    Owner::new("me").expect("not empty")
}

/// The session of a tab.
pub(crate) fn session_id(tab: usize) -> SessionId {
    Uuid::from_u128(100 + tab as u128).into()
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            now: Timestamp::EPOCH,
            conversation: None,
            turns: BTreeMap::new(),
            prompts: BTreeMap::new(),
            sessions: BTreeMap::new(),
            tabs: [Tab::Idle; TABS],
            sent: BTreeMap::new(),
            worker: Worker::Idle,
            deleter: Deleter::Idle,
            has_purge: false,
            crashed: 0,
            stops: 0,
            ended_by_purge: 0,
        }
    }

    /// The world after a step; `None` where the step is not possible now.
    pub(crate) fn after(&self, step: Step) -> Option<Self> {
        let mut world = self.clone();
        match step {
            Step::Tick => {
                // Time passes only while it matters.
                let held = world
                    .sessions
                    .values()
                    .any(|it| it.has_live_lease(world.now));
                if !held {
                    return None;
                }
                world.now += LEASE;
            }
            Step::Subscribe(tab) => world.subscribe(tab)?,
            Step::Read(tab) => world.read(tab)?,
            Step::Write(tab) => world.write(tab)?,
            Step::Send(tab) => world.send(tab)?,
            Step::Crash(tab) => world.crash(tab)?,
            Step::Lease(tab) => world.lease(tab)?,
            Step::Say => world.say()?,
            Step::Save => world.save()?,
            Step::Finish => world.finish()?,
            Step::WorkerDies => world.die()?,
            Step::Stop(tab) => world.stop(tab)?,
            Step::Delete => world.delete()?,
            Step::SendPurge => world.send_purge()?,
            Step::DeleteSession(tab) => world.delete_session(tab)?,
            Step::Purge(tab) => world.purge(tab)?,
        }
        Some(world)
    }

    pub(crate) fn is_deleted(&self) -> bool {
        let conversation = self.conversation.as_ref();
        conversation.is_some_and(|it| it.deleted_at.is_some())
    }

    pub(crate) fn has(&self, status: Status) -> bool {
        self.sessions
            .values()
            .any(|session| session.status == status)
    }

    /// How many starts have written their turn.
    pub(crate) fn started(&self) -> usize {
        let conversation = self.conversation.as_ref();
        conversation.map_or(0, |it| it.turn_count as usize)
    }

    /// Writes a session's record as a store does: the write that ends a turn also writes its head.
    pub(crate) fn put(&mut self, session: Session) {
        let id = session.id;
        if session.status.is_terminal()
            && !session.is_deleted()
            && session.conversation_id.is_some()
            && let Some(turn) = self.turns.get_mut(&id)
        {
            turn.status = session.status;
            turn.answer_bytes = session.text.len();
            turn.is_blocked = session.ending.is_blocked();
        }
        self.sessions.insert(id, session);
    }
}
