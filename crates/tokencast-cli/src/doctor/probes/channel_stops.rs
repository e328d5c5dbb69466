//! Stopping an answer over the channel that it comes over: the Function URL, and the WebSocket API.

use http::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::doctor::context::Context;
use crate::doctor::evidence::of;
use crate::doctor::probe::{Experiment, Found, Judged, Probe, Wrong, ensure};
use crate::doctor::probes::stopping::{LONG_QUESTION, OVER_BEFORE};
use crate::doctor::probes::url::NO_URL;
use crate::doctor::probes::websocket::{NO_WEBSOCKET, refused};
use crate::doctor::wire::url::{Answered, Ask};
use crate::doctor::wire::websocket::Shown;

pub const PROBES: &[Probe] = &[
    Probe {
        id: "url.stops",
        experiment: Experiment::UrlStopped,
        promise: "an answer over the Function URL is really stopped over it",
        source: "PROTOCOL: over a Function URL; design: stop really stops",
        expected: "`DELETE /SESSION-ID` is answered with 200, and the response ends with `complete`, `CANCELLED`",
        remedy: "Look into the function's log (`StreamUrlLogGroup`): the flag is read back with each checkpoint, about each half second.",
        judge: |evidence| {
            let UrlStopped {
                stop,
                answer,
                record,
            } = of(&evidence.url_stopped)?;
            ensure(stop.status == 200, || stop.as_text())?;
            let last = answer.events().pop().unwrap_or_default();
            cancelled(&last.event, &last.data, record)
        },
    },
    Probe {
        id: "websocket.stops",
        experiment: Experiment::WebSocketStopped,
        promise: "an answer over the WebSocket API is really stopped over it",
        source: "PROTOCOL: over a WebSocket; design: stop really stops",
        expected: "`{\"action\":\"stop\"}` is followed by a frame `complete` with `CANCELLED`",
        remedy: "Look into the logs of the routes' function (`WebSocketLogGroup`) and of the worker.",
        judge: |evidence| {
            let WebSocketStopped { last, record } = of(&evidence.websocket_stopped)?;
            let kind = last["type"].as_str().unwrap_or_default();
            cancelled(kind, last, record)
        },
    },
];

/// What came of a stop over the Function URL.
#[derive(Debug)]
pub struct UrlStopped {
    stop: Answered,
    answer: Answered,
    record: Value,
}

/// What came of a stop over the WebSocket API.
#[derive(Debug)]
pub struct WebSocketStopped {
    /// The frame that ended the answer.
    last: Value,
    record: Value,
}

/// Whether the last event of an answer, and its record, say that it was stopped.
fn cancelled(kind: &str, last: &Value, record: &Value) -> Judged {
    if record["status"] == "COMPLETED" {
        return Err(Wrong::NotProbed(OVER_BEFORE.into()));
    }
    let is_cancelled = kind == "complete" && last["status"] == "CANCELLED";
    ensure(is_cancelled && record["status"] == "CANCELLED", || {
        let text = |value: &Value| value.as_str().unwrap_or("nothing").to_owned();
        let code = last["error"].get("code");
        let (said, record) = (
            text(code.unwrap_or(&last["status"])),
            text(&record["status"]),
        );
        format!("the last event is `{kind}`, {said}, and the session is {record}")
    })?;
    Ok("CANCELLED".into())
}

/// Asks for a long answer over the Function URL, and stops it once something of it has come.
///
/// # Errors
///
/// The deployment has no Function URL, or one of the steps failed.
pub async fn over_url(cx: &Context) -> Found<UrlStopped> {
    let place = Wrong::after("url.stops", NO_URL);
    let base = cx.deployment.function_url.as_deref();
    let base = base.ok_or_else(|| Wrong::NotProbed("the deployment has no Function URL".into()))?;
    let session = Uuid::new_v4();
    let id = session.to_string();
    let token = Some(cx.first.token.as_str());
    let ask = |method, path, body| Ask {
        method,
        path,
        token,
        last_event_id: None,
        body,
    };
    let question = ask(Method::POST, "", Some(question(cx, session)));
    let heard = Notify::new();
    let answering = async {
        let until = cx.answered_by();
        let answer = cx
            .wire
            .url_heard(base, question, until, || heard.notify_one())
            .await;
        // An answer that was over before has something to be stopped no more.
        heard.notify_one();
        answer
    };
    let stopping = async {
        heard.notified().await;
        let until = Instant::now() + cx.limits.told;
        let stopped = cx
            .wire
            .url(base, ask(Method::DELETE, &id, None), until)
            .await;
        if !stopped.as_ref().is_ok_and(|stop| stop.status == 200) {
            // The answer must not go on at somebody's cost.
            let _ = cx.stop("DoctorGivesUp", session).await;
        }
        stopped
    };
    let (answer, stop) = tokio::join!(answering, stopping);
    let answer = answer.map_err(place)?;
    if answer.status != 200 {
        let wrong = answer.beyond_quota();
        return Err(wrong.unwrap_or_else(|| place(answer.as_text())));
    }
    let record = cx.ended("DoctorUrlStopped", session).await;
    Ok(UrlStopped {
        answer,
        stop: stop.map_err(place)?,
        record: record.map_err(place)?,
    })
}

/// Asks for a long answer over the WebSocket API, and stops it once something of it has come.
///
/// # Errors
///
/// The deployment has no WebSocket API, or one of the steps failed.
pub async fn over_websocket(cx: &Context) -> Found<WebSocketStopped> {
    let place = Wrong::after("websocket.stops", NO_WEBSOCKET);
    let url = cx.deployment.websocket_url.as_deref();
    let url = url.ok_or_else(|| Wrong::NotProbed("the deployment has no WebSocket API".into()))?;
    let connection = cx.wire.websocket(url, Shown::InQuery, &cx.first.token);
    let mut connection = connection
        .await
        .map_err(|refused| place(format!("no connection: {}", refused.message)))?;
    let session = Uuid::new_v4();
    let mut message = question(cx, session);
    message["action"] = json!("stream");
    let stopping = async {
        connection.send(&message).await?;
        let is_event = |frame: &Value| frame["sequence"].is_u64() || ends(frame);
        connection.until(cx.answered_by(), is_event).await?;
        let stop = json!({ "action": "stop", "sessionId": session });
        connection.send(&stop).await?;
        let until = Instant::now() + cx.limits.told;
        connection.until(until, ends).await
    };
    let frames = stopping.await;
    if frames.is_err() {
        // The answer must not go on at somebody's cost.
        let _ = cx.stop("DoctorGivesUp", session).await;
    }
    connection.close().await;
    let last = frames.map_err(place)?.pop().unwrap_or_default();
    if last["type"] == "error" {
        return Err(refused(&last, place));
    }
    let record = cx.ended("DoctorWebSocketStopped", session).await;
    Ok(WebSocketStopped {
        last,
        record: record.map_err(place)?,
    })
}

fn question(cx: &Context, session: Uuid) -> Value {
    json!({
        "prompt": LONG_QUESTION,
        "sessionId": session,
        "conversationId": cx.conversation,
        "parentId": cx.conversation,
    })
}

fn ends(frame: &Value) -> bool {
    frame["type"] == "complete" || frame["type"] == "error"
}
