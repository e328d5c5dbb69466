//! The `error` frames about one subscription, in AppSync's shapes.

use local_faults::{ErrorShape, FrameId, SubscriptionError};
use serde_json::{Value, json};

/// The frame for the subscription `id`.
pub(super) fn error_frame(id: &str, error: &SubscriptionError) -> Value {
    let SubscriptionError {
        error_type,
        message,
        shape,
        id: frame_id,
    } = error;
    let message = message.as_deref().unwrap_or(error_type);
    let whole = json!({ "errorType": error_type, "message": message });
    let payload = match shape {
        ErrorShape::Array => json!({ "errors": [whole] }),
        ErrorShape::Object => json!({ "errors": whole }),
        ErrorShape::ErrorType => json!({ "errorType": error_type }),
    };
    let mut frame = json!({ "type": "error", "payload": payload });
    match frame_id {
        FrameId::Own => frame["id"] = id.into(),
        FrameId::Empty => frame["id"] = "".into(),
        FrameId::None => {}
    }
    frame
}
