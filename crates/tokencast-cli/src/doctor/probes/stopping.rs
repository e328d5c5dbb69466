//! Stopping an answer, and coming back to one after the socket was lost.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::doctor::context::{Context, SUBSCRIBE};
use crate::doctor::evidence::{Evidence, of};
use crate::doctor::probe::{Experiment, Found, Probe, Wrong, ensure};
use crate::doctor::probes::sessions::{Event, received};
use crate::doctor::wire::graphql::Reply;
use crate::doctor::wire::realtime::Socket;

/// Long enough to be stopped in the middle.
pub(super) const LONG_QUESTION: &str = "A check by tokencast doctor, which stops the answer early. Count from 1 to 200 in words, separated by commas.";
const RELOADED_QUESTION: &str =
    "A check by tokencast doctor. Count from 1 to 20 in words, separated by commas.";

/// What may be the reason if an answer has no events.
const NO_EVENTS: &[&str] = &[
    "sessions.answers",
    "delivery.subscribes",
    "delivery.first-token",
    "delivery.no-gap",
    "delivery.last-event",
];

/// After so many events an answer is stopped, or its socket is cut.
const ENOUGH_EVENTS: usize = 2;

pub const PROBES: &[Probe] = &[
    Probe {
        id: "sessions.stop",
        experiment: Experiment::Stopped,
        promise: "stop really stops",
        source: "design: sessions",
        expected: "`stopStream` answers `CANCELLED` or `stopping`, and the session ends as `CANCELLED`",
        remedy: "Look for the session in the worker's log: the flag is read back with each checkpoint, about each half second.",
        judge: |evidence| {
            let Stopped { stop, record, .. } = of(&evidence.stopped)?;
            let said = stop.ok("stopStream").map_err(Wrong::Failed)?["status"].clone();
            interrupted(evidence)?;
            ensure(record["status"] == "CANCELLED", || {
                format!("{said}, and the session is {}", record["status"])
            })?;
            Ok(format!("{said}, then CANCELLED"))
        },
    },
    Probe {
        id: "sessions.stop-keeps-text",
        experiment: Experiment::Stopped,
        promise: "a stopped session keeps the text that there was",
        source: "design: sessions, stop really stops",
        expected: "the record's text begins with the events that had arrived",
        remedy: "Open an issue with this report.",
        judge: |evidence| {
            let Stopped { events, record, .. } = interrupted(evidence)?;
            let heard = text_of(events, &record["attempt"]);
            let kept = record["text"].as_str().unwrap_or_default();
            ensure(kept.starts_with(&heard) && !kept.is_empty(), || {
                format!("{} bytes kept, {} bytes heard", kept.len(), heard.len())
            })?;
            Ok(format!("{} bytes kept", kept.len()))
        },
    },
    Probe {
        id: "sessions.stop-is-idempotent",
        experiment: Experiment::Stopped,
        promise: "a second stop says the same",
        source: "design: schema, `stopStream` is idempotent",
        expected: "`stopStream` of a session that is over answers how it ended",
        remedy: "Open an issue with this report.",
        judge: |evidence| {
            let Stopped {
                stop_again, record, ..
            } = interrupted(evidence)?;
            let said = &stop_again.ok("stopStream").map_err(Wrong::Failed)?["status"];
            ensure(*said == record["status"], || {
                format!("{said}, and the session is {}", record["status"])
            })?;
            Ok(said.to_string())
        },
    },
    Probe {
        id: "sessions.reload",
        experiment: Experiment::Reloaded,
        promise: "a lost socket or a reload loses nothing",
        source: "design: sessions, a client merges `getStream` with live events by `sequence`",
        expected: "the text of `getStream`, with the later events of a new subscription, is the text of the record in the end",
        remedy: "Open an issue with this report: a page that is reloaded shows a text with a hole.",
        judge: |evidence| {
            let Reloaded {
                snapshot,
                events,
                record,
            } = of(&evidence.reloaded)?;
            let sequence = snapshot["sequence"].as_u64().unwrap_or_default();
            if snapshot["attempt"] != record["attempt"] {
                return Err(Wrong::NotProbed("another attempt began in between".into()));
            }
            let mut later: Vec<_> = events
                .iter()
                .filter(|event| event.value["attempt"] == record["attempt"])
                .filter(|event| {
                    event.value["sequence"]
                        .as_u64()
                        .is_some_and(|number| number > sequence)
                })
                .collect();
            later.sort_by_key(|event| event.value["sequence"].as_u64());
            later.dedup_by_key(|event| event.value["sequence"].as_u64());
            let expected = record["sequence"]
                .as_u64()
                .unwrap_or_default()
                .saturating_sub(sequence);
            if (later.len() as u64) < expected {
                return Err(Wrong::NotProbed(
                    "events were lost on the way: see delivery.no-gap".into(),
                ));
            }
            let merged: String = std::iter::once(snapshot["text"].as_str().unwrap_or_default())
                .chain(
                    later
                        .iter()
                        .filter_map(|event| event.value["token"].as_str()),
                )
                .collect();
            ensure(record["text"] == merged.as_str(), || {
                format!(
                    "{} bytes from the snapshot up to {sequence} and {} events, and the record has another text",
                    merged.len(),
                    later.len()
                )
            })?;
            if later.is_empty() {
                return Err(Wrong::NotProbed(
                    "the answer was over before it was taken up again".into(),
                ));
            }
            Ok(format!(
                "up to {sequence} from the snapshot, then {} events",
                later.len()
            ))
        },
    },
];

