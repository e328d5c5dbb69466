//! The faults, and which services each is for.

use serde::{Deserialize, Serialize};

use crate::replacement::Replacement;
use crate::service::{FaultService, Point};
use crate::subscription_error::SubscriptionError;

/// A fault. Its times are wall-clock times, like the network's: advancing the stack's clock doesn't shorten them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Fault {
    /// The service responds with an error in its own shape and doesn't handle the request.
    Error {
        /// `ThrottlingException`, `Lambda.Unknown`, …
        #[serde(rename = "type")]
        error_type: String,
        /// By default the status that AWS sends with this error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// `AppSync` responds with HTTP 200 and `errors`, and doesn't handle the request.
    GraphqlError {
        error_type: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// Handles or delivers it after a delay. A delayed frame doesn't hold up later ones.
    Delay { ms: u64 },
    /// Never responds. The request ends when the client gives up.
    Hang,
    /// Resets the connection and doesn't handle the request.
    Reset,
    /// Handles the request, with its effect, and then resets the connection instead of responding.
    LostAnswer,
    /// Handles the request, and answers otherwise than the service would. The answer is sent once it is whole, so a
    /// stream doesn't stream any more. WebSockets: changes this frame.
    Replace(Replacement),
    /// An outage of the whole service: from now on each request's connection is reset, whatever its operation.
    Unavailable {
        /// Without it, the outage lasts until the plan changes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_ms: Option<u64>,
    },
    /// WebSockets: the receiver doesn't get this frame.
    Drop,
    /// WebSockets: the receiver gets this frame `times` more times.
    Repeat { times: u32 },
    /// WebSockets: holds this frame until `window` frames wait for the same receiver, then sends them in another order.
    Reorder {
        window: u32,
        /// After this time the held frames are sent even if they are fewer; 200 by default.
        #[serde(default = "default_within_ms")]
        within_ms: u64,
    },
    /// WebSockets: cuts the receiver's socket in place of this frame.
    Disconnect,
    /// AppSync's WebSockets: at `start`, refuses the subscription with this `error` frame. At `data`, sends this frame
    /// in place of the event and ends the subscription.
    SubscriptionError(SubscriptionError),
    /// SQS: makes the received message visible again at once, so that another receive gets it as well.
    Duplicate,
    /// `DynamoDB`: a query or scan of a global secondary index doesn't see items that were written less than this long ago.
    IndexLag { ms: u64 },
    /// Lambda: receives the messages for the function but doesn't invoke it, as when Lambda is throttled. The messages
    /// become visible again when their visibility timeout ends, and a receive is spent.
    ThrottledReceive,
    /// Bedrock: ends the stream with an exception after this many tokens.
    StreamError {
        after_tokens: u64,
        #[serde(default)]
        exception: StreamException,
    },
    /// Bedrock: sends nothing more after this many tokens. A function URL: after this many chunks of the body.
    StreamStall { after_tokens: u64 },
    /// Bedrock: ends the stream after this many tokens as if complete, but without `messageStop`. A function URL: ends
    /// the body as if complete after this many chunks.
    StreamCut { after_tokens: u64 },
    /// Bedrock: tears down the connection (or HTTP/2 stream) after this many tokens. A function URL: after this many
    /// chunks of the body.
    StreamReset { after_tokens: u64 },
    /// A function URL: holds back the head and the end of a response with an empty body, as some AWS accounts do.
    HoldEmpty {
        /// Holds it back even if the head says `content-length: 0`.
        #[serde(default)]
        even_if_length_is_zero: bool,
    },
    /// Lambda: kills the process this long after it took the invocation.
    Kill {
        #[serde(default)]
        after_ms: u64,
    },
    /// Lambda: stops the process this long after it took the invocation.
    Freeze {
        #[serde(default)]
        after_ms: u64,
        /// Without it, the process stays stopped until it is thawed through the control endpoint.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_ms: Option<u64>,
    },
    /// Kills the function's process that sent this request.
    KillCaller {
        /// Whether the request still has its effect. By default it has none.
        #[serde(default)]
        handled: bool,
    },
    /// Stops the function's process that sent this request. The request is handled.
    FreezeCaller {
        /// Without it, the process stays stopped until it is thawed through the control endpoint.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_ms: Option<u64>,
    },
}

/// The exceptions that a `ConverseStream` may end with.
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

/// The faults of a service that a function calls.
const OF_A_CALL: &[&str] = &[
    "error",
    "delay",
    "hang",
    "reset",
    "lostAnswer",
    "unavailable",
    "killCaller",
    "freezeCaller",
];

impl Fault {
    /// An error with the status and message that AWS sends for it.
    pub fn error(error_type: &str) -> Self {
        Self::Error {
            error_type: error_type.to_owned(),
            status: None,
            message: None,
        }
    }

    /// The fault's name in a plan.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Error { .. } => "error",
            Self::GraphqlError { .. } => "graphqlError",
            Self::Delay { .. } => "delay",
            Self::Hang => "hang",
            Self::Reset => "reset",
            Self::LostAnswer => "lostAnswer",
            Self::Replace(_) => "replace",
            Self::Unavailable { .. } => "unavailable",
            Self::Drop => "drop",
            Self::Repeat { .. } => "repeat",
            Self::Reorder { .. } => "reorder",
            Self::Disconnect => "disconnect",
            Self::SubscriptionError(_) => "subscriptionError",
            Self::Duplicate => "duplicate",
            Self::IndexLag { .. } => "indexLag",
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
            Self::Replace(_) => matches!(point, Point::Request | Point::Frame),
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
            Self::IndexLag { .. } => point == Point::Index,
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

    /// The names of the faults that a service supports.
    pub(super) fn names_for(service: FaultService) -> &'static [&'static str] {
        match service {
            FaultService::AppSync => &[
                "error",
                "graphqlError",
                "delay",
                "hang",
                "reset",
                "lostAnswer",
                "replace",
                "unavailable",
                "killCaller",
                "freezeCaller",
            ],
            FaultService::Realtime => &[
                "error",
                "delay",
                "hang",
                "reset",
                "replace",
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
                "replace",
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
                "replace",
                "unavailable",
                "streamStall",
                "streamCut",
                "streamReset",
                "holdEmpty",
            ],
            FaultService::DynamoDb => &[
                "error",
                "delay",
                "hang",
                "reset",
                "lostAnswer",
                "unavailable",
                "indexLag",
                "killCaller",
                "freezeCaller",
            ],
            FaultService::ExecuteApi => OF_A_CALL,
            FaultService::Cognito => &[
                "error",
                "delay",
                "hang",
                "reset",
                "lostAnswer",
                "replace",
                "unavailable",
            ],
        }
    }
}
