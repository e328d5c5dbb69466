//! The stack's parts as JSON.

use local_bedrock::log::{EndReason, ModelCall};
use local_gateway::ConnectionInfo;
use local_lambda::environment::ProcessState;
use local_lambda::service::ProcessInfo;
use serde_json::{Value, json};

pub(super) fn call(call: &ModelCall) -> Value {
    let ended = call.ended.as_ref().map(|reason| match reason {
        EndReason::Completed => "completed".to_owned(),
        EndReason::ClientGone => "clientGone".to_owned(),
        EndReason::Faulted(what) => format!("faulted: {what}"),
    });
    json!({
        "id": call.id,
        "modelId": call.model_id,
        "prompt": call.prompt,
        "startedAtMs": call.started_at_ms,
        "endedAtMs": call.ended_at_ms,
        "tokensSent": call.tokens_sent,
        "textSent": call.text_sent,
        "ended": ended,
    })
}

pub(super) fn connection(connection: &ConnectionInfo) -> Value {
    json!({
        "id": connection.id,
        "peer": connection.peer.to_string(),
        "tls": connection.tls,
        "websocket": connection.websocket,
        "socketOf": connection.socket_of,
    })
}

pub(super) fn process(function: &str, process: &ProcessInfo) -> Value {
    let state = match process.state {
        ProcessState::Starting => "starting",
        ProcessState::Idle => "idle",
        ProcessState::Busy => "busy",
    };
    json!({
        "function": function,
        "pid": process.pid,
        "state": state,
        "requestId": process.request_id,
    })
}
