//! Faults within a function URL's response.

use local_faults::{Event, Fault, FaultService, Faults, Point};

/// What is wrong with a response's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// It ends after so many chunks.
    Ends { after_chunks: u64, end: BodyEnd },
    /// Without a byte it never ends, nor is its head sent.
    HeldEmpty { even_if_length_is_zero: bool },
}

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

/// What is wrong with the body of a response to `event`.
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
    let (after_chunks, end) = match *fired.strike.map(|strike| strike.fault)? {
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
