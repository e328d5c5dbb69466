//! What can go wrong, and where each fault fits.

use serde::{Deserialize, Serialize};

use crate::active::Point;
use crate::plan::FaultService;
use crate::subscription_error::SubscriptionError;

/// What goes wrong. Times are the wall clock's, as the network's are: moving the stack's clock doesn't shorten them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Fault {
    /// Answered with an error of the service's own shape, and not handled.
    Error {
        /// `ThrottlingException`, `Lambda.Unknown`, …
        #[serde(rename = "type")]
        error_type: String,
        /// By default what AWS sends with errors of that name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// `AppSync`: HTTP 200 with `errors`, and not handled.
    GraphqlError {
        error_type: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// Handled, or delivered, so much later. A frame that is delayed doesn't hold up the ones behind it.
    Delay { ms: u64 },
    /// Never answered; ends when the client gives up.
    Hang,
    /// The connection is reset instead of handling the request.
    Reset,
    /// The request is handled, its effect is done, and then the connection is reset instead of an answer.
    LostAnswer,
    /// An outage of the whole service: from now on each request's connection is reset, whatever its operation.
    Unavailable {
        /// Until the plan changes, if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_ms: Option<u64>,
    },
    /// WebSockets: the receiver doesn't get this frame.
    Drop,
    /// WebSockets: the receiver gets this frame so many times more.
    Repeat { times: u32 },
    /// WebSockets: this frame waits until `window` frames wait for the same receiver; then they go out in another order.
    Reorder {
        window: u32,
        /// They go out after this time even if they are fewer; 200 by default.
        #[serde(default = "default_within_ms")]
        within_ms: u64,
    },
    /// WebSockets: the receiver's socket is cut where this frame would have been.
    Disconnect,
    /// AppSync's WebSockets: at `start` the subscription is refused with this `error` frame; at `data` the frame comes in
    /// the event's place, and the subscription is over.
    SubscriptionError(SubscriptionError),
    /// SQS: the message that is received is visible again at once, so that another receive gets it as well.
    Duplicate,
    /// Lambda: messages are received for the function, but it isn't invoked, as when Lambda is throttled: they are visible
    /// again when their visibility ends, and a receive is spent.
    ThrottledReceive,
    /// Bedrock: the stream ends with an exception after so many tokens.
    StreamError {
        after_tokens: u64,
        #[serde(default)]
        exception: StreamException,
    },
    /// Bedrock: nothing more comes after so many tokens. A function URL: after so many chunks of the body.
    StreamStall { after_tokens: u64 },
    /// Bedrock: the stream ends after so many tokens as if complete, but without `messageStop`. A function URL: the body
    /// ends as if complete after so many chunks.
    StreamCut { after_tokens: u64 },
    /// Bedrock: the connection (or HTTP/2 stream) is torn down after so many tokens. A function URL: after so many chunks
    /// of the body.
    StreamReset { after_tokens: u64 },
    /// A function URL: a response whose body has no byte isn't ended, nor its head sent, as on some AWS accounts.
    HoldEmpty {
        /// Nor is one that says `content-length: 0`.
        #[serde(default)]
        even_if_length_is_zero: bool,
    },
    /// Lambda: the process is killed so long after it took the invocation.
    Kill {
        #[serde(default)]
        after_ms: u64,
    },
    /// Lambda: the process is stopped so long after it took the invocation.
    Freeze {
        #[serde(default)]
        after_ms: u64,
        /// Until it is thawed through the control endpoint, if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_ms: Option<u64>,
    },
    /// The function's process that sent this request is killed.
    KillCaller {
        /// Whether the request still has its effect; by default it has none.
        #[serde(default)]
        handled: bool,
    },
    /// The function's process that sent this request is stopped; the request is handled.
    FreezeCaller {
        /// Until it is thawed through the control endpoint, if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_ms: Option<u64>,
    },
}

/// The exceptions that a `ConverseStream` may carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamException {
    #[serde(rename = "internalServerException")]
    InternalServer,
    #[default]
    #[serde(rename = "modelStreamErrorException")]
    ModelStreamError,
    #[serde(rename = "serviceUnavailableException")]
    ServiceUnavailable,
    #[serde(rename = "throttlingException")]
    Throttling,
    #[serde(rename = "validationException")]
    Validation,
}

const fn default_within_ms() -> u64 {
    200
}

impl Fault {
    /// An error with the status and message that AWS has for it.
    pub fn error(error_type: &str) -> Self {
        Self::Error {
            error_type: error_type.to_owned(),
            status: None,
            message: None,
        }
    }

