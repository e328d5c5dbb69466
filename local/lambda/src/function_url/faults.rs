//! Faults within a function URL's response.

use local_faults::{Event, Fault, FaultService, Faults, Point};

/// The fault of a response's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// The body ends after this many chunks.
    Ends { after_chunks: u64, end: BodyEnd },
    /// An empty body never ends, and its head isn't sent.
    HeldEmpty { even_if_length_is_zero: bool },
}

/// How a body ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    /// The body ends as if complete.
    Cut,
    /// The connection is torn down.
    Reset,
    /// Nothing more is sent.
    Stall,
}

/// The fault of the body of the response to `event`.
pub(crate) fn of_body(faults: &Faults, event: &[u8]) -> Option<BodyFault> {
    let active = faults.active(FaultService::FunctionUrl)?;
    let fired = active.fire(&Event {
        point: Point::Stream,
        service: FaultService::FunctionUrl,
        operations: &["Invoke"],
        caller: None,
        has_process: false,
        body: event,
    });
    let (after_chunks, end) = match *fired.fault.map(|fired| fired.fault)? {
        Fault::StreamCut { after_tokens } => (after_tokens, BodyEnd::Cut),
        Fault::StreamReset { after_tokens } => (after_tokens, BodyEnd::Reset),
        Fault::StreamStall { after_tokens } => (after_tokens, BodyEnd::Stall),
        Fault::HoldEmpty {
            even_if_length_is_zero,
        } => {
            return Some(BodyFault::HeldEmpty {
                even_if_length_is_zero,
            });
        }
        _ => return None,
    };
    Some(BodyFault::Ends { after_chunks, end })
}