/// Why a stop shows nothing of an answer that was over before.
pub(super) const OVER_BEFORE: &str = "the model had finished before the stop arrived";

/// An answer that a stop has interrupted.
fn interrupted(evidence: &Evidence) -> Result<&Stopped, Wrong> {
    let stopped = of(&evidence.stopped)?;
    if stopped.record["status"] == "COMPLETED" {
        return Err(Wrong::NotProbed(OVER_BEFORE.into()));
    }
    Ok(stopped)
}

/// An answer that was stopped.
#[derive(Debug)]
pub struct Stopped {
    events: Vec<Event>,
    stop: Reply,
    stop_again: Reply,
    record: Value,
}

/// An answer whose socket was cut, and that a new one took up.
#[derive(Debug)]
pub struct Reloaded {
    snapshot: Value,
    events: Vec<Event>,
    record: Value,
}

/// Asks for a long answer, and stops it after its first events.
///
/// # Errors
///
/// One of the steps failed.
pub async fn stop(cx: &Context) -> Found<Stopped> {
    let (session, mut socket) = begin(cx, LONG_QUESTION, "sessions.stop").await?;
    let events = some_events(cx, &mut socket, session, "sessions.stop").await;
    let stop = cx.stop("DoctorStops", session).await;
    let stop = stop.map_err(Wrong::at("sessions.stop"))?;
    if stop.error().is_some() {
        // The answer must not go on at somebody's cost.
        let _ = cx.stop("DoctorGivesUp", session).await;
    }
    socket.close().await;
    let events = events?;
    let record = cx.ended("DoctorStopped", session).await;
    let record = record.map_err(Wrong::at("sessions.stop"))?;
    let stop_again = cx.stop("DoctorRestops", session).await;
    let stop_again = stop_again.map_err(Wrong::at("sessions.stop-is-idempotent"))?;
    Ok(Stopped {
        events,
        stop,
        stop_again,
        record,
    })
}

