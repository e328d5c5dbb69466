//! The AI SDK's UI message stream, over both channels.

use http::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::doctor::context::Context;
use crate::doctor::evidence::{Evidence, of};
use crate::doctor::probe::{Experiment, Found, Judged, Probe, Wrong, ensure};
use crate::doctor::probes::quotas::LIMITS;
use crate::doctor::probes::url::NO_URL;
use crate::doctor::probes::websocket::NO_WEBSOCKET;
use crate::doctor::wire::url::{Answered, Ask};
use crate::doctor::wire::websocket::Shown;

const QUESTION: &str = "A check by tokencast doctor, as a page of the AI SDK. In one sentence of about twenty words: why is the sea salty?";

const SOURCE: &str = "design: speaking what front ends speak; PROTOCOL: the AI SDK";
const LOG: &str = "Look into the function's log (`StreamUrlLogGroup`).";

pub const PROBES: &[Probe] = &[
    Probe {
        id: "protocols.ai-sdk-url",
        experiment: Experiment::AiSdk,
        promise: "`useChat` needs nothing of ours over the Function URL",
        source: SOURCE,
        expected: "`POST /ai-sdk` is answered with the chunks `start`, `text-delta` … and `finish`",
        remedy: LOG,
        judge: |evidence| whole(&over_url_of(evidence)?.chunks, "protocols.ai-sdk-url"),
    },
    Probe {
        id: "protocols.ai-sdk-resumes",
        experiment: Experiment::AiSdk,
        promise: "a page that is reloaded gets the running answer from its beginning",
        source: SOURCE,
        expected: "`GET /ai-sdk/CHAT/stream`, asked while the answer comes, has the same message and the same text",
        remedy: LOG,
        judge: |evidence| {
            let OverUrl {
                chunks, resumed, ..
            } = over_url_of(evidence)?;
            let resumed = of(resumed)?;
            if resumed.status == 204 || (resumed.status == 200 && data(resumed).is_empty()) {
                return Err(Wrong::NotProbed("the answer was over before".into()));
            }
            ensure(resumed.status == 200, || resumed.as_text())?;
            same(chunks, &data(resumed), "protocols.ai-sdk-resumes")
        },
    },
    Probe {
        id: "protocols.ai-sdk-nothing-running",
        experiment: Experiment::AiSdk,
        promise: "a page that is reloaded after the answer has nothing to wait for",
        source: SOURCE,
        expected: "`GET /ai-sdk/CHAT/stream`, asked after the answer: HTTP 204, or a stream without chunks",
        remedy: "With 200, a page would show the answer twice. With an error, `useChat` would show it.",
        judge: |evidence| {
            let nothing = of(&over_url_of(evidence)?.nothing)?;
            let is_empty = nothing.status == 200 && nothing.has_ended && data(nothing).is_empty();
            ensure(nothing.status == 204 || is_empty, || nothing.as_text())?;
            Ok(nothing.as_text())
        },
    },
    Probe {
        id: "protocols.ai-sdk-repeated",
        experiment: Experiment::AiSdk,
        promise: "a message that is submitted twice is answered once",
        source: SOURCE,
        expected: "the second `POST /ai-sdk` with the same message has the same answer, by its id and its text",
        remedy: "A page that repeats a lost request would be answered twice, and billed. Open an issue with this report.",
        judge: |evidence| {
            let OverUrl {
                chunks, repeated, ..
            } = over_url_of(evidence)?;
            let repeated = of(repeated)?;
            ensure(repeated.status == 200, || repeated.as_text())?;
            same(chunks, &data(repeated), "protocols.ai-sdk-repeated")
        },
    },
    Probe {
        id: "protocols.ai-sdk-websocket",
        experiment: Experiment::AiSdk,
        promise: "`WebSocketChatTransport` works unmodified",
        source: SOURCE,
        expected: "a frame `send` is answered with `start`, the chunks from `start` to `finish`, and `end`",
        remedy: "The API must have the route `$default`, with a route response. Look into `WebSocketLogGroup`.",
        judge: |evidence| {
            let chunks = of(&of(&evidence.ai_sdk)?.over_websocket)?;
            whole(chunks, "protocols.ai-sdk-websocket")
        },
    },
];

