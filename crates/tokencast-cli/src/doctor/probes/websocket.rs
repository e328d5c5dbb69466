//! The WebSocket API: who may connect, and one question over a connection.

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::doctor::context::Context;
use crate::doctor::evidence::{Evidence, of};
use crate::doctor::probe::{Experiment, Found, Judged, Probe, Wrong, ensure};
use crate::doctor::wire::Refused;
use crate::doctor::wire::graphql::QUOTA_EXCEEDED;
use crate::doctor::wire::websocket::{Connection, Shown};

const QUESTION: &str = "A check by tokencast doctor, over a WebSocket. In one sentence of about twenty words: why is snow white?";

const SOURCE: &str = "PROTOCOL: over a WebSocket";
const LOG: &str =
    "Look into the logs of the routes' function (`WebSocketLogGroup`) and of the worker.";

const OTHER_STATUS: &str = "Nobody has connected, but with 500 API Gateway doesn't take the authorizer's error for `Unauthorized`: open an issue.";
const UNREACHED: &str = "Nothing answers there: compare the URL with the deployment's output `WebSocketUrl`, and look for what is between here and there.";
const OTHER_REFUSAL: &str = "It was refused, so nothing has leaked, but not as clients expect: look into `WebSocketLogGroup`, and open an issue with this report.";

/// What may be the reason if there is no connection.
pub(super) const NO_WEBSOCKET: &[&str] = &["websocket.token-in-query", "websocket.token-in-header"];

/// More than one frame of API Gateway's may have.
const LONG_BYTES: usize = 40 * 1024;

pub const PROBES: &[Probe] = &[
    Probe {
        id: "websocket.no-token",
        experiment: Experiment::WebSocket,
        promise: "nobody connects without a token: the authorizer's error `Unauthorized` is answered with 401",
        source: "aws-facts: `Unauthorized` as 401 from a Rust authorizer, not established",
        expected: "the handshake is refused with 401",
        remedy: "Take the WebSocket API away until this holds: anybody can ask at your cost. Open an issue with this report.",
        judge: |evidence| match &websocket(evidence)?.no_token {
            Ok(()) => Err(Wrong::Failed("a connection".into())),
            Err(refused) if refused.status == Some(401) => Ok(refused.message.clone()),
            Err(refused) => {
                let wrong = Wrong::at("websocket.no-token")(refused.message.clone());
                Err(wrong.advised(match refused.status {
                    Some(_) => OTHER_STATUS,
                    None => UNREACHED,
                }))
            }
        },
    },
    Probe {
        id: "websocket.token-in-query",
        experiment: Experiment::WebSocket,
        promise: "a browser connects, with its token in the query string",
        source: "aws-facts: `IdentitySource: []`, not established",
        expected: "a connection",
        remedy: "Without an identity source the authorizer must always be asked: look at the authorizer in API Gateway, and open an issue.",
        judge: |evidence| connected(&websocket(evidence)?.in_query),
    },
    Probe {
        id: "websocket.token-in-header",
        experiment: Experiment::WebSocket,
        promise: "a program connects, with its token in a header",
        source: "aws-facts: `IdentitySource: []`, not established",
        expected: "a connection",
        remedy: "Without an identity source the authorizer must always be asked: look at the authorizer in API Gateway, and open an issue.",
        judge: |evidence| connected(&websocket(evidence)?.in_header),
    },
    Probe {
        id: "websocket.answers",
        experiment: Experiment::WebSocket,
        promise: "the frames of a session come in order and without a gap",
        source: SOURCE,
        expected: "`started`, then `sequence` 1, 2, 3 … to a frame `complete`",
        remedy: LOG,
        judge: |evidence| {
            let frames = of(&websocket(evidence)?.frames)?;
            let events = events_without_a_gap(frames)?;
            let has_started = frames.iter().any(|frame| frame["type"] == "started");
            ensure(has_started, || "no frame `started`".into())?;
            let last = frames.last().unwrap_or(&Value::Null);
            ensure(last["type"] == "complete", || {
                format!("the last frame is {}", kind_of(last))
            })?;
            Ok(format!("{events} events in {} frames", frames.len()))
        },
    },
    Probe {
        id: "websocket.resumes",
        experiment: Experiment::WebSocket,
        promise: "a connection takes up a session",
        source: SOURCE,
        expected: "`resumed`, and the events from the first to the last",
        remedy: LOG,
        judge: |evidence| {
            let frames = of(&websocket(evidence)?.resumed)?;
            ensure(
                frames.iter().any(|frame| frame["type"] == "resumed"),
                || "no frame `resumed`".into(),
            )?;
            ensure(
                frames.iter().any(|frame| frame["type"] == "complete"),
                || "no frame `complete`".into(),
            )?;
            let events = events_without_a_gap(frames)?;
            Ok(format!("{events} events in {} frames", frames.len()))
        },
    },
    Probe {
        id: "websocket.stranger-resumes",
        experiment: Experiment::WebSocket,
        promise: "nobody hears another's session over the WebSocket API",
        source: SOURCE,
        expected: "`resume` of the second user is answered with an `error` frame with `UNAUTHORIZED`",
        remedy: "Take the WebSocket API away until this holds: one user can read another's answers. Open an issue with this report.",
        judge: |evidence| {
            let frame = of(&websocket(evidence)?.stranger)?;
            let code = frame["error"]["code"].as_str();
            if code == Some("UNAUTHORIZED") {
                return Ok("UNAUTHORIZED".into());
            }
            let wrong = Wrong::at("websocket.stranger-resumes")(kind_of(frame));
            let is_refused = frame["type"] == "error";
            Err(if is_refused {
                wrong.advised(OTHER_REFUSAL)
            } else {
                wrong
            })
        },
    },
    Probe {
        id: "websocket.long-message",
        experiment: Experiment::WebSocket,
        promise: "a message of more than 32 KB may come in several frames",
        source: "aws-facts: API Gateway closes a WebSocket on frames over 32 KB",
        expected: "the routes' own answer to a message of 40 KB in two frames",
        remedy: "Prompts beyond 32 KB then need AppSync or the Function URL. Open an issue with this report.",
        judge: |evidence| {
            let frame = of(&websocket(evidence)?.long)?;
            // API Gateway's own frames have a `message` in place of a type.
            let is_ours = frame["type"] == "error" && frame["action"] == "stop";
            ensure(is_ours, || {
                format!("{} {}", frame["type"], frame["message"])
            })?;
            Ok("the answer to it".into())
        },
    },
];

