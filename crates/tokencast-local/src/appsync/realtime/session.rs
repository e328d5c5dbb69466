//! One socket's subscriptions: starting, active, stopped.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;

use super::{Origin, Realtime, Refusal};
use crate::appsync::subscriptions::outbox::{Frame, Outbox};
use crate::appsync::subscriptions::{Listener, Registration, Subscription};

pub(super) struct Session {
    pub(super) realtime: Arc<Realtime>,
    pub(super) origin: Origin,
    pub(super) outbox: Outbox,
    subscriptions: HashMap<String, Slot>,
    starting: FuturesUnordered<BoxFuture<'static, Started>>,
    last_start: u64,
}

enum Slot {
    /// Its number tells a start from an earlier one of the same id, which was stopped meanwhile.
    Starting(u64),
    Active {
        _registration: Registration,
    },
}

pub(super) type Admitted = Result<Subscription, Vec<Refusal>>;

/// A start whose resolver has answered.
pub(super) struct Started {
    pub(super) id: String,
    start: u64,
    result: Admitted,
}

/// What a protocol calls things.
pub(super) struct Words {
    /// The type of a frame with an event: `data` or `next`.
    pub(super) event: &'static str,
    /// The type of the frame that acknowledges a subscription, where there is one.
    pub(super) acknowledgement: Option<&'static str>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum BeginError {
    Duplicate,
    TooMany,
}

impl Session {
    pub(super) fn new(realtime: Arc<Realtime>, origin: Origin, outbox: Outbox) -> Self {
        Self {
            realtime,
            origin,
            outbox,
            subscriptions: HashMap::new(),
            starting: FuturesUnordered::new(),
            last_start: 0,
        }
    }

    /// Takes a place for `id` and starts on `admission`; [`Session::next_started`] yields its end.
    pub(super) fn begin(
        &mut self,
        id: &str,
        admission: impl Future<Output = Admitted> + Send + 'static,
    ) -> Result<(), BeginError> {
        if self.subscriptions.contains_key(id) {
            return Err(BeginError::Duplicate);
        }
        // Starts that were stopped still hold their resolver.
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

    /// Cancel-safe. Never returns while nothing is starting.
    pub(super) async fn next_started(&mut self) -> Started {
        match self.starting.next().await {
            Some(started) => started,
            None => std::future::pending().await,
        }
    }

    /// Registers what was admitted. What was refused is given back, unless it was stopped meanwhile.
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
            Ok(subscription) => {
                let quoted = Value::from(id.as_str());
                let listener = Listener {
                    prefix: format!(r#"{{"id":{quoted},"type":"{}","payload":"#, words.event)
                        .into(),
                    acknowledgement: words.acknowledgement.map(|name| {
                        Frame::Text(format!(r#"{{"type":"{name}","id":{quoted}}}"#).into())
                    }),
                    outbox: self.outbox.clone(),
                };
                let registration = self.realtime.hub.subscribe(subscription, listener);
                self.subscriptions.insert(
                    id,
                    Slot::Active {
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

    /// No event of `id` is queued after this returns. False: there is no such subscription.
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
