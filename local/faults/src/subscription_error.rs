//! The `error` frames of AppSync's WebSockets, which have several shapes.

use serde::{Deserialize, Serialize};

/// The error that a subscription's client gets.
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

/// The shape of the frame's payload. AppSync was seen to send each of them.
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

/// The `id` of the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FrameId {
    /// The subscription's id.
    #[default]
    Own,
    /// An empty id: `"id": ""`.
    Empty,
    /// No id: the error is about the whole connection.
    None,
}

impl SubscriptionError {
    /// An error in an array, with the subscription's id.
    pub fn new(error_type: &str, message: &str) -> Self {
        Self {
            error_type: error_type.to_owned(),
            message: Some(message.to_owned()),
            shape: ErrorShape::Array,
            id: FrameId::Own,
        }
    }
}
