//! A subscription that is ended from outside its session, by a fault.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use local_faults::SubscriptionError;
use tokio::sync::mpsc;

/// How one subscription's session hears of its end.
#[derive(Debug)]
pub(crate) struct Ending {
    id: Arc<str>,
    /// Its session's count of starts, because a client may use an id again.
    start: u64,
    /// In boxes: each of many idle sockets has room for some.
    session: mpsc::Sender<Box<Ended>>,
    is_over: AtomicBool,
}

/// A subscription that is over.
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

    /// From now on it hears of nothing; its session tells the client why.
    pub(crate) fn end(&self, error: SubscriptionError) {
        if self.is_over.swap(true, Ordering::AcqRel) {
            return;
        }
        let ended = Ended {
            id: Arc::clone(&self.id),
            start: self.start,
            error,
        };
        // A session has room for as many as it may have subscriptions; one that is gone needs no word.
        let _ = self.session.try_send(Box::new(ended));
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}
