//! A model's answer, whether the model has begun it or not.

use futures_util::future::BoxFuture;

use crate::failure::Failure;
use crate::ports::{ModelEvent, TokenSource};

/// A model's answer, from the request for it on.
pub(super) enum ModelStream<'a, T> {
    /// Boxed: it is needed only at the start, and would make the future of each running session several times as large.
    Starting(BoxFuture<'a, Result<T, Failure>>),
    Open(T),
    Over,
}

impl<T: TokenSource> ModelStream<'_, T> {
    /// Cancel-safe, like [`TokenSource::next`].
    pub(super) async fn next(&mut self) -> Result<Option<ModelEvent>, Failure> {
        if let Self::Starting(start) = self {
            // The timeout of the first token goes on: a server may take the request, and load its model only then.
            *self = Self::Open(start.await?);
        }
        match self {
            Self::Open(tokens) => tokens.next().await,
            Self::Starting(_) | Self::Over => std::future::pending().await,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }
}
