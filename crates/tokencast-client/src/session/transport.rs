//! What the engine needs of a channel.

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use crate::error::Error;
use crate::event::{Snapshot, StreamStatus, TokenEvent};
use crate::position::Ask;

/// How a channel brings what a connection has missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    /// By a snapshot. Starts and questions are calls beside the connection, and outlive it.
    Snapshot,
    /// By the events behind any [`Position`](crate::Position). A connection is opened with what it asks for; if it `asks`, it can
    /// be asked again while it is open.
    Replay { asks: bool },
}

impl Flavour {
    pub(super) fn replays(self) -> bool {
        self != Self::Snapshot
    }
}

/// A channel to one session, with at most one connection at a time.
pub(super) trait Transport: Send + Sized + 'static {
    const FLAVOUR: Flavour;

    /// Begins to connect once, to start the session or to follow it. A transport with snapshots only subscribes.
    fn connect(&mut self, ask: Ask);

    /// What comes next; waits as long as there is nothing. Dropping the future loses nothing.
    fn next(&mut self) -> impl Future<Output = Message> + Send;

    /// Asks again: by a call, or on the open connection. Fails as a connection does.
    fn ask(&mut self, ask: Ask) -> impl Future<Output = Result<(), Error>> + Send;

    /// How long the server wants its clients to wait before they connect again.
    fn pause(&self) -> Duration {
        Duration::ZERO
    }

    /// Drops the connection, or the attempt to get one. Calls go on.
    fn disconnect(&mut self);

    /// Says goodbye, and ends all.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// What a transport tells the engine.
#[derive(Debug)]
pub(super) enum Message {
    /// The connection is open, and what it was opened with has been asked.
    Connected,
    /// The connection has brought its first byte, where that says more than its opening.
    Heard,
    /// The connection's start was answered; `None`: the answer doesn't say how the session stands.
    Started(Option<StreamStatus>),
    /// What the connection was asked for follows.
    Resumed(Option<StreamStatus>),
    Event(TokenEvent),
    Lost(Loss),
    /// A start by call was answered: whether the session begins with it.
    StartDone(Result<bool, Error>),
    /// A question by call was answered.
    Snapshot(Result<Option<Snapshot>, Error>),
}

/// The end of a connection, or of the attempt to get one.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) error: Error,
    /// What the connection was opened with may have reached the server.
    pub(super) asked: bool,
    /// It ended as a response does behind whose position there is nothing.
    pub(super) is_empty: bool,
}

impl From<Error> for Loss {
    fn from(error: Error) -> Self {
        Self {
            error,
            asked: false,
            is_empty: false,
        }
    }
}

/// A transport's connection, from the first try to its end.
pub(super) enum Line<C> {
    Down,
    Opening(Pin<Box<dyn Future<Output = Result<C, Loss>> + Send>>),
    Open(C),
}

/// What a [`Line`] is good for now.
pub(super) enum Turn<'a, C> {
    Opened,
    Failed(Loss),
    Open(&'a mut C),
}

impl<C> Line<C> {
    pub(super) fn opening(opening: impl Future<Output = Result<C, Loss>> + Send + 'static) -> Self {
        Self::Opening(Box::pin(opening))
    }

    /// Waits for the connection. Dropping the future loses nothing.
    pub(super) async fn turn(&mut self) -> Turn<'_, C> {
        if let Self::Opening(opening) = self {
            return match opening.as_mut().await {
                Ok(connection) => {
                    *self = Self::Open(connection);
                    Turn::Opened
                }
                Err(loss) => {
                    *self = Self::Down;
                    Turn::Failed(loss)
                }
            };
        }
        match self {
            Self::Open(connection) => Turn::Open(connection),
            Self::Down | Self::Opening(_) => pending().await,
        }
    }
}