/// What the WebSocket API has answered.
#[derive(Debug)]
pub struct WebSocket {
    /// How the handshake with a token that is none was refused.
    no_token: Result<(), Refused>,
    in_query: Result<(), String>,
    in_header: Result<(), String>,
    frames: Found<Vec<Value>>,
    resumed: Found<Vec<Value>>,
    stranger: Found<Value>,
    long: Found<Value>,
}

/// Connects in every way, and asks over one of the connections.
///
/// # Errors
///
/// The deployment has no WebSocket API.
pub async fn probe(cx: &Context) -> Found<WebSocket> {
    let url = cx.deployment.websocket_url.as_deref();
    let url = url.ok_or_else(|| Wrong::NotProbed("the deployment has no WebSocket API".into()))?;
    let token = &cx.first.token;
    let no_token = match cx
        .wire
        .websocket(url, Shown::InQuery, "no.token.here")
        .await
    {
        Ok(connection) => {
            connection.close().await;
            Ok(())
        }
        Err(refused) => Err(refused),
    };
    let in_query = cx.wire.websocket(url, Shown::InQuery, token).await;
    let in_header = cx.wire.websocket(url, Shown::InHeader, token).await;
    let got = |connection: &Result<Connection, Refused>| match connection {
        Ok(_) => Ok(()),
        Err(refused) => Err(refused.message.clone()),
    };
    let (query, header) = (got(&in_query), got(&in_header));
    let session = Uuid::new_v4();
    let none = Wrong::at("websocket.token-in-query")("there is no connection".into());
    let mut found = WebSocket {
        no_token,
        in_query: query,
        in_header: header,
        frames: Err(none.clone()),
        resumed: Err(none.clone()),
        stranger: Err(none.clone()),
        long: Err(none),
    };
    let mut connections = [in_query, in_header].into_iter().filter_map(Result::ok);
    let Some(mut asking) = connections.next() else {
        return Ok(found);
    };
    found.frames = ask(cx, &mut asking, session).await;
    if found.frames.is_err() {
        // The answer must not go on at somebody's cost.
        let _ = cx.stop("DoctorGivesUp", session).await;
    }
    found.long = long(cx, &mut asking).await;
    asking.close().await;
    if let Err(wrong @ Wrong::NotProbed(_)) = &found.frames {
        (found.resumed, found.stranger) = (Err(wrong.clone()), Err(wrong.clone()));
        return Ok(found);
    }
    let over = cx.ended("DoctorWebSocket", session).await;
    if let Err(got) = over {
        let none = Wrong::after("websocket.resumes", &["websocket.answers"])(format!(
            "the session isn't over: {got}"
        ));
        (found.resumed, found.stranger) = (Err(none.clone()), Err(none));
        return Ok(found);
    }
    let resuming = match connections.next() {
        Some(connection) => Ok(connection),
        None => cx.wire.websocket(url, Shown::InQuery, token).await,
    };
    found.resumed = match resuming {
        Ok(connection) => resume(cx, connection, session).await,
        Err(refused) => Err(Wrong::after("websocket.resumes", NO_WEBSOCKET)(format!(
            "no connection: {}",
            refused.message
        ))),
    };
    found.stranger = intrude(cx, url, session).await;
    Ok(found)
}

