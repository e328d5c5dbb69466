//! What a delete does, step by step, and its purge.

use tokencast_core::conversation::Conversation;

use crate::world::{Deleter, World, conversation_id, owner, session_id};

impl World {
    /// The tombstone is written.
    pub(crate) fn delete(&mut self) -> Option<()> {
        if self.deleter != Deleter::Sent {
            return None;
        }
        let current = self.conversation.clone();
        let Ok(deleted) = Conversation::delete(current.clone(), &owner(), self.now) else {
            assert_eq!(current, None);
            return None;
        };
        self.conversation = Some(deleted);
        self.deleter = Deleter::Tombstone;
        Some(())
    }

    pub(crate) fn send_purge(&mut self) -> Option<()> {
        if self.deleter != Deleter::Idle || self.conversation.is_none() {
            return None;
        }
        self.deleter = Deleter::Sent;
        self.has_purge = true;
        Some(())
    }

    /// Whoever deletes the conversation deletes its sessions, too, but may die at any of them.
    pub(crate) fn delete_session(&mut self, tab: usize) -> Option<()> {
        let id = session_id(tab);
        if self.deleter != Deleter::Tombstone || !self.turns.contains_key(&id) {
            return None;
        }
        let session = self.sessions.get(&id)?.clone();
        let deleted = session.clone().delete(self.now);
        if deleted == session {
            return None;
        }
        self.put(deleted);
        Some(())
    }

    /// The purge deletes a turn's session, and what is left of it once nobody has it.
    pub(crate) fn purge(&mut self, tab: usize) -> Option<()> {
        let id = session_id(tab);
        // A purge waits for its tombstone. Whoever deletes may die before it.
        if !self.has_purge || !self.is_deleted() {
            return None;
        }
        if self.turns.is_empty() {
            self.has_purge = false;
            return Some(());
        }
        if !self.turns.contains_key(&id) {
            return None;
        }
        let session = self.sessions.get(&id)?.clone();
        assert_eq!(session.conversation_id, Some(conversation_id()));
        let deleted = session.clone().delete(self.now);
        if deleted.status.is_terminal() {
            self.ended_by_purge += u32::from(!session.status.is_terminal());
            self.ended_by_purge = self.ended_by_purge.min(1);
            self.turns.remove(&id);
            self.prompts.remove(&id);
        } else if deleted == session {
            return None;
        }
        self.put(deleted);
        Some(())
    }
}
