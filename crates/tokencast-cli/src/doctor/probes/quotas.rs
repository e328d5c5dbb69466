//! Quotas: what is counted.

use chrono::DateTime;
use http::Method;
use serde_json::{Value, json};

use crate::doctor::context::Context;
use crate::doctor::evidence::{Evidence, of};
use crate::doctor::probe::{Experiment, Found, Probe, Wrong, ensure};
use crate::doctor::probes::sessions::asked;
use crate::doctor::wire::url::{Answered, Ask};

pub const LIMITS: [&str; 4] = [
    "startsPerMinute",
    "startsPerDay",
    "tokensPerDay",
    "sessionsAtOnce",
];

pub const SOURCE: &str = "design: quotas; PROTOCOL: quotas";
const LEDGER: &str = "Look for the table of quotas in the logs of the request function and of the worker, and open an issue with this report.";
pub const REFUSAL: &str = "Each function that starts sessions must have the same `QUOTAS` and the same table: compare their variables with cdk/.";

pub const PROBES: &[Probe] = &[
    Probe {
        id: "quotas.usage",
        experiment: Experiment::Counted,
        promise: "a user sees what is used of each limit, and what is left",
        source: SOURCE,
        expected: "`usage` has the day, when it ends, and of each limit `left`: what is not used of it",
        remedy: LEDGER,
        judge: |evidence| {
            let Counted { before, .. } = of(&evidence.counted)?;
            let usage = of(before)?;
            ensure(is_time(&usage["resetsAt"]), || {
                format!("resetsAt {}", usage["resetsAt"])
            })?;
            let mut limited = 0;
            for name in LIMITS {
                let UsedOf { used, limit, left } = UsedOf::new(&usage[name]);
                let used = used.ok_or_else(|| Wrong::Failed(format!("`{name}` has no `used`")))?;
                let expected = limit.map(|limit| limit.saturating_sub(used));
                ensure(left == expected, || {
                    let limit = limit.map_or("no limit".to_owned(), |limit| limit.to_string());
                    format!(
                        "`{name}`: {used} used of {limit}, and `left` is {}",
                        usage[name]["left"]
                    )
                })?;
                limited += usize::from(limit.is_some());
            }
            Ok(format!("{limited} limits"))
        },
    },
    Probe {
        id: "quotas.counts-once",
        experiment: Experiment::Counted,
        promise: "a session is counted once, however often its start is repeated",
        source: "design: quotas, settled exactly once",
        expected: "after the question and its repetition, `startsPerDay` is 1 more than before",
        remedy: LEDGER,
        judge: |evidence| {
            let (before, after) = same_day(evidence)?;
            let used = |usage: &Value| usage["startsPerDay"]["used"].as_u64().unwrap_or_default();
            let more = used(after).saturating_sub(used(before));
            ensure(more == 1, || {
                format!("{more} more; does somebody else use this account?")
            })?;
            Ok("1 more".into())
        },
    },
    Probe {
        id: "quotas.settles",
        experiment: Experiment::Counted,
        promise: "the end of a session replaces what was reserved by what was used",
        source: "design: quotas, settled exactly once",
        expected: "`tokensPerDay` grows by the `usage` of the answer, and `sessionsAtOnce` is what it was",
        remedy: LEDGER,
        judge: |evidence| {
            let (before, after) = same_day(evidence)?;
            let record = &asked(evidence)?.record;
            let usage = &record["usage"];
            if record["attempt"] != 1 || !usage["outputTokens"].is_u64() {
                return Err(Wrong::NotProbed(
                    "the model counted no tokens, or a further attempt was charged".into(),
                ));
            }
            let names = [
                "inputTokens",
                "outputTokens",
                "cacheReadInputTokens",
                "cacheWriteInputTokens",
            ];
            let expected: u64 = names.iter().filter_map(|name| usage[*name].as_u64()).sum();
            let used = |usage: &Value, name: &str| usage[name]["used"].as_u64().unwrap_or_default();
            let tokens = |usage| used(usage, "tokensPerDay");
            let more = tokens(after).saturating_sub(tokens(before));
            let at_once = |usage| used(usage, "sessionsAtOnce");
            ensure(
                more == expected && at_once(after) == at_once(before),
                || {
                    format!(
                        "{more} tokens more in place of {expected}, and {} sessions at once in place of {}",
                        at_once(after),
                        at_once(before)
                    )
                },
            )?;
            Ok(format!("{more} tokens more"))
        },
    },
    Probe {
        id: "quotas.usage-url",
        experiment: Experiment::Counted,
        promise: "the Function URL tells the same of the quota",
        source: SOURCE,
        expected: "`GET /usage` has the limits and what is used, as the query `usage`",
        remedy: REFUSAL,
        judge: |evidence| {
            let Counted {
                after, over_url, ..
            } = of(&evidence.counted)?;
            let (after, answered) = (of(after)?, of(over_url)?);
            ensure(answered.status == 200, || answered.as_text())?;
            let told = answered.json();
            for name in LIMITS {
                // A minute may have begun in between.
                if name == "startsPerMinute" {
                    continue;
                }
                ensure(told[name] == after[name], || {
                    format!("`{name}`: {} in place of {}", told[name], after[name])
                })?;
            }
            Ok("the same".into())
        },
    },
];