/// Asks, cuts the socket after the first events, and takes the answer up again as a page does that was reloaded.
///
/// # Errors
///
/// One of the steps failed.
pub async fn reload(cx: &Context) -> Found<Reloaded> {
    let (session, mut socket) = begin(cx, RELOADED_QUESTION, "sessions.reload").await?;
    some_events(cx, &mut socket, session, "sessions.reload").await?;
    socket.cut();
    let mut socket = listen(cx, session, "sessions.reload").await?;
    let mut snapshot = snapshot_of(cx, session).await?;
    let until = cx.answered_by();
    let is_over = |record: &Value| record["stopReason"].is_string() || record["error"].is_object();
    let mut events: Vec<Event> = Vec::new();
    while !is_over(&snapshot) {
        let Some(event) = socket
            .event(until.min(tokio::time::Instant::now() + cx.limits.told))
            .await
        else {
            break;
        };
        events.push(received(&event));
        // The record lags behind the events. After a gap, a page asks for it again.
        if has_gap(&snapshot, &events) {
            snapshot = snapshot_of(cx, session).await?;
        }
        if events
            .last()
            .is_some_and(|event| event.value["isComplete"] == true)
        {
            break;
        }
    }
    socket.close().await;
    let record = cx.ended("DoctorReloaded", session).await;
    Ok(Reloaded {
        snapshot,
        events,
        record: record.map_err(Wrong::at("sessions.reload"))?,
    })
}

async fn snapshot_of(cx: &Context, session: Uuid) -> Found<Value> {
    let snapshot = cx.record("DoctorReloads", session).await;
    snapshot.map_err(Wrong::at("sessions.reload"))
}

/// Whether there are events between a snapshot and the first that arrived.
fn has_gap(snapshot: &Value, events: &[Event]) -> bool {
    let of_attempt = events
        .iter()
        .filter(|event| event.value["attempt"] == snapshot["attempt"]);
    let first = of_attempt.filter_map(|event| event.value["sequence"].as_u64());
    let reached = snapshot["sequence"].as_u64().unwrap_or_default();
    first.min().is_some_and(|first| first > reached + 1)
}

async fn begin(cx: &Context, question: &str, probe: &'static str) -> Found<(Uuid, Socket)> {
    let session = Uuid::new_v4();
    let socket = listen(cx, session, probe).await?;
    let started = cx.start(session, question).await;
    let none = |got| {
        let got = format!("its question did not start: {got}");
        Wrong::after(probe, &["sessions.starts"])(got)
    };
    started.map_err(|wrong| wrong.placed(none))?;
    Ok((session, socket))
}

async fn listen(cx: &Context, session: Uuid, probe: &'static str) -> Found<Socket> {
    let none = |message: String| {
        let got = format!("no subscription: {message}");
        Wrong::after(probe, &["delivery.subscribes"])(got)
    };
    let url = &cx.deployment.graphql_url;
    let socket = cx.wire.realtime(url, &cx.first.token).await;
    let mut socket = socket.map_err(|refused| none(refused.message))?;
    let subscribed = socket
        .subscribe("listening", SUBSCRIBE, json!({ "id": session }))
        .await;
    subscribed.map_err(|refused| none(refused.message))?;
    Ok(socket)
}

/// The first events of an answer. If none come, the session is stopped.
async fn some_events(
    cx: &Context,
    socket: &mut Socket,
    session: Uuid,
    probe: &'static str,
) -> Found<Vec<Event>> {
    let until = cx.answered_by();
    let mut events = Vec::new();
    while events.len() < ENOUGH_EVENTS {
        let Some(event) = socket.event(until).await else {
            let _ = cx.stop("DoctorGivesUp", session).await;
            let got = "its answer had no two events in time".to_owned();
            return Err(Wrong::after(probe, NO_EVENTS)(got));
        };
        events.push(received(&event));
        // Nothing comes after the last event.
        if events
            .last()
            .is_some_and(|event| event.value["isComplete"] == true)
        {
            break;
        }
    }
    Ok(events)
}

/// The text of the events that arrived, as far as they have no gap.
fn text_of(events: &[Event], attempt: &Value) -> String {
    let mut events: Vec<_> = events
        .iter()
        .filter(|event| event.value["attempt"] == *attempt)
        .collect();
    events.sort_by_key(|event| event.value["sequence"].as_u64());
    events.dedup_by_key(|event| event.value["sequence"].as_u64());
    let in_order = (1_u64..)
        .zip(events)
        .take_while(|(number, event)| event.value["sequence"] == *number);
    in_order
        .filter_map(|(_, event)| event.value["token"].as_str())
        .collect()
}
