//! One question over AppSync: that it starts, is answered, and is answered once.

use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use crate::doctor::context::{Context, START, SUBSCRIBE};
use crate::doctor::evidence::{Evidence, of};
use crate::doctor::probe::{Experiment, Found, Probe, Wrong, ensure};
use crate::doctor::wire::graphql::Reply;
use crate::doctor::wire::realtime::{Arrived, Socket};

/// Short, and different from every other prompt of the run.
pub const QUESTION: &str =
    "A check by tokencast doctor. In one sentence of about twenty words: why do rivers meander?";

const NO_TEXT: &str = "The model ended without a text, and nothing failed. Look at the stop reason, at the model's `maxTokens` (reasoning takes of it, too), at its instructions, and at a guardrail.";

pub const PROBES: &[Probe] = &[
    Probe {
        id: "sessions.starts",
        experiment: Experiment::Asked,
        promise: "`startStream` answers at once with the id of the client",
        source: "design: schema",
        expected: "HTTP 200, the same `sessionId`, and `streaming_started`, or how an answer ended that was quicker",
        remedy: "With QUOTA_EXCEEDED, wait until the time that it names, or take another user. Otherwise look into the request function's log (`RequestLogGroup`) and at DEPLOY: RequestErrors.",
        judge: |evidence| {
            Ok(format!(
                "after {} ms",
                asked(evidence)?.start.took.as_millis()
            ))
        },
    },
    Probe {
        id: "sessions.answers",
        experiment: Experiment::Asked,
        promise: "the model answers",
        source: "DEPLOY: before the first time, access to the model",
        expected: "the session is `COMPLETED`, with text",
        remedy: "Look for `the model failed` in the worker's log (`WorkerLogGroup`), and at DEPLOY: FailedSessions for the code.",
        judge: |evidence| {
            let record = &asked(evidence)?.record;
            let reason = record["stopReason"].as_str().unwrap_or("no stop reason");
            let text = record["text"].as_str().unwrap_or_default();
            if text.trim().is_empty() {
                let got = format!("COMPLETED, {reason}, without text");
                return Err(Wrong::at("sessions.answers")(got).advised(NO_TEXT));
            }
            Ok(format!("COMPLETED, {reason}"))
        },
    },
    Probe {
        id: "sessions.record-is-final",
        experiment: Experiment::Asked,
        promise: "the record of a session that is over is final before its last event is sent",
        source: "design: order of the end",
        expected: "`getStream`, asked after the last event: the same status, `sequence` and text as the events",
        remedy: "Open an issue with this report: a client that reloads would show another answer.",
        judge: |evidence| {
            let Asked { events, record, .. } = heard(evidence)?;
            let Some(last) = events
                .iter()
                .find(|event| event.value["isComplete"] == true)
            else {
                let got = "no last event arrived".to_owned();
                return Err(Wrong::at("delivery.last-event")(got));
            };
            let same = |name: &str| record[name] == last.value[name];
            let attempt = record["attempt"].clone();
            let mut of_attempt: Vec<_> = events
                .iter()
                .filter(|event| event.value["attempt"] == attempt)
                .collect();
            of_attempt.sort_by_key(|event| event.value["sequence"].as_u64());
            of_attempt.dedup_by_key(|event| event.value["sequence"].as_u64());
            let is_whole =
                of_attempt.len() as u64 == record["sequence"].as_u64().unwrap_or_default();
            let text: String = of_attempt
                .iter()
                .filter_map(|event| event.value["token"].as_str())
                .collect();
            ensure(
                same("status") && same("attempt") && same("sequence"),
                || {
                    format!(
                        "the record has {} and sequence {}, the last event {} and {}",
                        record["status"],
                        record["sequence"],
                        last.value["status"],
                        last.value["sequence"]
                    )
                },
            )?;
            // Lost events are another probe's.
            ensure(!is_whole || record["text"] == text.as_str(), || {
                "the record's text differs from that of the events".into()
            })?;
            Ok(format!("the same, {} events", of_attempt.len()))
        },
    },
    Probe {
        id: "sessions.usage",
        experiment: Experiment::Asked,
        promise: "an answer says what it used",
        source: "design: schema, `usage`",
        expected: "`usage` with input and output tokens",
        remedy: "The model doesn't report its usage: histories are then cut by bytes, and quotas count reservations.",
        judge: |evidence| {
            let usage = &asked(evidence)?.record["usage"];
            let count = |name: &str| usage[name].as_u64().filter(|count| *count > 0);
            match (count("inputTokens"), count("outputTokens")) {
                (Some(input), Some(output)) => Ok(format!("{input} in, {output} out")),
                _ => Err(Wrong::Failed(format!("usage {usage}"))),
            }
        },
    },
    Probe {
        id: "sessions.one-answer",
        experiment: Experiment::Again,
        promise: "a start that is repeated starts nothing",
        source: "design: schema, the same id, owner and input is the same session",
        expected: "the repeated start answers with the same session, whose attempt and text stay as they are",
        remedy: "Open an issue with this report: a client that repeats a lost start would be answered twice, and billed.",
        judge: |evidence| {
            let asked = asked(evidence)?;
            let Again {
                repeated, record, ..
            } = of(&evidence.again)?;
            let repeated = repeated.started()?;
            ensure(repeated["sessionId"] == asked.record["sessionId"], || {
                format!("session {}", repeated["sessionId"])
            })?;
            ensure(
                record["attempt"] == asked.record["attempt"]
                    && record["text"] == asked.record["text"],
                || {
                    format!(
                        "attempt {} in place of {}",
                        record["attempt"], asked.record["attempt"]
                    )
                },
            )?;
            Ok("the same session".into())
        },
    },
    Probe {
        id: "sessions.other-prompt",
        experiment: Experiment::Again,
        promise: "an id is of one prompt",
        source: "PROTOCOL: order of calls",
        expected: "a start with the same id and another prompt is refused with `INVALID_PROMPT`",
        remedy: "Open an issue with this report.",
        judge: |evidence| of(&evidence.again)?.otherwise.refused_as("INVALID_PROMPT"),
    },
];

