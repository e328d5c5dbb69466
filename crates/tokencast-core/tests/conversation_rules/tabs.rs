//! What a tab does: it subscribes, starts a turn in two steps, and may die between them.

use tokencast_core::conversation::{Added, Conversation, TurnHead, TurnRefused};
use tokencast_core::id::SessionId;
use tokencast_core::session::{ClaimRefused, Fingerprint, Input, Place, Session, Status};

use crate::world::{TTL, Tab, World, conversation_id, owner, session_id};

impl World {
    pub(crate) fn subscribe(&mut self, tab: usize) -> Option<()> {
        let id = session_id(tab);
        if self.tabs[tab] != Tab::Idle {
            return None;
        }
        let current = self.sessions.get(&id).cloned();
        match Session::claim(current.clone(), id, &owner(), self.now) {
            Ok(claimed) => {
                self.put(claimed);
            }
            Err(refused) => {
                assert_eq!(refused, ClaimRefused::Deleted);
                assert!(current.is_some_and(|it| it.is_deleted()));
            }
        }
        Some(())
    }

    /// Reads the records, and which turn is the last that is over.
    pub(crate) fn read(&mut self, tab: usize) -> Option<()> {
        let id = session_id(tab);
        let current = self.sessions.get(&id).cloned();
        if self.tabs[tab] == Tab::Done || matches!(self.tabs[tab], Tab::Reading { .. }) {
            return None;
        }
        let claimed = match Session::claim(current, id, &owner(), self.now) {
            Ok(claimed) => claimed,
            Err(refused) => {
                assert_eq!(refused, ClaimRefused::Deleted);
                self.tabs[tab] = Tab::Done;
                return Some(());
            }
        };
        // The same start again: it sends the job once more if that may be missing.
        if claimed.fingerprint.is_some() || claimed.status != Status::Claimed {
            let is_waiting = claimed.status == Status::Claimed;
            self.tabs[tab] = if is_waiting { Tab::Written } else { Tab::Done };
            return Some(());
        }
        let parent = self
            .turns
            .values()
            .filter(|turn| turn.status.is_terminal())
            .max_by_key(|turn| turn.position())
            .map(|turn| turn.session_id);
        let turns = self.conversation.as_ref().map_or(0, |it| it.turn_count);
        self.tabs[tab] = Tab::Reading { parent, turns };
        Some(())
    }

    /// Writes the session, the conversation, the turn and the prompt at once, if the first two are as they were read.
    pub(crate) fn write(&mut self, tab: usize) -> Option<()> {
        let Tab::Reading { parent, turns } = self.tabs[tab] else {
            return None;
        };
        let (id, now) = (session_id(tab), self.now);
        let prompt = id.to_string();
        let added = Added {
            session_id: id,
            prompt: &prompt,
            assistant: None,
            ttl: TTL,
        };
        let current = self.conversation.clone();
        // A record that has changed fails the transaction, and the tab reads again.
        let is_unchanged = current.as_ref().map_or(0, |it| it.turn_count) == turns;
        let conversation = Conversation::add_turn(current, conversation_id(), &owner(), added, now);
        let conversation = match conversation {
            Err(refused) => {
                assert_eq!(refused, TurnRefused::Deleted);
                self.tabs[tab] = Tab::Done;
                return Some(());
            }
            Ok(_) if !is_unchanged => {
                self.tabs[tab] = Tab::Idle;
                return Some(());
            }
            Ok(conversation) => conversation,
        };
        let session = self.sessions.get(&id).cloned();
        let is_startable = session.as_ref().is_none_or(|it| {
            it.status == Status::Claimed && it.fingerprint.is_none() && !it.is_deleted()
        });
        if !is_startable {
            self.tabs[tab] = Tab::Idle;
            return Some(());
        }
        let expires_at = conversation.turn_expires_at();
        let input = input(parent, expires_at, now + TTL);
        let started = Session::start(session, id, &owner(), &input, now, TTL).expect("startable");
        let turn = TurnHead::new(id, parent, &prompt, expires_at, now);
        self.put(started);
        self.conversation = Some(conversation);
        let before = self.turns.insert(id, turn);
        assert_eq!(before, None, "one turn a session");
        self.prompts.insert(id, prompt);
        self.tabs[tab] = Tab::Written;
        Some(())
    }

    /// Sends the job, and then notes that.
    pub(crate) fn send(&mut self, tab: usize) -> Option<()> {
        if self.tabs[tab] != Tab::Written {
            return None;
        }
        let (id, now) = (session_id(tab), self.now);
        let session = self.sessions.get(&id)?.clone();
        self.sent.insert(id, session.parent_id);
        if !session.is_deleted() {
            self.put(session.queue(now + TTL, now, TTL));
        }
        self.tabs[tab] = Tab::Done;
        Some(())
    }

    /// The process that starts the turn dies between two steps; the tab starts it again, once.
    pub(crate) fn crash(&mut self, tab: usize) -> Option<()> {
        if self.crashed > 0 || matches!(self.tabs[tab], Tab::Idle | Tab::Done) {
            return None;
        }
        self.crashed += 1;
        self.tabs[tab] = Tab::Idle;
        Some(())
    }
}

fn input(
    parent_id: Option<SessionId>,
    expires_at: tokencast_core::time::Timestamp,
    start_by: tokencast_core::time::Timestamp,
) -> Input {
    Input {
        fingerprint: Fingerprint::of("Why?", &[]),
        start_by,
        follower: None,
        place: Some(Place {
            conversation_id: conversation_id(),
            parent_id,
            expires_at,
        }),
        assistant: None,
        price: None,
        reservation: None,
    }
}
