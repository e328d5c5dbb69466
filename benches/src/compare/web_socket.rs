//! Over the WebSocket API: `stream`, or `resume`, on a connection of its own.

use std::time::Instant;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::client::Target;
use super::frames::Frames;
use super::heard::{Event, Heard};
use crate::error::{BenchError, Step as _};

pub(super) async fn ask(
    target: &Target,
    session_id: &str,
    prompt: &str,
    is_enough: impl Fn(&Heard) -> bool,
) -> Result<(Instant, Heard), BenchError> {
    let action = json!({ "action": "stream", "prompt": prompt, "sessionId": session_id });
    exchange(target, &action, is_enough).await
}

pub(super) async fn follow(target: &Target, session_id: &str) -> Result<Heard, BenchError> {
    let action = json!({ "action": "resume", "sessionId": session_id });
    Ok(exchange(target, &action, |_| false).await?.1)
}

async fn exchange(
    target: &Target,
    action: &Value,
    is_enough: impl Fn(&Heard) -> bool,
) -> Result<(Instant, Heard), BenchError> {
    let connecting = Instant::now();
    let url = format!("{}?token={}", target.web_socket_url, target.token);
    let request = url.into_client_request().to("connect")?;
    let mut socket = Frames::connect(request).await?;
    let mut heard = Heard {
        set_up: connecting.elapsed(),
        ..Heard::default()
    };
    let asked = Instant::now();
    socket.send(action).await?;
    while heard.ending().is_none() && !is_enough(&heard) {
        let frame = socket.next().await?;
        heard.bytes += frame.bytes;
        match frame.json["type"].as_str() {
            Some("token" | "complete") => heard.events.push(Event::read(frame.at, &frame.json)),
            Some("error") if frame.json["isComplete"] == true => {
                heard.events.push(Event::read(frame.at, &frame.json));
            }
            Some("error") => {
                return Err(BenchError::Wrong(format!("the socket said {}", frame.json)));
            }
            _ => {}
        }
    }
    heard.open = connecting.elapsed();
    Ok((asked, heard))
}
