//! The Function URL: one question whose response is its answer, and what is refused.

use chrono::DateTime;
use http::Method;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use crate::doctor::context::Context;
use crate::doctor::evidence::{Evidence, of};
use crate::doctor::probe::{Experiment, Found, Judged, Probe, Wrong, ensure};
use crate::doctor::wire::url::{Answered, Ask, SentEvent};

const QUESTION: &str = "A check by tokencast doctor, over the Function URL. In one sentence of about twenty words: why is grass green?";

/// An answer that was sent within less time doesn't show whether it streams.
const LONG_ENOUGH_MS: u128 = 100;

const SOURCE: &str = "PROTOCOL: over a Function URL";
const LOG: &str = "Look into the function's log (`StreamUrlLogGroup`) and at DEPLOY: UrlErrors.";
const UNREACHED: &str = "Nothing answers there: compare the Function URL with the deployment's output `StreamUrl`, and look for what is between here and there.";
const OTHER_REFUSAL: &str = "It was refused, so nothing has leaked, but not as clients expect: look into the function's log (`StreamUrlLogGroup`). With 403, the URL's `AuthType` may be AWS_IAM, which must be NONE.";

/// What may be the reason if the Function URL doesn't take a request.
pub(super) const NO_URL: &[&str] = &["url.no-token", "url.delayed-job", "url.answers"];

