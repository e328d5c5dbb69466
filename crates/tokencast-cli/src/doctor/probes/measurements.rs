//! How fast it is, and whether the connections of publishers live as long as they are kept.

use std::time::Duration;

use chrono::DateTime;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use crate::doctor::context::Context;
use crate::doctor::evidence::of;
use crate::doctor::probe::{Experiment, Found, Probe, Wrong, ensure};
use crate::doctor::probes::delivery::crowd;
use crate::doctor::probes::sessions::{Asked, heard};

pub const PROBES: &[Probe] = &[
    Probe {
        id: "measurements.first-token",
        experiment: Experiment::Asked,
        promise: "the first token comes soon",
        source: "DEPLOY: TimeToFirstToken",
        expected: "within 20 s of the start, the first cold start included",
        remedy: "Look at cold starts in the worker's log, at Bedrock's latency for the model, and at DEPLOY: TimeToFirstToken and OldestJob.",
        judge: |evidence| {
            let Asked { start, events, .. } = heard(evidence)?;
            let first = events.iter().map(|event| event.at).min();
            let first = first.ok_or("no event arrived".to_owned());
            let first = first.map_err(Wrong::at("delivery.first-token"))?;
            let took = first.saturating_duration_since(start.sent_at);
            ensure(took <= evidence.limits.first_token, || {
                format!("{} ms", took.as_millis())
            })?;
            Ok(format!("{} ms", took.as_millis()))
        },
    },
    Probe {
        id: "measurements.lag",
        experiment: Experiment::Asked,
        promise: "an event arrives soon after AppSync took it",
        source: "design: pipeline; aws-facts: events can be delayed",
        expected: "95 of 100 events within 2 s of their `timestamp`, by the API's clock",
        remedy: "Look at AppSync's latency on the dashboard, at DEPLOY: MessagesDelayed, and at the way from here to the Region.",
        judge: |evidence| {
            let mut lags = lags(heard(evidence)?);
            lags.sort_unstable();
            let (Some(middle), Some(most)) = (
                lags.get(lags.len() / 2),
                lags.get(lags.len().saturating_sub(1) * 95 / 100),
            ) else {
                return Err(Wrong::NotProbed("no event with a timestamp arrived".into()));
            };
            let got = format!("half within {middle} ms, 95 of 100 within {most} ms");
            ensure(
                *most <= i64::try_from(evidence.limits.lag.as_millis()).unwrap_or(i64::MAX),
                || got.clone(),
            )?;
            Ok(got)
        },
    },
    Probe {
        id: "measurements.spread",
        experiment: Experiment::Crowd,
        promise: "a hundred subscribers hear an event at about the same time",
        source: "LOCAL: what no emulator can prove, fan-out",
        expected: "the last of them within 5 s of the first",
        remedy: "Look at DEPLOY: MessagesDelayed, and at AppSync's quota of outbound messages.",
        judge: |evidence| {
            let crowd = crowd(evidence)?;
            let spread = (1..=crowd.last).filter_map(|number| {
                let times = || {
                    crowd
                        .heard
                        .values()
                        .filter_map(|events| events.get(&number))
                };
                Some(times().max()?.saturating_duration_since(*times().min()?))
            });
            let most = spread.max().ok_or("no event arrived".to_owned());
            let most = most.map_err(Wrong::at("delivery.fan-out"))?;
            ensure(most <= evidence.limits.spread, || {
                format!("{} ms", most.as_millis())
            })?;
            Ok(format!("at most {} ms", most.as_millis()))
        },
    },
    Probe {
        id: "measurements.idle-connection",
        experiment: Experiment::Idle,
        promise: "AppSync keeps an idle connection for as long as the publisher does",
        source: "aws-facts: keep-alive time and HTTP/2 of AppSync's endpoint, not established",
        expected: "a request on a connection that was idle for 31 s is answered",
        remedy: "Open an issue with this report: publishers would lose a try to each dead connection. IDLE_CONNECTION_TIMEOUT would have to be shorter.",
        judge: |evidence| {
            let Idle {
                version,
                after,
                pause,
            } = of(&evidence.idle)?;
            after.clone().map_err(Wrong::Failed)?;
            Ok(format!("{version}, after {} s", pause.as_secs()))
        },
    },
];

/// A connection that was idle between two requests.
#[derive(Debug)]
pub struct Idle {
    pub version: String,
    after: Result<(), String>,
    pause: Duration,
}

/// Sends two requests over one connection, with a pause between.
///
/// # Errors
///
/// The first request isn't answered.
pub async fn idle(cx: &Context) -> Found<Idle> {
    let pause = cx.limits.idle;
    if Instant::now() + pause >= cx.over_by() {
        return Err(Wrong::NotProbed("the time was nearly over".into()));
    }
    // The client is of its own: its pool has one connection, and no other request makes it busy.
    let wire = cx
        .deployment
        .wire()
        .map_err(|error| Wrong::NotProbed(error.to_string()))?;
    let ask = |name: &str| {
        let document =
            format!("query {name}($id: String!) {{ getStream(sessionId: $id) {{ status }} }}");
        let (url, token) = (&cx.deployment.graphql_url, &cx.first.token);
        let wire = &wire;
        async move {
            wire.graphql(url, token, &document, json!({ "id": Uuid::new_v4() }))
                .await
        }
    };
    let first = ask("DoctorBeforeIdle").await;
    let first = first.map_err(|got| {
        Wrong::at("measurements.idle-connection")(format!("the request before the pause: {got}"))
    })?;
    tokio::time::sleep(pause).await;
    let after = ask("DoctorAfterIdle").await;
    Ok(Idle {
        version: first.version,
        after: after.map(drop),
        pause,
    })
}

/// The lag of each event in milliseconds. The API's clock is taken from the start's `timestamp`, in the middle between
/// the request and its response.
fn lags(asked: &Asked) -> Vec<i64> {
    let millis =
        |text: Option<&str>| Some(DateTime::parse_from_rfc3339(text?).ok()?.timestamp_millis());
    let millis_of = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    let start = &asked.start;
    let Some(said) = millis(start.field("startStream")["timestamp"].as_str()) else {
        return Vec::new();
    };
    let middle = millis_of(start.took) / 2;
    let lag = |event: &crate::doctor::probes::sessions::Event| {
        let sent = millis(event.value["timestamp"].as_str())?;
        let since = millis_of(event.at.saturating_duration_since(start.sent_at));
        Some((since - middle - (sent - said)).max(0))
    };
    asked.events.iter().filter_map(lag).collect()
}