/// Answers to a page of the AI SDK, over each channel.
#[derive(Debug)]
pub struct AiSdk {
    over_url: Found<OverUrl>,
    /// The chunks.
    over_websocket: Found<Vec<Value>>,
}

/// An answer over the Function URL, and what a page gets that asks again.
#[derive(Debug)]
struct OverUrl {
    chunks: Vec<Value>,
    resumed: Found<Answered>,
    nothing: Found<Answered>,
    repeated: Found<Answered>,
}

/// Asks one question over each channel, and deletes its chat.
///
/// # Errors
///
/// Never: each channel stands for itself.
pub async fn speak(cx: &Context) -> Found<AiSdk> {
    let over_url = over_url(cx).await;
    let over_websocket = over_websocket(cx).await;
    let by_url = over_url.as_ref().ok().map(|found| &found.chunks);
    for chunks in [by_url, over_websocket.as_ref().ok()].into_iter().flatten() {
        forget(cx, message_id(chunks)).await;
    }
    Ok(AiSdk {
        over_url,
        over_websocket,
    })
}

fn message(text: &str) -> Value {
    json!({ "id": Uuid::new_v4(), "role": "user", "parts": [{ "type": "text", "text": text }] })
}

/// Submits a message; resumes while its answer comes, and after it; and submits it again. The requests begin in this
/// order.
async fn over_url(cx: &Context) -> Found<OverUrl> {
    let base = cx.deployment.function_url.as_deref();
    let base = base.ok_or_else(|| Wrong::NotProbed("the deployment has no Function URL".into()))?;
    let chat = Uuid::new_v4();
    let body = json!({
        "id": chat,
        "trigger": "submit-message",
        "messages": [message(QUESTION)],
    });
    let stream = format!("ai-sdk/{chat}/stream");
    let ask = |method: Method, path, body| Ask {
        method,
        path,
        token: Some(&cx.first.token),
        last_event_id: None,
        body,
    };
    let submit = || ask(Method::POST, "ai-sdk", Some(body.clone()));
    let resume = || ask(Method::GET, stream.as_str(), None);
    let (begun, until) = (Notify::new(), cx.answered_by());
    let submitted = async {
        let answered = cx
            .wire
            .url_heard(base, submit(), until, || begun.notify_one());
        let answered = answered.await;
        // Nobody waits for an answer that never began.
        begun.notify_one();
        answered
    };
    let resumed = async {
        begun.notified().await;
        cx.wire.url(base, resume(), until).await
    };
    let (submitted, resumed) = tokio::join!(submitted, resumed);
    let place = Wrong::after("protocols.ai-sdk-url", NO_URL);
    let submitted = submitted.map_err(place)?;
    match submitted.status {
        200 => {}
        404 => {
            return Err(Wrong::NotProbed(
                "the version that is deployed has no `/ai-sdk`".into(),
            ));
        }
        _ => {
            let wrong = submitted.beyond_quota();
            return Err(wrong.unwrap_or_else(|| place(submitted.as_text())));
        }
    }
    let chunks = data(&submitted);
    // A response that broke off goes on behind its function.
    if let Some(session) = message_id(&chunks) {
        let ended = cx.ended("DoctorChat", session).await;
        ended.map_err(place)?;
    }
    let nothing = cx.wire.url(base, resume(), cx.answered_by()).await;
    let repeated = cx.wire.url(base, submit(), cx.answered_by()).await;
    Ok(OverUrl {
        chunks,
        resumed: resumed.map_err(Wrong::Failed),
        nothing: nothing.map_err(Wrong::Failed),
        repeated: repeated.map_err(Wrong::Failed),
    })
}