pub const PROBES: &[Probe] = &[
    Probe {
        id: "url.no-token",
        experiment: Experiment::Url,
        promise: "the Function URL answers nobody without a token",
        source: SOURCE,
        expected: "HTTP 401 and `UNAUTHORIZED`",
        remedy: "Take the Function URL away until this holds: anybody can ask at your cost. Open an issue with this report.",
        judge: |evidence| {
            let answered = &url(evidence)?.no_token;
            kept(answered, 401, "url.no-token")
        },
    },
    Probe {
        id: "url.delayed-job",
        experiment: Experiment::Url,
        promise: "a standard queue takes a message with `DelaySeconds` and `MessageGroupId`",
        source: "aws-facts: not established",
        expected: "`POST /` is answered with 200: the job that stands behind it was queued with both",
        remedy: "Look in `StreamUrlLogGroup` for what SQS said to `SendMessage`. If it refused the two together, open an issue.",
        judge: |evidence| url(evidence).map(|found| found.answer.as_text()),
    },
    Probe {
        id: "url.answers",
        experiment: Experiment::Url,
        promise: "the response is the answer, from the first event to the last",
        source: SOURCE,
        expected: "`id` 1, 2, 3 … without a gap, and a last event `complete`",
        remedy: LOG,
        judge: |evidence| {
            let answer = &url(evidence)?.answer;
            let events = answer.events();
            let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
            let expected: Vec<String> = (1..=events.len())
                .map(|number| number.to_string())
                .collect();
            ensure(!events.is_empty() && ids == expected, || {
                format!("{} events, with the ids {}", ids.len(), ids.join(", "))
            })?;
            whole(answer, "url.answers", &["sessions.answers"])?;
            Ok(format!("{} events", events.len()))
        },
    },
    Probe {
        id: "url.streams",
        experiment: Experiment::Url,
        promise: "each event is sent at once",
        source: "PROTOCOL: over a Function URL; design: local stack, streams go out frame by frame",
        expected: "the events arrive over at least a quarter of the time over which they were sent",
        remedy: "The Function URL's invoke mode must be `RESPONSE_STREAM`, and nothing between here and there may collect responses: look for a proxy.",
        judge: |evidence| {
            let answer = &url(evidence)?.answer;
            let times = answer.reads.iter().filter_map(|(at, _)| *at);
            let read = times.clone().max().zip(times.min());
            let read = read.map(|(last, first)| last.saturating_duration_since(first).as_millis());
            let sent = sent_within(&answer.events());
            let (Some(read), Some(sent)) = (read, sent.filter(|sent| *sent >= LONG_ENOUGH_MS))
            else {
                return Err(Wrong::NotProbed(
                    "the answer came too quickly to tell".into(),
                ));
            };
            let got = format!("sent within {sent} ms, arrived within {read} ms");
            ensure(read * 4 >= sent, || got.clone())?;
            Ok(got)
        },
    },
    Probe {
        id: "url.resumes",
        experiment: Experiment::Url,
        promise: "a client continues after the last event that it has",
        source: SOURCE,
        expected: "`GET` with `Last-Event-ID: 1` brings the events from 2 to the last",
        remedy: LOG,
        judge: |evidence| {
            let resumed = &url(evidence)?.resumed;
            ensure(resumed.status == 200, || resumed.as_text())?;
            let events = resumed.events();
            let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
            let expected: Vec<String> = (2..ids.len() + 2).map(|id| id.to_string()).collect();
            ensure(!events.is_empty() && ids == expected, || {
                format!("{} events, with the ids {}", ids.len(), ids.join(", "))
            })?;
            whole(resumed, "url.resumes", &["sessions.answers", "url.answers"])?;
            Ok(format!("{} events", events.len()))
        },
    },
    Probe {
        id: "url.empty-response",
        experiment: Experiment::Url,
        promise: "a response without events ends",
        source: "aws-facts: a streamed response without a byte of body stays open for minutes on some accounts",
        expected: "`GET` with the last id ends within 10 s",
        remedy: "Your account keeps empty responses open. Our clients give up after 45 s; open an issue with this report.",
        judge: |evidence| {
            let (empty, _) = &url(evidence)?.empty;
            match empty {
                Ok(answered) if answered.has_ended => Ok(answered.as_text()),
                Ok(answered) => Err(Wrong::Failed(format!("{}, and no end", answered.as_text()))),
                Err(got) => Err(Wrong::Failed(got.clone())),
            }
        },
    },
    Probe {
        id: "url.stranger-reads",
        experiment: Experiment::Url,
        promise: "nobody reads another's session over the Function URL",
        source: SOURCE,
        expected: "`GET` of the second user is answered with 404",
        remedy: "Take the Function URL away until this holds: one user can read another's answers. Open an issue with this report.",
        judge: |evidence| {
            let answered = of(&url(evidence)?.stranger_reads)?;
            kept(answered, 404, "url.stranger-reads")
        },
    },
    Probe {
        id: "url.stranger-stops",
        experiment: Experiment::Url,
        promise: "nobody stops another's session over the Function URL",
        source: SOURCE,
        expected: "`DELETE` of the second user is answered with 403",
        remedy: "Take the Function URL away until this holds. Open an issue with this report.",
        judge: |evidence| {
            let answered = of(&url(evidence)?.stranger_stops)?;
            kept(answered, 403, "url.stranger-stops")
        },
    },
];

/// What the Function URL has answered.
#[derive(Debug)]
pub struct Url {
    no_token: Answered,
    answer: Answered,
    resumed: Answered,
    /// A request for what comes after the last event.
    empty: (Result<Answered, String>, String),
    stranger_reads: Found<Answered>,
    stranger_stops: Found<Answered>,
}

