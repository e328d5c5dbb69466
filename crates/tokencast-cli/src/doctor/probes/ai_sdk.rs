//! What front ends speak besides our own protocols: the AI SDK's UI message stream, over both channels.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::doctor::context::Context;
use crate::doctor::evidence::{Evidence, of};
use crate::doctor::probe::{Found, Judged, Probe, Wrong, ensure};
use crate::doctor::wire::url::{Answered, Ask};
use crate::doctor::wire::websocket::Shown;

const QUESTION: &str =
    "A check by tokencast doctor, as a page of the AI SDK. In one sentence: why is the sea salty?";

const SOURCE: &str = "design: speaking what front ends speak; PROTOCOL: the AI SDK";

pub const PROBES: &[Probe] = &[
    Probe {
        id: "protocols.ai-sdk-url",
        promise: "`useChat` needs nothing of ours over the Function URL",
        source: SOURCE,
        expected: "`POST /ai-sdk` is answered with the chunks `start`, `text-delta` … and `finish`",
        remedy: "Look into the function's log (`StreamUrlLogGroup`).",
        judge: |evidence| chunks(of(&protocols(evidence)?.over_url)?),
    },
    Probe {
        id: "protocols.ai-sdk-websocket",
        promise: "`WebSocketChatTransport` works unmodified",
        source: SOURCE,
        expected: "a frame `send` is answered with `start`, the chunks from `start` to `finish`, and `end`",
        remedy: "The API must have the route `$default`, with a route response. Look into `WebSocketLogGroup`.",
        judge: |evidence| chunks(of(&protocols(evidence)?.over_websocket)?),
    },
];

/// The chunks of an answer over each channel.
#[derive(Debug)]
pub struct Protocols {
    over_url: Found<Vec<Value>>,
    over_websocket: Found<Vec<Value>>,
}

/// Asks one question over each channel, and deletes its chat.
///
/// # Errors
///
/// Never: each channel stands for itself.
pub async fn speak(cx: &Context) -> Found<Protocols> {
    let over_url = over_url(cx).await;
    let over_websocket = over_websocket(cx).await;
    for chunks in [&over_url, &over_websocket].into_iter().flatten() {
        forget(cx, chunks).await;
    }
    Ok(Protocols {
        over_url,
        over_websocket,
    })
}

fn message(text: &str) -> Value {
    json!({ "id": Uuid::new_v4(), "role": "user", "parts": [{ "type": "text", "text": text }] })
}

async fn over_url(cx: &Context) -> Found<Vec<Value>> {
    let base = cx.deployment.function_url.as_deref();
    let base = base.ok_or_else(|| Wrong::NotProbed("the deployment has no Function URL".into()))?;
    let ask = Ask {
        method: Method::POST,
        path: "ai-sdk",
        token: Some(&cx.first.token),
        last_event_id: None,
        body: Some(json!({
            "id": Uuid::new_v4(),
            "trigger": "submit-message",
            "messages": [message(QUESTION)],
        })),
    };
    let answered = cx.wire.url(base, ask, cx.answered_by()).await;
    let answered = answered.map_err(Wrong::Failed)?;
    match answered.status {
        200 => Ok(data(&answered)),
        404 => Err(Wrong::NotProbed(
            "the version that is deployed has no `/ai-sdk`".into(),
        )),
        _ => Err(Wrong::Failed(answered.as_text())),
    }
}

/// The chunks are the events' data. The last event's is no JSON.
fn data(answered: &Answered) -> Vec<Value> {
    let events = answered.events().into_iter();
    events
        .map(|event| event.data)
        .filter(Value::is_object)
        .collect()
}

async fn over_websocket(cx: &Context) -> Found<Vec<Value>> {
    let url = cx.deployment.websocket_url.as_deref();
    let url = url.ok_or_else(|| Wrong::NotProbed("the deployment has no WebSocket API".into()))?;
    let token = &cx.first.token;
    let connection = match cx.wire.websocket(url, Shown::InQuery, token).await {
        Ok(connection) => Ok(connection),
        Err(_) => cx.wire.websocket(url, Shown::InHeader, token).await,
    };
    let mut connection = connection
        .map_err(|refused| Wrong::NotProbed(format!("no connection: {}", refused.message)))?;
    let send = json!({
        "type": "send",
        "requestId": Uuid::new_v4(),
        "id": Uuid::new_v4(),
        "trigger": "submit-message",
        "messages": [message(QUESTION)],
    });
    connection.send(&send).await.map_err(Wrong::Failed)?;
    let is_last = |frame: &Value| {
        let kind = frame["type"].as_str();
        matches!(kind, Some("end" | "error")) || frame["message"] == "Forbidden"
    };
    let frames = connection.until(cx.answered_by(), is_last).await;
    connection.close().await;
    let frames = frames.map_err(Wrong::Failed)?;
    match frames.last() {
        Some(last) if last["type"] == "error" => Err(Wrong::Failed("a frame `error`".to_owned())),
        Some(last) if last["type"] != "end" => Err(Wrong::NotProbed(
            "the version that is deployed has no route `$default`".into(),
        )),
        _ => Ok(frames
            .into_iter()
            .map(|mut frame| frame["chunk"].take())
            .filter(Value::is_object)
            .collect()),
    }
}

/// Deletes the chat of an answer, which is a conversation. Its id is made of the chat's, by the function.
async fn forget(cx: &Context, chunks: &[Value]) {
    let session = chunks.iter().find_map(|chunk| chunk["messageId"].as_str());
    let Some(session) = session.and_then(|id| Uuid::parse_str(id).ok()) else {
        return;
    };
    let record = cx.record("DoctorForgetsChat", session).await;
    let Ok(record) = record else { return };
    let delete =
        "mutation DoctorForgets($id: String!) { deleteConversation(id: $id) { conversationId } }";
    let id = json!({ "id": record["conversationId"] });
    if let Err(got) = cx.first(delete, id).await {
        tracing::warn!(%got, %session, "the chat of this session is not deleted");
    }
}

fn chunks(chunks: &[Value]) -> Judged {
    let count = |kind: &str| chunks.iter().filter(|chunk| chunk["type"] == kind).count();
    let is_whole = chunks.first().is_some_and(|chunk| chunk["type"] == "start")
        && count("text-delta") > 0
        && count("finish") == 1;
    ensure(is_whole, || {
        let kinds: Vec<&str> = chunks
            .iter()
            .filter_map(|chunk| chunk["type"].as_str())
            .collect();
        let (first, last) = (kinds.first(), kinds.last());
        format!("{} chunks, from {first:?} to {last:?}", kinds.len())
    })?;
    Ok(format!("{} chunks", chunks.len()))
}

fn protocols(evidence: &Evidence) -> Result<&Protocols, Wrong> {
    of(&evidence.protocols)
}
