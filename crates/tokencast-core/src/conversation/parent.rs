//! The turn that a start continues.

use thiserror::Error;

use crate::id::{ConversationId, Owner, SessionId};
use crate::session::Session;
use crate::time::Timestamp;

/// What a start says of the turn that it continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continues {
    /// The last turn that is over; the beginning if there is none.
    Last,
    /// No turn: it begins the conversation.
    Nothing,
    Turn(SessionId),
}

/// Why a start can't continue a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParentRefused {
    #[error("parentId is the session itself: expected another one, which is over")]
    IsSelf,
    #[error("the session that parentId names was never started")]
    NotStarted,
    #[error("the session that parentId names is not over yet: wait for its end, or stop it")]
    NotEnded,
    #[error("the session that parentId names was deleted")]
    Deleted,
    #[error("the session that parentId names is not a turn of this conversation")]
    NotInConversation,
    #[error("the session that parentId names belongs to someone else")]
    OtherOwner,
}

impl Continues {
    /// Reads `parentId`: the conversation's own id stands for its beginning.
    pub fn of(parent_id: Option<SessionId>, conversation_id: ConversationId) -> Self {
        match parent_id {
            None => Self::Last,
            Some(id) if id.as_str() == conversation_id.as_str() => Self::Nothing,
            Some(id) => Self::Turn(id),
        }
    }
}

/// Whether a session may be continued in a conversation.
///
/// # Errors
///
/// [`ParentRefused`] if it is another user's, was deleted, was not started, is elsewhere, or is not over.
pub fn check(
    found: Option<&Session>,
    owner: &Owner,
    conversation_id: ConversationId,
    now: Timestamp,
) -> Result<(), ParentRefused> {
    let Some(session) = found.filter(|session| !session.is_expired(now)) else {
        return Err(ParentRefused::NotStarted);
    };
    if session.owner != *owner {
        return Err(ParentRefused::OtherOwner);
    }
    if session.is_deleted() {
        return Err(ParentRefused::Deleted);
    }
    // What was refused has no fingerprint, and is no turn.
    if session.fingerprint.is_none() {
        return Err(ParentRefused::NotStarted);
    }
    if session.conversation_id != Some(conversation_id) {
        return Err(ParentRefused::NotInConversation);
    }
    if !session.status.is_terminal() {
        return Err(ParentRefused::NotEnded);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Fingerprint, Input, Place, TOMBSTONE_TTL};

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    #[test]
    fn only_a_turn_of_the_conversation_that_is_over_is_continued() {
        let (id, conversation) = (SessionId::random(), ConversationId::random());
        let owner = |name: &str| Owner::new(name).expect("not empty");
        let input = |conversation_id| Input {
            fingerprint: Fingerprint::of("Hi", &[]),
            start_by: NOW + TOMBSTONE_TTL,
            follower: None,
            place: Some(Place {
                conversation_id,
                parent_id: None,
                expires_at: NOW + TOMBSTONE_TTL,
            }),
            assistant: None,
            price: None,
            reservation: None,
        };
        let started = |conversation_id| {
            Session::start(
                None,
                id,
                &owner("me"),
                &input(conversation_id),
                NOW,
                TOMBSTONE_TTL,
            )
            .expect("new")
        };
        let over = |conversation_id| {
            Session::stop(Some(started(conversation_id)), id, &owner("me"), NOW).expect("mine")
        };
        let claimed = Session::claim(None, id, &owner("me"), NOW).expect("new");
        let stopped = Session::stop(None, id, &owner("me"), NOW).expect("mine");
        let check = |found: Option<Session>, by: &str, expected| {
            let checked = check(found.as_ref(), &owner(by), conversation, NOW);
            assert_eq!(checked, expected, "{found:?}");
        };
        let other = ConversationId::random();
        check(None, "me", Err(ParentRefused::NotStarted));
        check(Some(claimed), "me", Err(ParentRefused::NotStarted));
        check(Some(stopped), "me", Err(ParentRefused::NotStarted));
        check(
            Some(over(conversation)),
            "you",
            Err(ParentRefused::OtherOwner),
        );
        check(
            Some(over(conversation).delete(NOW)),
            "me",
            Err(ParentRefused::Deleted),
        );
        check(
            Some(over(other)),
            "me",
            Err(ParentRefused::NotInConversation),
        );
        check(
            Some(started(conversation)),
            "me",
            Err(ParentRefused::NotEnded),
        );
        check(Some(over(conversation)), "me", Ok(()));
    }

    #[test]
    fn the_conversations_own_id_is_its_beginning() {
        let conversation = ConversationId::random();
        let own: SessionId = conversation.as_str().parse().expect("a UUID");
        let turn = SessionId::random();
        assert_eq!(Continues::of(None, conversation), Continues::Last);
        assert_eq!(Continues::of(Some(own), conversation), Continues::Nothing);
        assert_eq!(
            Continues::of(Some(turn), conversation),
            Continues::Turn(turn)
        );
    }
}
