//! Starts beyond a quota: that they are refused over each channel, with the time at which they may succeed.

use http::Method;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::doctor::context::{Context, START};
use crate::doctor::evidence::{Evidence, of};
use crate::doctor::probe::{Experiment, Found, Judged, Probe, Wrong, ensure};
use crate::doctor::probes::quotas::{LIMITS, REFUSAL, SOURCE, UsedOf, is_time, read};
use crate::doctor::probes::websocket::NO_WEBSOCKET;
use crate::doctor::wire::graphql::{QUOTA_EXCEEDED, Reply};
use crate::doctor::wire::url::{Answered, Ask};
use crate::doctor::wire::websocket::Shown;

/// More answers at once would cost too much.
pub const MOST_HELD: usize = 8;

/// Long enough to be still under way when the last of them is started.
const HELD_QUESTION: &str = "A check by tokencast doctor of the quota, which stops the answer early. Count from 1 to 200 in words, separated by commas.";

pub const PROBES: &[Probe] = &[
    Probe {
        id: "quotas.refused",
        experiment: Experiment::BeyondQuota,
        promise: "a start beyond a limit is refused, and the refusal says until when",
        source: SOURCE,
        expected: "`QUOTA_EXCEEDED`, with `errorInfo {limit resetsAt}`",
        remedy: REFUSAL,
        judge: |evidence| {
            let reply = of(&beyond(evidence)?.appsync)?;
            reply.refused_as(QUOTA_EXCEEDED)?;
            has_limit(&reply.body["errors"][0]["errorInfo"])
        },
    },
    Probe {
        id: "quotas.refused-url",
        experiment: Experiment::BeyondQuota,
        promise: "the Function URL refuses a start beyond a limit, and says when to try again",
        source: SOURCE,
        expected: "HTTP 429 with `Retry-After`, and `QUOTA_EXCEEDED` with `limit` and `resetsAt`",
        remedy: REFUSAL,
        judge: |evidence| {
            let answered = of(&beyond(evidence)?.url)?;
            let code = answered.code();
            ensure(
                answered.status == 429 && code.as_deref() == Some("QUOTA_EXCEEDED"),
                || answered.as_text(),
            )?;
            let wait = answered.header("retry-after");
            let seconds = wait.and_then(|seconds| seconds.parse::<u64>().ok());
            ensure(seconds.is_some_and(|seconds| seconds > 0), || {
                format!("retry-after {}", wait.unwrap_or("is missing"))
            })?;
            has_limit(&answered.json()["error"])
        },
    },
    Probe {
        id: "quotas.refused-websocket",
        experiment: Experiment::BeyondQuota,
        promise: "the WebSocket API refuses a start beyond a limit, and says until when",
        source: SOURCE,
        expected: "a frame `error` with `QUOTA_EXCEEDED`, `limit` and `resetsAt`",
        remedy: REFUSAL,
        judge: |evidence| {
            let frame = of(&beyond(evidence)?.websocket)?;
            let error = &frame["error"];
            ensure(error["code"] == "QUOTA_EXCEEDED", || {
                format!("{} {}", frame["type"], error["code"])
            })?;
            has_limit(error)
        },
    },
];

/// Starts beyond the quota, and what came of them.
#[derive(Debug)]
pub struct BeyondQuota {
    appsync: Found<Reply>,
    url: Found<Answered>,
    websocket: Found<Value>,
}

/// Starts as many answers as the quota allows at once, and one more over each channel. Stops all of them.
///
/// # Errors
///
/// The quota can't be used up by a few answers.
pub async fn exceed(cx: &Context) -> Found<BeyondQuota> {
    let used = read(cx, "DoctorUsageLeft").await;
    let used = used.map_err(Wrong::after("quotas.refused", &["quotas.usage"]))?;
    let UsedOf { limit, left, .. } = UsedOf::new(&used["sessionsAtOnce"]);
    let left = left.ok_or_else(|| {
        Wrong::NotProbed(
            "no limit of `sessionsAtOnce`: to exceed another one would use up the user's day"
                .into(),
        )
    })?;
    if left > MOST_HELD as u64 {
        let limit = limit.unwrap_or(left);
        return Err(Wrong::NotProbed(format!(
            "`sessionsAtOnce` is {limit}: so many answers would cost too much"
        )));
    }
    let mut held = Vec::new();
    let found = hold_and_exceed(cx, left, &mut held).await;
    for session in &held {
        if let Err(got) = cx.stop("DoctorLetsGo", *session).await {
            tracing::warn!(%got, %session, "this session isn't stopped");
        }
    }
    for session in held {
        // A session that nobody could stop ends by itself, and is deleted with the run's conversation.
        let _ = cx.ended("DoctorHeld", session).await;
    }
    found
}

