//! Where in a session's events a reader stands.

use std::fmt;

use serde::Serialize;

use crate::prompt::Prompt;

/// An event's place: its attempt, and its number within that. Positions are ordered as the events are.
///
/// As text it is the `id` of a server-sent event, which `Last-Event-ID` takes:
///
/// ```
/// use tokencast_client::Position;
///
/// let first = Position { attempt: 1, sequence: 12 };
/// let later = Position { attempt: 2, sequence: 3 };
/// assert_eq!((first.to_string(), later.to_string()), ("12".into(), "2.3".into()));
/// assert!(first < later);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// Counts from 1; 0 before anything was heard of the session.
    pub attempt: u64,
    /// Counts from 1 within the attempt; 0 before its first event.
    pub sequence: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempt, sequence } = self;
        match attempt {
            1 => write!(formatter, "{sequence}"),
            attempt => write!(formatter, "{attempt}.{sequence}"),
        }
    }
}

/// What a session is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// To start.
    Start { prompt: Prompt },
    /// Its events behind this one; `None`: all of them.
    Follow { after: Option<Position> },
}
