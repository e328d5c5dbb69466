//! Faults of WebSocket frames, for one receiver at a time.

use std::time::Duration;

use local_kit::outbox::{Frame, Outbox};

use crate::active::{ActivePlan, Event};
use crate::delayed::Reorder;
use crate::fault::Fault;
use crate::service::Point;
use crate::subscription_error::SubscriptionError;
use crate::{FaultService, Faults};

/// What happened to a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    Queued,
    /// The frame won't be sent.
    Lost,
    /// The subscription ends with this error.
    Ended(SubscriptionError),
}

/// What happens to a subscription that starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AtStart {
    Admit,
    Refuse(SubscriptionError),
    /// The service never responds.
    Hang,
}

impl Faults {
    /// Decides about a subscription that starts. `data` is its request.
    pub fn at_start(&self, data: &[u8]) -> AtStart {
        let service = FaultService::Realtime;
        let Some(active) = self.active(service) else {
            return AtStart::Admit;
        };
        let fired = active.fire(&Event {
            point: Point::Start,
            service,
            operations: &["start"],
            caller: None,
            has_process: false,
            body: data,
        });
        match fired.fault.map(|fired| fired.fault) {
            Some(Fault::SubscriptionError(error)) => AtStart::Refuse(error.clone()),
            Some(Fault::Hang) => AtStart::Hang,
            _ => AtStart::Admit,
        }
    }

    /// Delivers a frame to one receiver, and applies the fault that the plan has for it.
    pub fn deliver(
        &self,
        active: &ActivePlan,
        service: FaultService,
        subscriber: u64,
        outbox: &Outbox,
        frame: Frame,
    ) -> Delivered {
        let fired = active.fire(&Event {
            point: Point::Frame,
            service,
            operations: &["data"],
            caller: None,
            has_process: false,
            body: frame.payload(),
        });
        let delay = fired.delay;
        let Some(fired) = fired.fault else {
            return Delivered::of(self.send(delay, outbox, frame));
        };
        let is_queued = match fired.fault {
            Fault::SubscriptionError(error) => return Delivered::Ended(error.clone()),
            Fault::Drop => false,
            Fault::Repeat { times } => {
                (0..*times).for_each(|_| {
                    self.send(delay, outbox, frame.clone());
                });
                self.send(delay, outbox, frame)
            }
            Fault::Reorder { window, within_ms } => {
                let reorder = Reorder {
                    window: usize::try_from(*window).unwrap_or(usize::MAX),
                    within: Duration::from_millis(*within_ms) + delay,
                    seed: fired.draw(),
                };
                self.hold(subscriber, reorder, outbox, frame)
            }
            Fault::Replace(replacement) => {
                let changed = replacement.apply(frame.payload());
                let frame = match changed {
                    Some(text) => frame.with_payload(text),
                    None => frame,
                };
                self.send(delay, outbox, frame)
            }
            Fault::Disconnect => {
                self.send(delay, outbox, Frame::Cut);
                false
            }
            _ => self.send(delay, outbox, frame),
        };
        Delivered::of(is_queued)
    }

    fn send(&self, delay: Duration, outbox: &Outbox, frame: Frame) -> bool {
        if delay.is_zero() {
            outbox.push(frame)
        } else {
            self.send_later(delay, outbox, frame)
        }
    }
}

impl Delivered {
    fn of(is_queued: bool) -> Self {
        if is_queued { Self::Queued } else { Self::Lost }
    }

    pub fn is_queued(&self) -> bool {
        *self == Self::Queued
    }
}
