//! Ends a subscription from outside its session, when a fault requires it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use local_faults::SubscriptionError;
use tokio::sync::mpsc;

/// Tells a session that one of its subscriptions has ended.
#[derive(Debug)]
pub(crate) struct Ending {
    id: Arc<str>,
    /// The session's count of starts, because a client may use an id again.
    start: u64,
    /// Boxed, because each of many idle sockets has room for some.
    session: mpsc::Sender<Box<Ended>>,
    is_over: AtomicBool,
}

/// A subscription that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) id: Arc<str>,
    pub(crate) start: u64,
    pub(crate) error: SubscriptionError,
}

impl Ending {
    pub(crate) fn new(id: &str, start: u64, session: mpsc::Sender<Box<Ended>>) -> Self {
        Self {
            id: id.into(),
            start,
            session,
            is_over: AtomicBool::new(false),
        }
    }

    /// Ends the subscription, which gets no more events. Its session tells the client why.
    pub(crate) fn end(&self, error: SubscriptionError) {
        if self.is_over.swap(true, Ordering::AcqRel) {
            return;
        }
        let ended = Ended {
            id: Arc::clone(&self.id),
            start: self.start,
            error,
        };
        // The channel has room for all of a session's subscriptions. A session that is gone needn't be told.
        let _ = self.session.try_send(Box::new(ended));
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}