/// The data of events that is JSON. OpenAI's and the AI SDK's last event isn't.
pub fn data(answered: &Answered) -> Vec<Value> {
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
    let place = Wrong::after("protocols.ai-sdk-websocket", NO_WEBSOCKET);
    let mut connection =
        connection.map_err(|refused| place(format!("no connection: {}", refused.message)))?;
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
        Some(last) if last["type"] == "error" => Err(refused(last)),
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

/// Why a frame `error` came. It has a message in place of a code, and that of a quota names the limit.
fn refused(frame: &Value) -> Wrong {
    let text = frame["errorText"].as_str().unwrap_or_default();
    match LIMITS.iter().find(|limit| text.contains(*limit)) {
        Some(limit) => Wrong::beyond_quota(&(*limit).into(), &Value::Null),
        None => Wrong::Failed(format!("a frame `error`: {text}")),
    }
}

/// Deletes the conversation of an answer. Its id is made of the chat's or the thread's, by the function.
pub async fn forget(cx: &Context, session: Option<Uuid>) {
    let Some(session) = session else { return };
    let record = cx.record("DoctorForgetsChat", session).await;
    let Ok(record) = record else { return };
    let delete =
        "mutation DoctorForgets($id: String!) { deleteConversation(id: $id) { conversationId } }";
    let id = json!({ "id": record["conversationId"] });
    if let Err(got) = cx.first(delete, id).await {
        tracing::warn!(%got, %session, "the chat of this session is not deleted");
    }
}

/// An answer's message has the id of its session.
fn message_id(chunks: &[Value]) -> Option<Uuid> {
    let id = chunks.iter().find_map(|chunk| chunk["messageId"].as_str());
    Uuid::parse_str(id?).ok()
}

/// How many there are of something, and the first and the last.
pub(super) fn from_to(what: &str, kinds: &[&str]) -> String {
    match kinds {
        [] => format!("no {what}"),
        [only] => format!("{what}: only `{only}`"),
        [first, .., last] => format!("{} {what}, from `{first}` to `{last}`", kinds.len()),
    }
}

fn text_of(chunks: &[Value]) -> String {
    let deltas = chunks.iter().filter(|chunk| chunk["type"] == "text-delta");
    deltas.filter_map(|chunk| chunk["delta"].as_str()).collect()
}

/// Whether an answer has come, from its first chunk to its last. Of a chunk `error`, the model may be the reason.
fn whole(chunks: &[Value], probe: &'static str) -> Judged {
    let count = |kind: &str| chunks.iter().filter(|chunk| chunk["type"] == kind).count();
    let is_whole = chunks.first().is_some_and(|chunk| chunk["type"] == "start")
        && count("text-delta") > 0
        && count("finish") == 1;
    if is_whole {
        return Ok(format!("{} chunks", chunks.len()));
    }
    let kinds = chunks.iter().filter_map(|chunk| chunk["type"].as_str());
    let kinds: Vec<&str> = kinds.collect();
    let got = from_to("chunks", &kinds);
    let error = chunks.iter().find(|chunk| chunk["type"] == "error");
    Err(match error.map(|error| error["errorText"].as_str()) {
        Some(text) => {
            let text = text.unwrap_or_default();
            Wrong::after(probe, &["sessions.answers"])(format!("{got}; error: {text}"))
        }
        None => Wrong::Failed(got),
    })
}

/// Whether another response has the whole answer of the first.
fn same(first: &[Value], other: &[Value], probe: &'static str) -> Judged {
    // An answer that isn't whole is another probe's.
    let url = "protocols.ai-sdk-url";
    whole(first, url).map_err(|wrong| wrong.placed(Wrong::at(url)))?;
    whole(other, probe)?;
    ensure(message_id(first) == message_id(other), || {
        "another message".into()
    })?;
    let (expected, got) = (text_of(first), text_of(other));
    ensure(expected == got, || {
        format!("{} bytes of text in place of {}", got.len(), expected.len())
    })?;
    Ok(format!("the same {} bytes", got.len()))
}

fn over_url_of(evidence: &Evidence) -> Result<&OverUrl, Wrong> {
    of(&of(&evidence.ai_sdk)?.over_url)
}
