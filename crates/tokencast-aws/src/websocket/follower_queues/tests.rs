//! Who is served what: by the rules alone, without a connection.

use std::time::Duration;

use tokencast_core::block::{Piece, PieceRef};
use tokencast_core::event::Ending;
use tokencast_core::id::{Attempt, Owner, Sequence, SessionId};
use tokencast_core::ports::Fence;
use tokencast_core::session::{Lease, Leased, Outcome, Saved, Status};
use uuid::Uuid;

use super::*;

const LEASE: Timestamp = Timestamp::from_millis(30_000);
const TTL: Duration = Duration::from_mins(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// A session whose `attempt`th attempt is running, and its queues.
struct Scene {
    session: Session,
    progress: Progress,
    queues: FollowerQueues,
}

impl Scene {
    fn new() -> Self {
        let (id, owner) = (SessionId::random(), Owner::new("owner").expect("not empty"));
        let session = Session::claim(None, id, &owner, Timestamp::EPOCH).expect("claimed");
        let mut scene = Self {
            session,
            progress: Progress::default(),
            queues: FollowerQueues::default(),
        };
        scene.lease();
        scene
    }

    /// The next attempt begins.
    fn lease(&mut self) {
        let session = Session {
            lease: None,
            ..self.session.clone()
        };
        let (id, owner) = (session.id, session.owner.clone());
        let lease = Lease {
            until: LEASE,
            holder: Uuid::new_v4(),
        };
        let Ok(Leased::Begun(session)) = Session::lease(
            Some(session),
            id,
            &owner,
            lease,
            None,
            Timestamp::EPOCH,
            TTL,
        ) else {
            panic!("leased")
        };
        self.session = session;
        self.progress = Progress::default();
    }

    fn follow(&mut self, address: &str, attempt: u32, sequence: u32) -> Vec<(ServedId, String)> {
        let follower = Follower {
            address: address.to_owned(),
            position: Position {
                attempt: Attempt(attempt),
                sequence: Sequence(sequence),
            },
        };
        let (id, owner) = (self.session.id, self.session.owner.clone());
        self.session = Session::follow(
            Some(self.session.clone()),
            id,
            &owner,
            follower,
            Timestamp::EPOCH,
        )
        .expect("followed");
        self.on_record_changed()
    }

    fn on_record_changed(&mut self) -> Vec<(ServedId, String)> {
        let fence = if self.session.status.is_terminal() {
            Fence::open()
        } else {
            let lease_until = self.session.lease_until();
            Fence::of_lease(lease_until, Duration::from_secs(30))
        };
        self.queues
            .on_record_changed(&self.session, &self.progress, fence.ends_at())
    }

    fn publish(&mut self, token: &str) {
        self.progress.push(PieceRef::text(token));
        let event = TokenEvent {
            session_id: self.session.id,
            attempt: self.session.last_attempt,
            sequence: self.progress.sequence,
            piece: Some(Piece::text(token)),
            status: Status::Streaming,
            ending: None,
        };
        self.queues.publish(&event, LEASE);
    }

    fn end(&mut self) {
        let outcome = Outcome {
            status: Status::Completed,
            ending: Ending::default(),
        };
        let attempt = self.session.last_attempt;
        let session = Some(self.session.clone());
        self.session =
            Session::finish(session, attempt, &self.progress, &outcome, Timestamp::EPOCH)
                .expect("finished");
    }

    /// Sends one frame: the events in it, and their text.
    fn send(&mut self, id: ServedId) -> Option<(u32, u32, u32, String)> {
        assert_eq!(self.queues.has_news(id), self.queues.next(id).is_some());
        let Next::Piece(piece) = self.queues.next(id)? else {
            panic!("an orphan")
        };
        self.queues.sent(id, &piece);
        let Joined { first, event } = &piece.joined;
        let token = event.token().to_owned();
        Some((event.attempt.0, first.0, event.sequence.0, token))
    }
}

fn only(new: &[(ServedId, String)]) -> ServedId {
    assert_eq!(new.len(), 1);
    new[0].0
}

fn frame(attempt: u32, first: u32, last: u32, token: &str) -> (u32, u32, u32, String) {
    (attempt, first, last, token.to_owned())
}

#[test]
fn a_follower_from_the_start_gets_each_event() {
    let mut scene = Scene::new();
    let id = only(&scene.follow("a", 0, 0));
    assert!(!scene.queues.is_waited_for());
    for (sequence, token) in [(1, "x"), (2, "y")] {
        scene.publish(token);
        assert!(scene.queues.is_waited_for());
        assert_eq!(scene.send(id), Some(frame(1, sequence, sequence, token)));
        assert!(!scene.queues.is_waited_for());
    }
}

#[test]
fn a_late_follower_gets_what_it_lacks_and_holds_nobody_up() {
    let mut scene = Scene::new();
    let first = only(&scene.follow("a", 0, 0));
    for token in ["x", "y", "z"] {
        scene.publish(token);
        scene.send(first);
    }
    let second = only(&scene.follow("b", 1, 1));
    assert!(!scene.queues.is_waited_for() && scene.queues.is_behind());
    scene.publish("!");
    scene.send(first);
    assert!(!scene.queues.is_waited_for());
    assert_eq!(scene.send(second), Some(frame(1, 2, 4, "yz!")));
    assert!(!scene.queues.is_behind());
    scene.publish("?");
    assert!(scene.queues.is_waited_for(), "it has caught up");
    assert_eq!(scene.send(second), Some(frame(1, 5, 5, "?")));
}

#[test]
fn a_slow_follower_is_not_waited_for_until_it_has_caught_up() {
    let mut scene = Scene::new();
    let id = only(&scene.follow("a", 0, 0));
    scene.publish("x");
    let Some(Next::Piece(slow)) = scene.queues.next(id) else {
        panic!("an event")
    };
    scene.queues.let_lag();
    scene.publish("y");
    scene.publish("z");
    assert!(!scene.queues.is_waited_for() && scene.queues.is_behind());
    scene.queues.sent(id, &slow);
    assert_eq!(scene.send(id), Some(frame(1, 2, 3, "yz")));
    scene.publish("!");
    assert!(scene.queues.is_waited_for());
}

#[test]
fn whoever_asks_anew_gets_it_anew() {
    let mut scene = Scene::new();
    let id = only(&scene.follow("a", 0, 0));
    for token in ["x", "y", "z"] {
        scene.publish(token);
    }
    let Some(Next::Piece(under_way)) = scene.queues.next(id) else {
        panic!("an event")
    };
    assert!(scene.follow("a", 1, 1).is_empty(), "its task goes on");
    scene.queues.sent(id, &under_way);
    assert_eq!(scene.send(id), Some(frame(1, 2, 3, "yz")));
    // The record says the same at each checkpoint.
    assert!(scene.on_record_changed().is_empty());
    assert_eq!(scene.send(id), None);
}

#[test]
fn a_later_attempt_starts_again_for_all() {
    let mut scene = Scene::new();
    scene.follow("a", 0, 0);
    scene.publish("x");
    scene.lease();
    scene.queues = FollowerQueues::default();
    let new = scene.on_record_changed();
    let id = only(&new);
    assert!(!scene.queues.is_behind(), "nothing to say yet");
    scene.publish("y");
    assert_eq!(scene.send(id), Some(frame(2, 1, 1, "y")));
}

#[test]
fn the_end_reaches_whoever_the_record_names() {
    let mut scene = Scene::new();
    let first = only(&scene.follow("a", 0, 0));
    scene.publish("x");
    scene.publish("y");
    scene.send(first);
    scene.follow("b", 0, 0);
    scene.end();
    scene.on_record_changed();
    assert!(scene.queues.may_send(Timestamp::MAX - MILLISECOND));
    assert_eq!(scene.send(first), Some(frame(1, 3, 3, "")));
    assert_eq!(scene.send(first), None);
    // Another process repeats the end, and knows nothing but the record.
    scene.queues = FollowerQueues::default();
    let [_, (second, _)] = &scene.on_record_changed()[..] else {
        panic!("two followers")
    };
    let second = *second;
    assert_eq!(scene.send(second), Some(frame(1, 1, 2, "xy")));
    assert!(scene.queues.is_behind());
    assert_eq!(scene.send(second), Some(frame(1, 3, 3, "")));
}

#[test]
fn whoever_is_lost_or_leaves_is_served_no_longer() {
    let mut scene = Scene::new();
    let id = only(&scene.follow("a", 0, 0));
    scene.publish("x");
    scene.queues.lose(id);
    assert!(!scene.queues.is_behind() && scene.queues.has_news(id));
    assert!(scene.queues.next(id).is_none());
    assert!(
        scene.on_record_changed().is_empty(),
        "the record still names it"
    );
    let again = only(&scene.follow("a", 1, 0));
    assert_eq!(scene.send(again), Some(frame(1, 1, 1, "x")));
    scene.session = scene.session.clone().unfollow("a");
    scene.on_record_changed();
    assert!(scene.queues.has_news(again) && scene.queues.next(again).is_none());
    assert!(!scene.queues.has_followers());
}

const CHAT: &str = "a ai-sdk r1";

impl Scene {
    /// A checkpoint: the record has what was published.
    fn save(&mut self) -> Vec<(ServedId, String)> {
        let attempt = self.session.last_attempt;
        let session = Some(self.session.clone());
        let saved = Session::save(
            session,
            attempt,
            Some(&self.progress),
            None,
            Timestamp::EPOCH,
        );
        let Ok(Saved::Continue(session)) = saved else {
            panic!("saved")
        };
        self.session = session;
        self.on_record_changed()
    }

    /// The next attempt begins, in another process.
    fn take_over(&mut self) -> Vec<(ServedId, String)> {
        self.lease();
        self.queues = FollowerQueues::default();
        self.on_record_changed()
    }

    fn is_orphan(&self, id: ServedId) -> Option<bool> {
        match self.queues.next(id)? {
            Next::Orphaned { is_over } => Some(is_over),
            Next::Piece(_) => None,
        }
    }
}

#[test]
fn a_chat_gets_nothing_before_the_record_says_that_the_attempt_spoke() {
    let mut scene = Scene::new();
    let id = only(&scene.follow(CHAT, 0, 0));
    scene.publish("x");
    assert!(!scene.queues.is_waited_for() && scene.send(id).is_none());
    scene.save();
    assert_eq!(scene.send(id), Some(frame(1, 1, 1, "x")));
    scene.publish("y");
    assert!(scene.queues.is_waited_for());
    assert_eq!(scene.send(id), Some(frame(1, 2, 2, "y")));
}

#[test]
fn a_later_attempt_leaves_a_chat_that_may_have_got_something() {
    // The first attempt said nothing.
    let mut scene = Scene::new();
    scene.follow(CHAT, 0, 0);
    let id = only(&scene.take_over());
    assert_eq!(scene.is_orphan(id), None);
    scene.publish("x");
    scene.save();
    assert_eq!(scene.send(id), Some(frame(2, 1, 1, "x")));
    // The second one did.
    let id = only(&scene.take_over());
    assert_eq!(scene.is_orphan(id), Some(false));
    assert!(scene.queues.is_behind());
    scene.queues.lose(id);
    assert!(!scene.queues.is_behind());
    // One that resumes is served from the beginning.
    let position = chat_position(&scene.session, Timestamp::EPOCH);
    let resumed = scene.follow("a ai-sdk r2", position.attempt.0, 0);
    let resumed = only(&resumed);
    scene.publish("y");
    scene.save();
    assert_eq!(scene.send(resumed), Some(frame(3, 1, 1, "y")));
    let left = scene.take_over();
    assert_eq!(left.len(), 2);
    assert!(
        left.iter()
            .all(|(id, _)| scene.is_orphan(*id) == Some(false))
    );
}

#[test]
fn a_chat_gets_the_end_from_whoever_began_or_is_told_to_read() {
    let mut scene = Scene::new();
    let early = only(&scene.follow(CHAT, 0, 0));
    scene.publish("x");
    scene.save();
    scene.send(early);
    // It comes between the last checkpoint and the end.
    let late = only(&scene.follow("b ai-sdk r2", 0, 0));
    scene.end();
    scene.on_record_changed();
    assert_eq!(scene.send(early), Some(frame(1, 2, 2, "")));
    assert_eq!(scene.send(late), Some(frame(1, 1, 1, "x")));
    assert_eq!(scene.send(late), Some(frame(1, 2, 2, "")));
    // Another process repeats the end.
    scene.queues = FollowerQueues::default();
    let left = scene.on_record_changed();
    assert!(
        left.iter()
            .all(|(id, _)| scene.is_orphan(*id) == Some(true))
    );
}

#[test]
fn nothing_is_sent_past_the_lease() {
    let mut scene = Scene::new();
    assert!(
        !scene.queues.may_send(Timestamp::EPOCH),
        "not before it is known"
    );
    scene.follow("a", 0, 0);
    let fence = LEASE - Duration::from_secs(1);
    assert!(scene.queues.may_send(fence - MILLISECOND) && !scene.queues.may_send(fence));
    scene.publish("x");
    assert!(scene.queues.may_send(LEASE - MILLISECOND) && !scene.queues.may_send(LEASE));
}
