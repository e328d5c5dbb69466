//! Events and snapshots as an API sends them.

use serde_json::{Value, json};

pub fn token(attempt: u64, sequence: u64, text: &str) -> Value {
    json!({
        "sessionId": "s", "token": text, "isComplete": false, "timestamp": "2026-01-01T00:00:00Z",
        "sequence": sequence, "attempt": attempt, "status": "STREAMING", "stopReason": null, "usage": null, "error": null,
    })
}

/// An event with a piece of another block than text: `field` is `reasoning`, `citation`, `toolUse` or `toolResult`.
pub fn piece(sequence: u64, block: u64, block_type: &str, field: &str, content: Value) -> Value {
    let mut event = token(1, sequence, "");
    event["blockIndex"] = block.into();
    event["blockType"] = block_type.into();
    event[field] = content;
    event
}

pub fn completed(attempt: u64, sequence: u64) -> Value {
    let mut event = token(attempt, sequence, "");
    event["isComplete"] = true.into();
    event["status"] = "COMPLETED".into();
    event["stopReason"] = "end_turn".into();
    event["usage"] = json!({ "inputTokens": 3, "outputTokens": 4, "totalTokens": 7 });
    event
}

pub fn failed(attempt: u64, sequence: u64) -> Value {
    let mut event = token(attempt, sequence, "");
    event["isComplete"] = true.into();
    event["status"] = "FAILED".into();
    event["error"] =
        json!({ "code": "MODEL_ERROR", "message": "The model failed.", "retryable": true });
    event
}

pub fn cancelled(attempt: u64, sequence: u64) -> Value {
    let mut event = token(attempt, sequence, "");
    event["isComplete"] = true.into();
    event["status"] = "CANCELLED".into();
    event
}

pub fn snapshot(status: &str, attempt: u64, sequence: u64, text: &str) -> Value {
    json!({
        "status": status, "text": text, "sequence": sequence, "attempt": attempt,
        "stopReason": null, "usage": null, "error": null,
    })
}