    /// As in a plan.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Error { .. } => "error",
            Self::GraphqlError { .. } => "graphqlError",
            Self::Delay { .. } => "delay",
            Self::Hang => "hang",
            Self::Reset => "reset",
            Self::LostAnswer => "lostAnswer",
            Self::Unavailable { .. } => "unavailable",
            Self::Drop => "drop",
            Self::Repeat { .. } => "repeat",
            Self::Reorder { .. } => "reorder",
            Self::Disconnect => "disconnect",
            Self::SubscriptionError(_) => "subscriptionError",
            Self::Duplicate => "duplicate",
            Self::ThrottledReceive => "throttledReceive",
            Self::StreamError { .. } => "streamError",
            Self::StreamStall { .. } => "streamStall",
            Self::StreamCut { .. } => "streamCut",
            Self::StreamReset { .. } => "streamReset",
            Self::HoldEmpty { .. } => "holdEmpty",
            Self::Kill { .. } => "kill",
            Self::Freeze { .. } => "freeze",
            Self::KillCaller { .. } => "killCaller",
            Self::FreezeCaller { .. } => "freezeCaller",
        }
    }

    pub(super) fn fits(&self, point: Point) -> bool {
        match self {
            Self::Error { .. } => matches!(point, Point::Request | Point::Invocation),
            Self::Delay { .. } => {
                matches!(point, Point::Request | Point::Invocation | Point::Frame)
            }
            Self::Hang => matches!(point, Point::Request | Point::Start),
            Self::SubscriptionError(_) => matches!(point, Point::Start | Point::Frame),
            Self::GraphqlError { .. }
            | Self::Reset
            | Self::LostAnswer
            | Self::Unavailable { .. }
            | Self::KillCaller { .. }
            | Self::FreezeCaller { .. } => point == Point::Request,
            Self::Drop | Self::Repeat { .. } | Self::Reorder { .. } | Self::Disconnect => {
                point == Point::Frame
            }
            Self::Duplicate => point == Point::Receive,
            Self::ThrottledReceive => point == Point::Batch,
            Self::StreamError { .. }
            | Self::StreamStall { .. }
            | Self::StreamCut { .. }
            | Self::StreamReset { .. }
            | Self::HoldEmpty { .. } => point == Point::Stream,
            Self::Kill { .. } | Self::Freeze { .. } => point == Point::Invocation,
        }
    }

    pub(super) fn is_about_caller(&self) -> bool {
        matches!(self, Self::KillCaller { .. } | Self::FreezeCaller { .. })
    }

    /// The names of the faults that a service has.
    pub(super) fn names_for(service: FaultService) -> &'static [&'static str] {
        match service {
            FaultService::AppSync => &[
                "error",
                "graphqlError",
                "delay",
                "hang",
                "reset",
                "lostAnswer",
                "unavailable",
                "killCaller",
                "freezeCaller",
            ],
            FaultService::Realtime => &[
                "error",
                "delay",
                "hang",
                "reset",
                "unavailable",
                "drop",
                "repeat",
                "reorder",
                "disconnect",
                "subscriptionError",
            ],
            FaultService::WebSocket => &[
                "error",
                "delay",
                "hang",
                "reset",
                "unavailable",
                "drop",
                "repeat",
                "reorder",
                "disconnect",
            ],
            FaultService::Sqs => &[
                "error",
                "delay",
                "hang",
                "reset",
                "lostAnswer",
                "unavailable",
                "duplicate",
                "killCaller",
                "freezeCaller",
            ],
            FaultService::Lambda => &["error", "delay", "throttledReceive", "kill", "freeze"],
            FaultService::Bedrock => &[
                "error",
                "delay",
                "hang",
                "reset",
                "lostAnswer",
                "unavailable",
                "streamError",
                "streamStall",
                "streamCut",
                "streamReset",
                "killCaller",
                "freezeCaller",
            ],
            FaultService::FunctionUrl => &[
                "error",
                "delay",
                "hang",
                "reset",
                "lostAnswer",
                "unavailable",
                "streamStall",
                "streamCut",
                "streamReset",
                "holdEmpty",
            ],
            FaultService::DynamoDb | FaultService::ExecuteApi => &[
                "error",
                "delay",
                "hang",
                "reset",
                "lostAnswer",
                "unavailable",
                "killCaller",
                "freezeCaller",
            ],
            FaultService::Cognito => &[
                "error",
                "delay",
                "hang",
                "reset",
                "lostAnswer",
                "unavailable",
            ],
        }
    }
}