async fn ask(cx: &Context, connection: &mut Connection, session: Uuid) -> Found<Vec<Value>> {
    let message = json!({
        "action": "stream",
        "prompt": QUESTION,
        "sessionId": session,
        "conversationId": cx.conversation,
        "parentId": cx.conversation,
    });
    connection.send(&message).await.map_err(Wrong::Failed)?;
    let frames = connection.until(cx.answered_by(), ends).await;
    let frames = frames.map_err(Wrong::Failed)?;
    match frames.last() {
        Some(last) if last["type"] == "error" => {
            let place = Wrong::after("websocket.answers", &["sessions.answers"]);
            Err(refused(last, place))
        }
        _ => Ok(frames),
    }
}

async fn resume(cx: &Context, mut connection: Connection, session: Uuid) -> Found<Vec<Value>> {
    let message = json!({ "action": "resume", "sessionId": session });
    connection.send(&message).await.map_err(Wrong::Failed)?;
    let until = (Instant::now() + cx.limits.told).min(cx.over_by());
    let frames = connection.until(until, ends).await;
    connection.close().await;
    frames.map_err(Wrong::Failed)
}

async fn intrude(cx: &Context, url: &str, session: Uuid) -> Found<Value> {
    let stranger = cx.second.as_ref().map_err(Clone::clone)?;
    let shown = Shown::InQuery;
    let connection = match cx.wire.websocket(url, shown, &stranger.token).await {
        Ok(connection) => Ok(connection),
        Err(_) => {
            cx.wire
                .websocket(url, Shown::InHeader, &stranger.token)
                .await
        }
    };
    let none = |got: String| {
        Wrong::after("websocket.stranger-resumes", NO_WEBSOCKET)(got).advised(UNREACHED)
    };
    let mut connection =
        connection.map_err(|refused| none(format!("no connection: {}", refused.message)))?;
    let message = json!({ "action": "resume", "sessionId": session });
    connection.send(&message).await.map_err(none)?;
    let frame = connection.next(Instant::now() + cx.limits.told).await;
    connection.close().await;
    frame.map_err(none)
}

/// Why a frame `error` came: by the user's quota, or by what `place` makes of it.
pub(super) fn refused(frame: &Value, place: impl FnOnce(String) -> Wrong) -> Wrong {
    let error = &frame["error"];
    if error["code"] == QUOTA_EXCEEDED {
        return Wrong::beyond_quota(&error["limit"], &error["resetsAt"]);
    }
    place(kind_of(frame))
}

/// A frame's type, and the code of one that is an error.
fn kind_of(frame: &Value) -> String {
    let kind = frame["type"].as_str().unwrap_or("without a type");
    match frame["error"]["code"].as_str() {
        Some(code) => format!("a frame `{kind}`, {code}"),
        None => format!("a frame `{kind}`"),
    }
}

/// Sends a message that is long because of a member that nobody reads.
async fn long(cx: &Context, connection: &mut Connection) -> Found<Value> {
    let message = json!({
        "action": "stop",
        "sessionId": "no session",
        "padding": "x".repeat(LONG_BYTES),
    });
    connection.send(&message).await.map_err(Wrong::Failed)?;
    let until = Instant::now() + cx.limits.told;
    let is_answer = |frame: &Value| frame.get("sequence").is_none();
    let frames = connection.until(until, is_answer).await;
    let last = frames.map_err(Wrong::Failed)?.pop();
    Ok(last.unwrap_or_default())
}

fn ends(frame: &Value) -> bool {
    frame["type"] == "complete" || frame["type"] == "error"
}

/// How many events the frames have, from the first on.
fn events_without_a_gap(frames: &[Value]) -> Result<u64, Wrong> {
    let mut next = 1;
    for frame in frames {
        let Some(last) = frame["sequence"].as_u64() else {
            continue;
        };
        let first = frame["firstSequence"].as_u64().unwrap_or(last);
        ensure(first <= next, || format!("{first} came after {}", next - 1))?;
        next = next.max(last + 1);
    }
    Ok(next - 1)
}

fn connected(got: &Result<(), String>) -> Judged {
    got.clone()
        .map(|()| "connected".into())
        .map_err(Wrong::Failed)
}

fn websocket(evidence: &Evidence) -> Result<&WebSocket, Wrong> {
    of(&evidence.websocket)
}
