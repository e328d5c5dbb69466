//! Over AppSync: subscribe, then `startStream`; or subscribe, then read what was missed.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use super::client::{Target, http};
use super::frames::Frames;
use super::heard::{Ending, Event, Heard};
use crate::error::{BenchError, Step as _};

const START: &str = "mutation($prompt: String!, $sessionId: String) { startStream(prompt: $prompt, sessionId: $sessionId) { sessionId status } }";
const SUBSCRIBE: &str = "subscription($sessionId: String!) { onTokenReceived(sessionId: $sessionId) { sessionId token isComplete timestamp sequence attempt status stopReason usage { inputTokens outputTokens totalTokens } error { code message retryable } } }";
const READ: &str = "query($sessionId: String!) { getStream(sessionId: $sessionId) { status text sequence attempt error { code } } }";

pub(super) async fn ask(
    target: &Target,
    session_id: &str,
    prompt: &str,
    is_enough: impl Fn(&Heard) -> bool,
) -> Result<(Instant, Heard), BenchError> {
    let connecting = Instant::now();
    let mut socket = subscribe(target, session_id).await?;
    let mut heard = Heard {
        set_up: connecting.elapsed(),
        ..Heard::default()
    };
    let http = http()?;
    let variables = json!({ "prompt": prompt, "sessionId": session_id });
    let asked = Instant::now();
    let starting = target.graphql(&http, START, variables);
    let (started, listened) = tokio::join!(starting, listen(&mut socket, &mut heard, is_enough));
    let bytes = started?.to_string().len();
    listened?;
    heard.bytes += bytes;
    heard.open = connecting.elapsed();
    Ok((asked, heard))
}

pub(super) async fn follow(target: &Target, session_id: &str) -> Result<Heard, BenchError> {
    let connecting = Instant::now();
    let mut socket = subscribe(target, session_id).await?;
    let mut heard = Heard {
        set_up: connecting.elapsed(),
        ..Heard::default()
    };
    let http = http()?;
    let mut next = read(target, &http, session_id, &mut heard).await? + 1;
    while heard.ending().is_none() {
        let frame = socket.next().await?;
        let event = &frame.json["payload"]["data"]["onTokenReceived"];
        let Some(sequence) = event["sequence"].as_u64() else {
            continue;
        };
        // What came before the subscription is in the record a checkpoint later.
        while sequence > next {
            tokio::time::sleep(Duration::from_millis(50)).await;
            heard.events.clear();
            next = read(target, &http, session_id, &mut heard).await? + 1;
        }
        if sequence == next {
            next += 1;
            heard.bytes += frame.bytes;
            heard.events.push(Event::read(frame.at, event));
        }
    }
    heard.open = connecting.elapsed();
    Ok(heard)
}

/// Takes over what the record says; the number of the last event that it covers.
async fn read(
    target: &Target,
    http: &reqwest::Client,
    session_id: &str,
    heard: &mut Heard,
) -> Result<u64, BenchError> {
    let variables = json!({ "sessionId": session_id });
    let read = target.graphql(http, READ, variables).await?;
    let snapshot = &read["data"]["getStream"];
    let status = snapshot["status"].as_str().unwrap_or_default();
    let over = matches!(status, "COMPLETED" | "FAILED" | "CANCELLED");
    heard.bytes += snapshot.to_string().len();
    heard.events.push(Event {
        at: Instant::now(),
        token: snapshot["text"].as_str().unwrap_or_default().to_owned(),
        attempt: snapshot["attempt"].as_u64().unwrap_or_default().max(1),
        ending: over.then(|| Ending {
            status: status.to_owned(),
            code: snapshot["error"]["code"].as_str().map(str::to_owned),
        }),
    });
    Ok(snapshot["sequence"].as_u64().unwrap_or_default())
}

async fn subscribe(target: &Target, session_id: &str) -> Result<Frames, BenchError> {
    let url = format!("ws://{}/graphql/realtime", target.host);
    let mut request = url.into_client_request().to("connect")?;
    let headers = request.headers_mut();
    let protocol = HeaderValue::from_static("graphql-ws");
    headers.insert("sec-websocket-protocol", protocol);
    let authorization = HeaderValue::from_str(&target.token).to("connect")?;
    headers.insert("authorization", authorization);
    let mut socket = Frames::connect(request).await?;
    socket.send(&json!({ "type": "connection_init" })).await?;
    socket.await_type("connection_ack").await?;
    let variables = json!({ "sessionId": session_id });
    let data = json!({ "query": SUBSCRIBE, "variables": variables }).to_string();
    let authorization = json!({ "host": target.host, "Authorization": target.token });
    let payload = json!({ "data": data, "extensions": { "authorization": authorization } });
    let start = json!({ "id": session_id, "type": "start", "payload": payload });
    socket.send(&start).await?;
    socket.await_type("start_ack").await?;
    Ok(socket)
}

async fn listen(
    socket: &mut Frames,
    heard: &mut Heard,
    is_enough: impl Fn(&Heard) -> bool,
) -> Result<(), BenchError> {
    while heard.ending().is_none() && !is_enough(heard) {
        let frame = socket.next().await?;
        if frame.json["type"] == "data" {
            heard.bytes += frame.bytes;
            let event = &frame.json["payload"]["data"]["onTokenReceived"];
            heard.events.push(Event::read(frame.at, event));
        }
    }
    Ok(())
}