/// What is used of a limit. `None`: it isn't told, or there is no limit.
pub struct UsedOf {
    pub used: Option<u64>,
    pub limit: Option<u64>,
    pub left: Option<u64>,
}

impl UsedOf {
    pub fn new(value: &Value) -> Self {
        let count = |name: &str| value[name].as_u64();
        Self {
            used: count("used"),
            limit: count("limit"),
            left: count("left"),
        }
    }
}

/// What is used before the question, and after it and its repetition.
#[derive(Debug)]
pub struct Counted {
    before: Found<Value>,
    after: Found<Value>,
    over_url: Found<Answered>,
}

/// What is used so far.
///
/// # Errors
///
/// It isn't told.
pub async fn used(cx: &Context) -> Found<Value> {
    let usage = read(cx, "DoctorUsageBefore").await;
    usage.map_err(Wrong::at("quotas.usage"))
}

/// How many sessions may be started now, at once. `None` without a limit.
pub fn sessions_left(used: &Found<Value>) -> Option<u64> {
    UsedOf::new(&used.as_ref().ok()?["sessionsAtOnce"]).left
}

/// Reads what is used after the question.
///
/// # Errors
///
/// Never: each reading stands for itself.
pub async fn count(cx: &Context, before: Found<Value>) -> Found<Counted> {
    let after = read(cx, "DoctorUsageAfter").await;
    let after = after.map_err(Wrong::at("quotas.counts-once"));
    let over_url = match cx.deployment.function_url.as_deref() {
        Some(base) => {
            let ask = Ask {
                method: Method::GET,
                path: "usage",
                token: Some(&cx.first.token),
                last_event_id: None,
                body: None,
            };
            let answered = cx.wire.url(base, ask, cx.answered_by()).await;
            answered.map_err(Wrong::Failed)
        }
        None => Err(Wrong::NotProbed(
            "the deployment has no Function URL".into(),
        )),
    };
    Ok(Counted {
        before,
        after,
        over_url,
    })
}

/// Asks what is used. `name` is the operation's.
///
/// # Errors
///
/// It isn't told.
pub async fn read(cx: &Context, name: &str) -> Result<Value, String> {
    let limits = LIMITS.map(|name| format!("{name} {{ used limit left }}"));
    let document = format!(
        "query {name} {{ usage {{ day resetsAt {} }} }}",
        limits.join(" ")
    );
    let reply = cx.first(&document, json!({})).await?;
    reply.ok("usage").cloned()
}

pub fn is_time(value: &Value) -> bool {
    let text = value.as_str();
    text.is_some_and(|text| DateTime::parse_from_rfc3339(text).is_ok())
}

/// What is used before and after the question, if both are of one day.
fn same_day(evidence: &Evidence) -> Result<(&Value, &Value), Wrong> {
    let Counted { before, after, .. } = of(&evidence.counted)?;
    let (before, after) = (of(before)?, of(after)?);
    if LIMITS.iter().all(|name| before[*name]["limit"].is_null()) {
        return Err(Wrong::NotProbed("the user has no limits".into()));
    }
    if before["day"] != after["day"] {
        return Err(Wrong::NotProbed("another day began in between".into()));
    }
    // The question itself has to have been asked, and its repetition.
    of(&evidence.again)?;
    Ok((before, after))
}
