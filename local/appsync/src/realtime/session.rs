//! One socket's subscriptions: starting, active, stopped.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use local_faults::SubscriptionError;
use local_kit::outbox::{Frame, Outbox};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{Origin, Realtime, Refusal};
use crate::subscriptions::ending::{Ended, Ending};
use crate::subscriptions::{Listener, Registration, Subscription};

pub(super) struct Session {
    pub(super) realtime: Arc<Realtime>,
    pub(super) origin: Origin,
    pub(super) outbox: Outbox,
    subscriptions: HashMap<String, Slot>,
    starting: FuturesUnordered<BoxFuture<'static, Started>>,
    last_start: u64,
    /// The subscriptions that a fault has ended.
    ended: mpsc::Receiver<Box<Ended>>,
    ending: mpsc::Sender<Box<Ended>>,
}

enum Slot {
    /// The number distinguishes this start from an earlier one of the same id that was stopped.
    Starting(u64),
    Active {
        start: u64,
        /// When the token that started the subscription expires.
        expires_at_ms: Option<i64>,
        _registration: Registration,
    },
}

pub(super) type Admitted = Result<Admission, Vec<Refusal>>;

/// A subscription that was admitted.
pub(super) struct Admission {
    pub(super) subscription: Subscription,
    /// When the token that started it expires. `None` for a signature, which doesn't last.
    pub(super) expires_at_ms: Option<i64>,
}

/// A change of a session's subscriptions that its client didn't ask for.
pub(super) enum Change {
    /// The resolver of a start has responded.
    Started(Started),
    /// A subscription has ended, and its client has to be told.
    Over {
        id: String,
        error: SubscriptionError,
    },
}

/// A start whose resolver has responded.
pub(super) struct Started {
    pub(super) id: String,
    start: u64,
    result: Admitted,
}

/// The frame types of a protocol.
pub(super) struct Words {
    /// The type of a frame with an event: `data` or `next`.
    pub(super) event: &'static str,
    /// The type of the frame that acknowledges a subscription, if the protocol has one.
    pub(super) acknowledgement: Option<&'static str>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum BeginError {
    Duplicate,
    TooMany,
}

impl Session {
    pub(super) fn new(realtime: Arc<Realtime>, origin: Origin, outbox: Outbox) -> Self {
        let (ending, ended) = mpsc::channel(realtime.limits.subscriptions.max(1));
        Self {
            realtime,
            origin,
            outbox,
            subscriptions: HashMap::new(),
            starting: FuturesUnordered::new(),
            last_start: 0,
            ended,
            ending,
        }
    }

    /// Reserves `id` and starts `admission`. [`Session::next_change`] returns its result.
    pub(super) fn begin(
        &mut self,
        id: &str,
        admission: impl Future<Output = Admitted> + Send + 'static,
    ) -> Result<(), BeginError> {
        if self.subscriptions.contains_key(id) {
            return Err(BeginError::Duplicate);
        }
        // Starts that were stopped still have a running resolver.
        if self.subscriptions.len().max(self.starting.len()) >= self.realtime.limits.subscriptions {
            return Err(BeginError::TooMany);
        }
        self.last_start += 1;
        let start = self.last_start;
        self.subscriptions
            .insert(id.to_owned(), Slot::Starting(start));
        let id = id.to_owned();
        self.starting.push(Box::pin(async move {
            Started {
                id,
                start,
                result: admission.await,
            }
        }));
        Ok(())
    }

    /// The next change. Cancel-safe, because it takes a change only when it returns it. A subscription that has ended
    /// is removed from the session.
    pub(super) async fn next_change(&mut self) -> Change {
        loop {
            let clock = self.realtime.clock.clone();
            let expiring = self.first_to_expire();
            let expired = async {
                match &expiring {
                    Some((_, expires_at_ms)) => clock.sleep_until(*expires_at_ms).await,
                    None => std::future::pending().await,
                }
            };
            let (starting, ended) = (&mut self.starting, &mut self.ended);
            tokio::select! {
                Some(started) = starting.next() => return Change::Started(started),
                Some(ended) = ended.recv() => {
                    let Ended { id, start, error } = *ended;
                    if self.is_active(&id, start) {
                        self.stop(&id);
                        return Change::Over { id: id.to_string(), error };
                    }
                }
                () = expired => {
                    if let Some((id, _)) = expiring {
                        self.stop(&id);
                        let error = SubscriptionError::new("UnauthorizedException", "Token has expired.");
                        return Change::Over { id, error };
                    }
                }
            }
        }
    }

    fn first_to_expire(&self) -> Option<(String, i64)> {
        let expiring = self
            .subscriptions
            .iter()
            .filter_map(|(id, slot)| match slot {
                Slot::Active { expires_at_ms, .. } => expires_at_ms.map(|at_ms| (id, at_ms)),
                Slot::Starting(_) => None,
            });
        let (id, at_ms) = expiring.min_by_key(|(_, at_ms)| *at_ms)?;
        Some((id.clone(), at_ms))
    }

    fn is_active(&self, id: &str, wanted: u64) -> bool {
        matches!(self.subscriptions.get(id), Some(Slot::Active { start, .. }) if *start == wanted)
    }

    /// Registers an admitted subscription. Returns a refusal, unless the start was stopped meanwhile.
    pub(super) fn settle(
        &mut self,
        started: Started,
        words: &Words,
    ) -> Result<(), (String, Vec<Refusal>)> {
        let Started { id, start, result } = started;
        let is_current = matches!(self.subscriptions.get(&id), Some(Slot::Starting(current)) if *current == start);
        if !is_current {
            return Ok(());
        }
        match result {
            Ok(Admission {
                subscription,
                expires_at_ms,
            }) => {
                let quoted = Value::from(id.as_str());
                let listener = Listener {
                    prefix: format!(r#"{{"id":{quoted},"type":"{}","payload":"#, words.event)
                        .into(),
                    acknowledgement: words.acknowledgement.map(|name| {
                        Frame::Text(format!(r#"{{"type":"{name}","id":{quoted}}}"#).into())
                    }),
                    outbox: self.outbox.clone(),
                    ending: Some(Arc::new(Ending::new(&id, start, self.ending.clone()))),
                };
                let registration = self.realtime.hub.subscribe(subscription, listener);
                self.subscriptions.insert(
                    id,
                    Slot::Active {
                        start,
                        expires_at_ms,
                        _registration: registration,
                    },
                );
                Ok(())
            }
            Err(refusals) => {
                self.subscriptions.remove(&id);
                Err((id, refusals))
            }
        }
    }

    /// Stops a subscription. No event of `id` is queued after this returns. Returns false if there is no such
    /// subscription.
    pub(super) fn stop(&mut self, id: &str) -> bool {
        self.subscriptions.remove(id).is_some()
    }

    pub(super) fn send(&self, frame: &Value) {
        self.outbox
            .push(Frame::Text(Utf8Bytes::from(frame.to_string())));
    }

    pub(super) fn close(&self, code: u16, reason: &'static str) {
        self.outbox.push(Frame::Close { code, reason });
    }
}
