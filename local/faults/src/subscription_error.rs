//! An `error` frame of AppSync's WebSockets, which come in several shapes.

use serde::{Deserialize, Serialize};

/// What the client of a subscription is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubscriptionError {
    /// `UnauthorizedException`, `LimitExceededError`, …
    pub error_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(default)]
    pub shape: ErrorShape,
    #[serde(default)]
    pub id: FrameId,
}

/// How the frame's payload is written; AppSync was seen to send each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ErrorShape {
    /// `{"errors": [{"errorType", "message"}]}`
    #[default]
    Array,
    /// `{"errors": {"errorType", "message"}}`, as for `MaxSubscriptionsReachedError`.
    Object,
    /// `{"errorType"}`
    ErrorType,
}

/// Which `id` the frame has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FrameId {
    /// The subscription's.
    #[default]
    Own,
    /// `"id": ""`
    Empty,
    /// There is none, so that it is about the connection as a whole.
    None,
}

impl SubscriptionError {
    /// With the subscription's id, in an array.
    pub fn new(error_type: &str, message: &str) -> Self {
        Self {
            error_type: error_type.to_owned(),
            message: Some(message.to_owned()),
            shape: ErrorShape::Array,
            id: FrameId::Own,
        }
    }
}
