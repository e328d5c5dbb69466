//! Over the Function URL: a POST whose response is the answer, or a GET that follows one.

use std::time::Instant;

use futures_util::StreamExt as _;
use reqwest::RequestBuilder;
use serde_json::json;
use tokio::net::TcpStream;

use super::client::{Target, http};
use super::heard::{Event, Heard};
use crate::error::{BenchError, Step as _};

pub(super) async fn ask(
    target: &Target,
    session_id: &str,
    prompt: &str,
    is_enough: impl Fn(&Heard) -> bool,
) -> Result<(Instant, Heard), BenchError> {
    // HTTP has nothing to set up but the connection, which the client hides: so it is timed on one of its own.
    let connecting = Instant::now();
    TcpStream::connect(&target.host).await.to("connect")?;
    let set_up = connecting.elapsed();
    let body = json!({ "prompt": prompt, "sessionId": session_id });
    let request = http()?.post(&target.function_url).json(&body);
    let asked = Instant::now();
    let mut heard = listen(target, request, is_enough).await?;
    heard.set_up = set_up;
    Ok((asked, heard))
}

pub(super) async fn follow(target: &Target, session_id: &str) -> Result<Heard, BenchError> {
    let url = format!("{}/{session_id}", target.function_url.trim_end_matches('/'));
    listen(target, http()?.get(url), |_| false).await
}

async fn listen(
    target: &Target,
    request: RequestBuilder,
    is_enough: impl Fn(&Heard) -> bool,
) -> Result<Heard, BenchError> {
    const STEP: &str = "read a function URL's response";
    let began = Instant::now();
    let response = request.bearer_auth(&target.token).send().await.to(STEP)?;
    if !response.status().is_success() {
        let status = response.status();
        let body = response.text().await.unwrap_or_default();
        return Err(BenchError::Wrong(format!(
            "the function URL answered {status}: {body}"
        )));
    }
    let mut heard = Heard::default();
    let mut waiting = Vec::new();
    let mut chunks = response.bytes_stream();
    while heard.ending().is_none() && !is_enough(&heard) {
        // A body that breaks off is an end without an ending.
        let Some(Ok(chunk)) = chunks.next().await else {
            break;
        };
        let at = Instant::now();
        heard.bytes += chunk.len();
        waiting.extend_from_slice(&chunk);
        while let Some(end) = waiting.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = waiting.drain(..end + 2).collect();
            let event = String::from_utf8(event).to(STEP)?;
            let data = event.lines().find_map(|line| line.strip_prefix("data:"));
            if let Some(data) = data {
                let json = serde_json::from_str(data.trim_start()).to(STEP)?;
                heard.events.push(Event::read(at, &json));
            }
        }
    }
    heard.open = began.elapsed();
    Ok(heard)
}
