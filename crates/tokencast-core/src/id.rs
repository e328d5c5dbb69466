//! Identifiers and counters. They are checked where they enter the program.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// Declares an id: a UUID in its hyphenated form, always written in small letters, so that AppSync's filters and DynamoDB's
/// keys, which compare texts, see one thing.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $id:ident, $invalid:ident, $name:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $id([u8; uuid::fmt::Hyphenated::LENGTH]);

        #[derive(Clone, Debug, PartialEq, Eq, Error)]
        #[error("{} is not a UUID: expected the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", $name)]
        pub struct $invalid;

        impl $id {
            /// A random one (UUID version 4).
            pub fn random() -> Self {
                Uuid::new_v4().into()
            }

            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.0).unwrap_or_default()
            }
        }

        impl FromStr for $id {
            type Err = $invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if text.len() != uuid::fmt::Hyphenated::LENGTH {
                    return Err($invalid);
                }
                let id = Uuid::try_parse(text).map_err(|_| $invalid)?;
                Ok(id.into())
            }
        }

        impl From<Uuid> for $id {
            fn from(id: Uuid) -> Self {
                let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
                id.as_hyphenated().encode_lower(&mut text);
                Self(text)
            }
        }

        impl TryFrom<String> for $id {
            type Error = $invalid;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.as_str().to_owned()
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({self})", stringify!($id))
            }
        }
    };
}

uuid_id! {
    /// A session's id, made by the client or by the request function.
    SessionId, InvalidSessionId, "sessionId"
}

uuid_id! {
    /// A conversation's id, made by the client.
    ConversationId, InvalidConversationId, "the conversation's id"
}

/// Who owns a session: the `sub` of a Cognito user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owner(String);

impl Owner {
    /// `None` for an empty name, which would let two callers without one share a session.
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        (!name.is_empty()).then_some(Self(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The number of an attempt at an answer: 1, 2, 3 …; 0 before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attempt(pub u32);

impl Attempt {
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The number of an event within its attempt: 1, 2, 3 …; 0 before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u32);

impl Sequence {
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// An event's place among all events of its session: first by attempt, then by sequence. [`Position::default`] is before
/// the first.
///
/// As text it is the sequence alone in the first attempt, and `ATTEMPT.SEQUENCE` in any other:
///
/// ```
/// use tokencast_core::id::{Attempt, Position, Sequence};
///
/// let position: Position = "2.17".parse()?;
/// assert_eq!((position.attempt, position.sequence), (Attempt(2), Sequence(17)));
/// assert_eq!("17".parse::<Position>()?.attempt, Attempt(1));
/// assert_eq!(position.to_string(), "2.17");
/// # Ok::<(), tokencast_core::id::InvalidPosition>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub attempt: Attempt,
    pub sequence: Sequence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not the position of an event: expected its sequence, or `ATTEMPT.SEQUENCE`")]
pub struct InvalidPosition;

impl Position {
    /// The last event of `attempt` that a reader at this position has: none if the position is in an earlier attempt,
    /// all if it is in a later one.
    pub fn known_of(self, attempt: Attempt) -> Sequence {
        match self.attempt.cmp(&attempt) {
            Ordering::Less => Sequence(0),
            Ordering::Equal => self.sequence,
            Ordering::Greater => Sequence(u32::MAX),
        }
    }
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A number's own `parse` takes a sign.
        if !text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        {
            return Err(InvalidPosition);
        }
        let (attempt, sequence) = text.split_once('.').unwrap_or(("1", text));
        Ok(Self {
            attempt: Attempt(attempt.parse().map_err(|_| InvalidPosition)?),
            sequence: Sequence(sequence.parse().map_err(|_| InvalidPosition)?),
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempt.0 {
            1 => write!(formatter, "{}", self.sequence.0),
            attempt => write!(formatter, "{attempt}.{}", self.sequence.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_is_a_hyphenated_uuid_whatever_its_case() {
        const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        for (text, expected) in [
            (ID, Some(ID)),
            ("67E55044-10B1-426F-9247-BB680E5FE0C8", Some(ID)),
            ("67e55044-10B1-426f-9247-BB680e5fe0c8", Some(ID)),
            ("67e5504410b1426f9247bb680e5fe0c8", None),
            ("{67e55044-10b1-426f-9247-bb680e5fe0c8}", None),
            ("urn:uuid:67e55044-10b1-426f-9247-bb680e5fe0c8", None),
            ("67e55044-10b1-426f-9247-bb680e5fe0cg", None),
            ("", None),
            ("my session", None),
        ] {
            let parsed = text.parse::<SessionId>();
            assert_eq!(
                parsed.ok().as_ref().map(SessionId::as_str),
                expected,
                "{text}"
            );
        }
    }

    fn position(attempt: u32, sequence: u32) -> Position {
        Position {
            attempt: Attempt(attempt),
            sequence: Sequence(sequence),
        }
    }

    #[test]
    fn a_position_reads_back_as_written() {
        for (text, expected) in [
            ("1", position(1, 1)),
            ("400", position(1, 400)),
            ("2.7", position(2, 7)),
            ("0.1", position(0, 1)),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
            assert_eq!(expected.to_string(), text);
        }
        for text in [
            "",
            ".",
            "1.",
            ".1",
            "1.2.3",
            "-1",
            "+1",
            " 1",
            "a",
            "4294967296",
            "1,2",
        ] {
            assert_eq!(text.parse::<Position>(), Err(InvalidPosition), "{text:?}");
        }
    }

    #[test]
    fn later_events_are_greater() {
        assert!(position(1, 9) < position(1, 10));
        assert!(position(1, 10) < position(2, 1));
    }
}