/// An event of a session, and when it arrived.
#[derive(Clone, Debug)]
pub struct Event {
    pub at: Instant,
    pub value: Value,
}

/// A question with everything that came of it.
#[derive(Debug)]
pub struct Asked {
    pub session: Uuid,
    subscribed: Found<()>,
    pub start: Reply,
    pub events: Vec<Event>,
    /// The session as it stood once it was over.
    pub record: Value,
}

/// The same question again.
#[derive(Debug)]
pub struct Again {
    repeated: Reply,
    otherwise: Reply,
    record: Value,
}

/// Subscribes, asks, and listens until the session is over.
///
/// # Errors
///
/// One of the steps failed.
pub async fn ask(cx: &Context) -> Found<Asked> {
    let session = Uuid::new_v4();
    let url = &cx.deployment.graphql_url;
    let id = serde_json::json!({ "id": session });
    // Without a subscription there is still an answer, in the record.
    let mut socket = match cx.wire.realtime(url, &cx.first.token).await {
        Ok(mut socket) => socket
            .subscribe("asked", SUBSCRIBE, id)
            .await
            .map(|()| socket),
        Err(refused) => Err(refused),
    };
    let start = cx.start(session, QUESTION).await;
    let start = start.map_err(|wrong| wrong.placed(Wrong::at("sessions.starts")))?;
    let events = listen(cx, session, socket.as_mut().ok()).await?;
    let record = cx.record("DoctorAskedRecord", session).await;
    let record = record.map_err(Wrong::at("sessions.record-is-final"))?;
    let subscribed = match socket {
        Ok(socket) => {
            socket.close().await;
            Ok(())
        }
        Err(refused) => Err(Wrong::at("delivery.subscribes")(refused.message)),
    };
    let status = record["status"].as_str().unwrap_or_default();
    // A record that contradicts the last event is another probe's.
    let last = events
        .iter()
        .find(|event| event.value["isComplete"] == true);
    let said = last.map_or(status, |last| {
        last.value["status"].as_str().unwrap_or_default()
    });
    if said != "COMPLETED" {
        let error = &record["error"];
        let text = |name: &str| error[name].as_str().unwrap_or_default();
        let got = format!("{said} {} {}", text("code"), text("message"));
        return Err(Wrong::at("sessions.answers")(got.trim().to_owned()));
    }
    Ok(Asked {
        session,
        subscribed,
        start,
        events,
        record,
    })
}

/// Listens until the session is over, and a moment longer for events that are still on their way.
async fn listen(cx: &Context, session: Uuid, socket: Option<&mut Socket>) -> Found<Vec<Event>> {
    let ended = cx.ended("DoctorWaits", session);
    let Some(socket) = socket else {
        ended.await.map_err(Wrong::at("sessions.answers"))?;
        return Ok(Vec::new());
    };
    tokio::pin!(ended);
    let mut until = cx.answered_by();
    let mut is_over = false;
    let mut events: Vec<Event> = Vec::new();
    loop {
        tokio::select! {
            biased;
            event = socket.event(until) => {
                let Some(event) = event else { break };
                events.push(received(&event));
                if events.last().is_some_and(|event| event.value["isComplete"] == true) {
                    break;
                }
            }
            record = &mut ended, if !is_over => {
                record.map_err(Wrong::at("sessions.answers"))?;
                is_over = true;
                until = until.min(Instant::now() + cx.limits.told);
            }
        }
    }
    Ok(events)
}

/// Asks the same again, and something else under the same id.
///
/// # Errors
///
/// There is no response.
pub async fn ask_again(cx: &Context, session: Uuid) -> Found<Again> {
    let start = |name: &str, prompt: &str| {
        let document = START.replace("DoctorStart", name);
        let variables = serde_json::json!({
            "prompt": prompt,
            "sessionId": session,
            "conversationId": cx.conversation,
            "parentId": cx.conversation,
        });
        async move { cx.first(&document, variables).await }
    };
    let repeated = start("DoctorRepeats", QUESTION).await;
    let repeated = repeated.map_err(Wrong::at("sessions.one-answer"))?;
    let otherwise = start("DoctorAsksOtherwise", "Something else.").await;
    let otherwise = otherwise.map_err(Wrong::at("sessions.other-prompt"))?;
    let record = cx.record("DoctorRepeatedRecord", session).await;
    let record = record.map_err(Wrong::at("sessions.one-answer"))?;
    Ok(Again {
        repeated,
        otherwise,
        record,
    })
}

/// An event of a subscription, without its envelope.
pub fn received(arrived: &Arrived) -> Event {
    Event {
        at: arrived.at,
        value: arrived.data["onTokenReceived"].clone(),
    }
}

/// A question whose events were listened to.
///
/// # Errors
///
/// The subscription failed, or nothing was asked.
pub fn heard(evidence: &Evidence) -> Result<&Asked, Wrong> {
    let asked = asked(evidence)?;
    asked.subscribed.clone().map(|()| asked)
}

/// The run's question.
///
/// # Errors
///
/// It wasn't asked.
pub fn asked(evidence: &Evidence) -> Result<&Asked, Wrong> {
    of(&evidence.asked)
}