async fn hold_and_exceed(cx: &Context, left: u64, held: &mut Vec<Uuid>) -> Found<BeyondQuota> {
    for _ in 0..left {
        let session = Uuid::new_v4();
        let reply = start(cx, "DoctorHolds", session).await?;
        match reply.error() {
            None => held.push(session),
            // Another limit is reached, which does as well.
            Some((QUOTA_EXCEEDED, _)) => break,
            Some(_) => {
                let got = format!("an answer did not start: {}", reply.as_text());
                return Err(Wrong::after("quotas.refused", &["sessions.starts"])(got));
            }
        }
    }
    let until_now = held.clone();
    let session = Uuid::new_v4();
    let appsync = start(cx, "DoctorBeyondQuota", session).await?;
    let appsync = if appsync.error().is_none() {
        held.push(session);
        all_live(cx, &until_now).await.map(|()| appsync)
    } else {
        Ok(appsync)
    };
    let session = Uuid::new_v4();
    let url = match over_url(cx, session).await {
        Ok(answered) if answered.status == 200 => {
            held.push(session);
            all_live(cx, &until_now).await.map(|()| answered)
        }
        other => other,
    };
    let session = Uuid::new_v4();
    let websocket = match over_websocket(cx, session).await {
        Ok(frame) if frame["type"] != "error" => {
            held.push(session);
            all_live(cx, &until_now).await.map(|()| frame)
        }
        other => other,
    };
    Ok(BeyondQuota {
        appsync,
        url,
        websocket,
    })
}

fn question(cx: &Context, session: Uuid) -> Value {
    json!({
        "prompt": HELD_QUESTION,
        "sessionId": session,
        "conversationId": cx.conversation,
        "parentId": cx.conversation,
    })
}

async fn start(cx: &Context, name: &str, session: Uuid) -> Found<Reply> {
    let document = START.replace("DoctorStart", name);
    let reply = cx.first(&document, question(cx, session)).await;
    reply.map_err(|got| Wrong::at("quotas.refused")(format!("no response: {got}")))
}

async fn over_url(cx: &Context, session: Uuid) -> Found<Answered> {
    let base = cx.deployment.function_url.as_deref();
    let base = base.ok_or_else(|| Wrong::NotProbed("the deployment has no Function URL".into()))?;
    let ask = Ask {
        method: Method::POST,
        path: "",
        token: Some(&cx.first.token),
        last_event_id: None,
        body: Some(question(cx, session)),
    };
    let until = Instant::now() + cx.limits.told;
    let answered = cx.wire.url(base, ask, until).await;
    answered.map_err(Wrong::Failed)
}

async fn over_websocket(cx: &Context, session: Uuid) -> Found<Value> {
    let url = cx.deployment.websocket_url.as_deref();
    let url = url.ok_or_else(|| Wrong::NotProbed("the deployment has no WebSocket API".into()))?;
    let none = |message: String| {
        let got = format!("no connection: {message}");
        Wrong::after("quotas.refused-websocket", NO_WEBSOCKET)(got)
    };
    let connection = cx.wire.websocket(url, Shown::InQuery, &cx.first.token);
    let mut connection = connection.await.map_err(|refused| none(refused.message))?;
    let mut message = question(cx, session);
    message["action"] = "stream".into();
    connection.send(&message).await.map_err(none)?;
    let frame = connection.next(Instant::now() + cx.limits.told).await;
    connection.close().await;
    frame.map_err(Wrong::Failed)
}

/// A start that is taken breaks no promise if one of the others was over before.
async fn all_live(cx: &Context, held: &[Uuid]) -> Found<()> {
    for session in held {
        let record = cx.record("DoctorLooksAtHeld", *session).await;
        let status = record.map(|record| record["status"].clone());
        if !matches!(&status, Ok(status) if status == "QUEUED" || status == "STREAMING") {
            return Err(Wrong::NotProbed(
                "an answer was over before the limit was reached".into(),
            ));
        }
    }
    Ok(())
}

fn has_limit(told: &Value) -> Judged {
    let (limit, resets_at) = (&told["limit"], &told["resetsAt"]);
    let is_limit = limit.as_str().is_some_and(|limit| LIMITS.contains(&limit));
    ensure(is_limit && is_time(resets_at), || {
        format!("limit {limit}, resetsAt {resets_at}")
    })?;
    Ok(format!(
        "`{}`, until {resets_at}",
        limit.as_str().unwrap_or_default()
    ))
}

fn beyond(evidence: &Evidence) -> Result<&BeyondQuota, Wrong> {
    of(&evidence.beyond_quota)
}
