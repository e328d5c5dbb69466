//! Faults within a function URL's response.

use super::active::{Event, Point};
use super::fault::Fault;
use super::{FaultService, Faults};

/// How a response's body ends before it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    /// As if complete.
    Cut,
    /// The connection is torn down.
    Reset,
    /// Nothing more comes.
    Stall,
}

impl Faults {
    /// After how many chunks of its body a response to `event` ends, and how.
    pub(crate) fn of_url_body(&self, event: &[u8]) -> Option<(u64, BodyEnd)> {
        let active = self.active(FaultService::FunctionUrl)?;
        let fired = active.fire(&Event {
            point: Point::Stream,
            service: FaultService::FunctionUrl,
            operations: &["Invoke"],
            caller: None,
            has_process: false,
            body: event,
        });
        match fired.strike.map(|strike| strike.fault)? {
            Fault::StreamCut { after_tokens } => Some((*after_tokens, BodyEnd::Cut)),
            Fault::StreamReset { after_tokens } => Some((*after_tokens, BodyEnd::Reset)),
            Fault::StreamStall { after_tokens } => Some((*after_tokens, BodyEnd::Stall)),
            _ => None,
        }
    }
}
