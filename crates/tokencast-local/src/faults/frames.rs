//! Faults of frames on WebSockets, one receiver at a time.

use std::time::Duration;

use super::active::{Active, Event, Point};
use super::fault::Fault;
use super::late::Reorder;
use super::{FaultService, Faults};
use crate::appsync::subscriptions::outbox::{Frame, Outbox};

impl Faults {
    /// Delivers a frame to one receiver, or does to it what the plan says. False: nothing of it will be sent.
    pub(crate) fn deliver(
        &self,
        active: &Active,
        service: FaultService,
        subscriber: u64,
        outbox: &Outbox,
        frame: Frame,
    ) -> bool {
        let fired = active.fire(&Event {
            point: Point::Frame,
            service,
            operations: &["data"],
            caller: None,
            has_process: false,
            body: frame.payload(),
        });
        let delay = fired.delay;
        let Some(strike) = fired.strike else {
            return self.send(delay, outbox, frame);
        };
        match strike.fault {
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
                    seed: strike.draw(),
                };
                self.hold(subscriber, reorder, outbox, frame)
            }
            Fault::Disconnect => {
                self.send(delay, outbox, Frame::Cut);
                false
            }
            _ => self.send(delay, outbox, frame),
        }
    }

    fn send(&self, delay: Duration, outbox: &Outbox, frame: Frame) -> bool {
        if delay.is_zero() {
            outbox.push(frame)
        } else {
            self.send_later(delay, outbox, frame)
        }
    }
}