/// Sends the requests, one after the other.
///
/// # Errors
///
/// The deployment has no Function URL, it can't be reached, or it doesn't answer.
pub async fn probe(cx: &Context) -> Found<Url> {
    let base = cx.deployment.function_url.as_deref();
    let base = base.ok_or_else(|| Wrong::NotProbed("the deployment has no Function URL".into()))?;
    let session = Uuid::new_v4();
    let id = session.to_string();
    let token = Some(cx.first.token.as_str());
    let until = cx.answered_by();
    let post = |token, prompt: &str| Ask {
        method: Method::POST,
        path: "",
        token,
        last_event_id: None,
        body: Some(json!({
            "prompt": prompt,
            "sessionId": session,
            "conversationId": cx.conversation,
            "parentId": cx.conversation,
        })),
    };
    let no_token = cx
        .wire
        .url(base, post(None, "Nobody asks this."), until)
        .await;
    let no_token = no_token.map_err(|got| Wrong::at("url.no-token")(got).advised(UNREACHED))?;
    let answer = cx.wire.url(base, post(token, QUESTION), until).await;
    let answer = answer.map_err(Wrong::at("url.answers"))?;
    if let Some(wrong) = answer.beyond_quota() {
        return Err(wrong);
    }
    if answer.status != 200 {
        let probe = if answer.status == 503 {
            "url.delayed-job"
        } else {
            "url.answers"
        };
        return Err(Wrong::at(probe)(answer.as_text()));
    }
    let get = |token, last: &'static str| Ask {
        method: Method::GET,
        path: &id,
        token,
        last_event_id: Some(last),
        body: None,
    };
    // A response that broke off goes on behind its function, and then the session has an end.
    cx.ended("DoctorUrl", session)
        .await
        .map_err(Wrong::at("url.answers"))?;
    let resumed = cx.wire.url(base, get(token, "1"), cx.answered_by()).await;
    let resumed = resumed.map_err(Wrong::at("url.resumes"))?;
    let last = resumed.events().last().map(|event| event.id.clone());
    let last = last.unwrap_or_else(|| "1".to_owned());
    let ask = Ask {
        last_event_id: Some(&last),
        ..get(token, "1")
    };
    let empty = cx
        .wire
        .url(base, ask, Instant::now() + cx.limits.empty)
        .await;
    let stranger = cx.second.as_ref().map_err(Clone::clone);
    let as_stranger = async |method: Method, probe| {
        let ask = Ask {
            method,
            path: &id,
            token: Some(&stranger.as_ref().map_err(Clone::clone)?.token),
            last_event_id: None,
            body: None,
        };
        let answered = cx.wire.url(base, ask, cx.answered_by()).await;
        answered.map_err(|got| Wrong::at(probe)(got).advised(UNREACHED))
    };
    Ok(Url {
        no_token,
        answer,
        resumed,
        empty: (empty, last.clone()),
        stranger_reads: as_stranger(Method::GET, "url.stranger-reads").await,
        stranger_stops: as_stranger(Method::DELETE, "url.stranger-stops").await,
    })
}

/// Within how many milliseconds the events were sent, by their timestamps.
fn sent_within(events: &[SentEvent]) -> Option<u128> {
    let millis = |event: &SentEvent| {
        let text = event.data["timestamp"].as_str()?;
        Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis())
    };
    let (first, last) = (millis(events.first()?)?, millis(events.last()?)?);
    u128::try_from(last - first).ok()
}

/// Whether a request is refused with this status. Only one that is taken gives something away.
fn kept(answered: &Answered, status: u16, probe: &'static str) -> Judged {
    if answered.status == status {
        return Ok(answered.as_text());
    }
    let wrong = Wrong::at(probe)(answered.as_text());
    let is_taken = (200..300).contains(&answered.status);
    Err(if is_taken {
        wrong
    } else {
        wrong.advised(OTHER_REFUSAL)
    })
}

/// Whether the last event is `complete`. Of an `error`, the model may be the reason.
fn whole(
    answered: &Answered,
    probe: &'static str,
    because: &'static [&'static str],
) -> Result<(), Wrong> {
    let last = answered.events().pop().unwrap_or_default();
    match last.event.as_str() {
        "complete" if answered.has_ended => Ok(()),
        "complete" => Err(Wrong::Failed("the response has no end".into())),
        "error" => {
            let code = last.data["error"]["code"].as_str().unwrap_or("no code");
            Err(Wrong::after(probe, because)(format!(
                "the last event is `error`, {code}"
            )))
        }
        other => Err(Wrong::Failed(format!("the last event is `{other}`"))),
    }
}

fn url(evidence: &Evidence) -> Result<&Url, Wrong> {
    of(&evidence.url)
}
