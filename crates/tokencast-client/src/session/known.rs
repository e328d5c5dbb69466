//! What is known of a session, where a replay from its first event may take a snapshot's place.

use crate::event::{Snapshot, TokenEvent};
use crate::position::Position;
use crate::transcript::{Change, Transcript};

#[derive(Default)]
pub(super) struct Known {
    transcript: Transcript,
    /// The session once more from its first event, where the transcript may not be true.
    replay: Option<Transcript>,
    /// The session is said to be over, or to have less than is known here, though its last event hasn't come. All of it has at
    /// least the event that ends it.
    pub(super) is_short: bool,
}

impl Known {
    pub(super) fn is_over(&self) -> bool {
        self.transcript.ending().is_some()
    }

    pub(super) fn is_missing_some(&self) -> bool {
        self.is_short || self.transcript.needs_snapshot()
    }

    /// Whether events are missing that aren't on their way.
    pub(super) fn has_gap(&self) -> bool {
        self.transcript.needs_snapshot() && self.replay.is_none()
    }

    /// Behind which event to go on. All of the session is asked for if what is known may not be true.
    pub(super) fn resume_from(&mut self) -> Option<Position> {
        let is_unsure = self.is_short || self.transcript.is_in_doubt();
        self.replay = is_unsure.then(Transcript::default);
        Some(self.transcript.position()).filter(|position| !is_unsure && position.sequence > 0)
    }

    /// Takes an event in. A replay that has come as far as the transcript is as good as a snapshot.
    pub(super) fn event(&mut self, event: TokenEvent) -> Vec<Change> {
        let Some(replay) = &mut self.replay else {
            return self.transcript.event(event);
        };
        let mut changes = self.transcript.event(event.clone());
        replay.event(event);
        let has_reached = replay.position() >= self.transcript.position();
        if has_reached || replay.ending().is_some() {
            changes.extend(self.transcript.snapshot(replay.as_snapshot()));
            self.replay = None;
        }
        changes
    }

    pub(super) fn snapshot(&mut self, snapshot: Snapshot) -> Vec<Change> {
        self.transcript.snapshot(snapshot)
    }
}
