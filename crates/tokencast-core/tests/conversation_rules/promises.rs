//! What holds in each world, and from one to the next.

use tokencast_core::session::Session;

use crate::world::{Step, TABS, Worker, World, conversation_id, session_id};

impl World {
    /// What holds at every moment.
    pub(crate) fn check(&self) {
        // Every start that has succeeded is a turn, and every turn is one of them.
        if !self.is_deleted() {
            assert_eq!(self.turns.len(), self.started(), "{self:?}");
        }
        for (id, turn) in &self.turns {
            let session = &self.sessions[id];
            assert_eq!(session.conversation_id, Some(conversation_id()));
            assert_eq!(session.parent_id, turn.parent, "{self:?}");
            assert!(self.prompts.contains_key(id), "{self:?}");
            assert_ne!(turn.parent, Some(*id));
            if let Some(parent) = turn.parent.filter(|_| !self.is_deleted()) {
                assert!(self.turns[&parent].status.is_terminal(), "{self:?}");
            }
            if !session.is_deleted() {
                let is_over = session.status.is_terminal();
                assert_eq!(turn.status.is_terminal(), is_over, "{self:?}");
                assert!(!is_over || turn.status == session.status, "{self:?}");
            }
        }
        // No session claims to be a turn that isn't one.
        for (id, session) in &self.sessions {
            let is_turn = self.turns.contains_key(id);
            let was_turn = session.conversation_id.is_some();
            assert!(is_turn || !was_turn || session.is_deleted(), "{self:?}");
            assert!(!is_turn || was_turn);
            // Nothing of a deleted session can be read, and nobody can start it.
            if session.is_deleted() {
                assert!(self.is_deleted());
                assert_eq!((session.text.as_str(), session.fingerprint), ("", None));
            }
        }
        // A purge that is over has left nothing.
        if self.is_deleted() && self.turns.is_empty() {
            assert!(self.prompts.is_empty(), "{self:?}");
            assert!(
                self.sessions.values().all(|it| it.text.is_empty()),
                "{self:?}"
            );
        }
        if let Some(conversation) = self.conversation.as_ref().filter(|_| self.is_deleted()) {
            assert_eq!(conversation.title, "");
        }
    }

    /// What may not happen from one moment to the next.
    pub(crate) fn check_change(&self, next: &Self, step: Step) {
        if self.is_deleted() {
            assert!(next.is_deleted());
            let grown = next.turns.keys().any(|id| !self.turns.contains_key(id));
            assert!(!grown, "nothing is created: {step:?} of {self:?}");
        } else {
            for (id, turn) in &self.turns {
                assert!(next.turns.contains_key(id), "no turn is lost: {step:?}");
                assert_eq!(next.turns[id].parent, turn.parent, "no turn moves");
            }
        }
        for (id, before) in &self.sessions {
            let after = &next.sessions[id];
            let ended = before.status.is_terminal();
            if ended && !after.is_deleted() {
                assert_eq!(before, after, "what is over stays as it is");
            }
            if before.is_deleted() {
                assert!(after.is_deleted() && after.text.is_empty(), "{step:?}");
                assert!(!ended || before.sequence == after.sequence, "it ends once");
            }
        }
    }

    /// All that matters of a world, so that equal situations are seen once.
    pub(crate) fn key(&self) -> String {
        let session = |session: &Session| {
            format!(
                "{:?}{}{}{}{}{}{:?}{}",
                session.status,
                session.fingerprint.is_some(),
                session.last_attempt.0,
                session.sequence.0,
                session.stop_requested,
                session.is_deleted(),
                session.lease.map(|_| session.has_live_lease(self.now)),
                session.text.len(),
            )
        };
        let sessions: Vec<_> = (0..TABS)
            .map(|tab| self.sessions.get(&session_id(tab)).map(session))
            .collect();
        let turns: Vec<_> = (0..TABS)
            .map(|tab| {
                let turn = self.turns.get(&session_id(tab));
                turn.map(|turn| (turn.parent, turn.status))
            })
            .collect();
        let worker = match &self.worker {
            Worker::Idle => String::new(),
            Worker::Busy {
                id,
                attempt,
                progress,
            } => format!("{id}{}{}", attempt.0, progress.sequence.0),
        };
        format!(
            "{sessions:?}{turns:?}{worker}{:?}{:?}{:?}{}{}{}{}{}{}",
            self.tabs,
            self.sent.keys(),
            self.deleter,
            self.has_purge,
            self.is_deleted(),
            self.started(),
            self.crashed,
            self.stops,
            self.ended_by_purge
        )
    }
}
