//! What arrives at subscribers: every event, in order, once; and at a hundred of them.

use std::collections::BTreeMap;

use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use crate::doctor::context::{Context, SUBSCRIBE};
use crate::doctor::evidence::{Evidence, of};
use crate::doctor::probe::{Experiment, Found, Probe, Wrong, ensure};
use crate::doctor::probes::sessions::{Event, heard, received};

/// AppSync's limit for one connection.
pub const CROWD: usize = 100;

const STARTS_AT_ONCE: usize = 4;

/// An answer that is longer is stopped, because each of its events is delivered a hundred times.
const ENOUGH_EVENTS: u64 = 80;

/// The most events of the answer, those included that come before the stop is noticed.
pub const CROWD_EVENTS: usize = 240;

const CROWDS_QUESTION: &str = "A check by tokencast doctor, before a hundred listeners. In one sentence: why is the sky blue?";

pub const PROBES: &[Probe] = &[
    Probe {
        id: "delivery.subscribes",
        experiment: Experiment::Asked,
        promise: "the owner subscribes before the start, with every field of the contract",
        source: "aws-facts: subscriptions; how depth and resolver limits count subscriptions, not established",
        expected: "`connection_ack` and `start_ack`",
        remedy: "Compare the API's schema, its depth limit and its resolver limit with the template of cdk/; look into AppSync's log.",
        judge: |evidence| heard(evidence).map(|_| "established".into()),
    },
    Probe {
        id: "delivery.first-token",
        experiment: Experiment::Asked,
        promise: "no first token is lost",
        source: "design: sessions; aws-facts: events right after `start_ack` have been reported lost",
        expected: "`sequence` 1 of the attempt arrives at who subscribed before the start",
        remedy: "Clients make up for it by `getStream`. If it happens often, tell AWS: see aws-appsync-community #405.",
        judge: |evidence| {
            let events = &heard(evidence)?.events;
            ensure(
                events.iter().any(|event| event.value["sequence"] == 1),
                || {
                    let numbers = events.iter();
                    let numbers = numbers.filter_map(|event| event.value["sequence"].as_u64());
                    match numbers.min() {
                        Some(first) => format!("the first that arrived is {first}"),
                        None => "no event arrived".to_owned(),
                    }
                },
            )?;
            Ok("it arrived".into())
        },
    },
    Probe {
        id: "delivery.no-gap",
        experiment: Experiment::Asked,
        promise: "no event after the first is lost on the way",
        source: "aws-facts: delivery is best effort",
        expected: "each `sequence` from 2 to the last but one of the attempt arrives",
        remedy: "Clients make up for it by `getStream`. Look at DEPLOY: MessagesDropped, and raise `flushIntervalMs`.",
        judge: |evidence| {
            let asked = heard(evidence)?;
            let last = asked.record["sequence"].as_u64().unwrap_or_default();
            let numbers: Vec<u64> = asked
                .events
                .iter()
                .filter_map(|event| event.value["sequence"].as_u64())
                .collect();
            if last <= 2 {
                return Err(Wrong::NotProbed(format!(
                    "the answer had {last} events, none of them between the first and the last"
                )));
            }
            let missing: Vec<u64> = (2..last)
                .filter(|number| !numbers.contains(number))
                .collect();
            ensure(missing.is_empty(), || {
                format!(
                    "{} of {last} are missing, the first of them {}",
                    missing.len(),
                    missing[0]
                )
            })?;
            Ok(format!("all of {last}"))
        },
    },
    Probe {
        id: "delivery.order",
        experiment: Experiment::Asked,
        promise: "events arrive in their order",
        source: "aws-facts: order is not promised, so it is to be measured",
        expected: "`sequence` never falls within an attempt",
        remedy: "Nothing: clients put events in order by `sequence`. Tell us how often it happens, with this report.",
        judge: |evidence| {
            let events = &heard(evidence)?.events;
            let place = |event: &Event| {
                (
                    event.value["attempt"].as_u64(),
                    event.value["sequence"].as_u64(),
                )
            };
            some(events, 2)?;
            let turned = events
                .windows(2)
                .find(|pair| place(&pair[0]) > place(&pair[1]));
            ensure(turned.is_none(), || {
                "an event overtook the one before it".into()
            })?;
            Ok(format!("{} events in order", events.len()))
        },
    },
    Probe {
        id: "delivery.last-event",
        experiment: Experiment::Asked,
        promise: "every session ends with an event",
        source: "design: sessions, every session ends",
        expected: "one `sequence` with `isComplete: true`, after all others, with the status",
        remedy: "Clients notice by `getStream`. Look for PUBLISH_FAILED in the worker's log.",
        judge: |evidence| {
            let asked = heard(evidence)?;
            let mut last: Vec<_> = asked
                .events
                .iter()
                .filter(|event| event.value["isComplete"] == true)
                .collect();
            // A redelivery repeats the event.
            last.dedup_by_key(|event| event.value["sequence"].as_u64());
            ensure(last.len() == 1, || format!("{} of them", last.len()))?;
            let highest = asked
                .events
                .iter()
                .filter_map(|event| event.value["sequence"].as_u64())
                .max();
            ensure(last[0].value["sequence"].as_u64() == highest, || {
                "it isn't the last".into()
            })?;
            Ok(last[0].value["status"].to_string())
        },
    },
    Probe {
        id: "delivery.fields",
        experiment: Experiment::Asked,
        promise: "an event has every field that it should have",
        source: "design: schema, the mutation selects all fields, because AppSync fans out only those",
        expected: "`attempt`, `sequence`, `status`, and of all but the last `blockIndex` and `blockType`",
        remedy: "The worker and the schema differ: deploy both from one version.",
        judge: |evidence| {
            let events = &heard(evidence)?.events;
            some(events, 1)?;
            for event in events {
                let is_last = event.value["isComplete"] == true;
                let names = ["attempt", "sequence", "status", "blockIndex", "blockType"];
                let wanted = if is_last { &names[..3] } else { &names[..] };
                if let Some(name) = wanted.iter().find(|name| event.value[**name].is_null()) {
                    return Err(Wrong::Failed(format!(
                        "`{name}` is null in event {}",
                        event.value["sequence"]
                    )));
                }
            }
            Ok(format!("in {} events", events.len()))
        },
    },
    Probe {
        id: "delivery.hundred-subscriptions",
        experiment: Experiment::Crowd,
        promise: "one connection takes a hundred subscriptions",
        source: "aws-facts: AppSync's limits, 100 subscriptions a connection",
        expected: "`start_ack` for each of the hundred",
        remedy: "Look in Service Quotas for AppSync's subscriptions of a connection. A page needs two.",
        judge: |evidence| {
            let Crowd { refused, .. } = crowd(evidence)?;
            ensure(refused.is_empty(), || {
                format!("{} refused: {}", refused.len(), refused[0])
            })?;
            Ok(format!("{CROWD} established"))
        },
    },
    Probe {
        id: "delivery.fan-out",
        experiment: Experiment::Crowd,
        promise: "each of a hundred subscribers gets every event",
        source: "LOCAL: what no emulator can prove, fan-out",
        expected: "the same events, once each or more, at each subscription",
        remedy: "Clients make up for it by `getStream`. Look at DEPLOY: MessagesDropped, and at AppSync's quota of outbound messages.",
        judge: |evidence| {
            let Crowd { heard, last, .. } = crowd(evidence)?;
            if heard.is_empty() {
                let got = "no subscription was established".to_owned();
                return Err(Wrong::at("delivery.hundred-subscriptions")(got));
            }
            let missing: u64 = heard
                .values()
                .map(|events| {
                    (1..=*last)
                        .filter(|number| !events.contains_key(number))
                        .count() as u64
                })
                .sum();
            let all = heard.len() as u64 * last;
            ensure(missing == 0, || {
                format!("{missing} of {all} did not arrive")
            })?;
            Ok(format!("{all} arrived"))
        },
    },
];

/// Fewer events show nothing of what all of them should be.
fn some(events: &[Event], least: usize) -> Result<(), Wrong> {
    if events.len() >= least {
        return Ok(());
    }
    let got = format!("{} events arrived", events.len());
    Err(Wrong::at("delivery.first-token")(got))
}

/// A question before a hundred subscribers.
#[derive(Debug)]
pub struct Crowd {
    refused: Vec<String>,
    /// When each `sequence` arrived at each subscription that was established.
    pub heard: BTreeMap<String, BTreeMap<u64, Instant>>,
    /// The last `sequence`.
    pub last: u64,
}

/// Asks before a hundred subscriptions on one connection.
///
/// # Errors
///
/// There is no connection, or no answer.
pub async fn gather(cx: &Context) -> Found<Crowd> {
    let session = Uuid::new_v4();
    let place = |because| Wrong::after("delivery.hundred-subscriptions", because);
    let none =
        |message: String| place(&["delivery.subscribes"])(format!("no connection: {message}"));
    let url = &cx.deployment.graphql_url;
    let socket = cx.wire.realtime(url, &cx.first.token).await;
    let mut socket = socket.map_err(|refused| none(refused.message))?;
    let ids: Vec<String> = (0..CROWD)
        .map(|number| format!("listener-{number}"))
        .collect();
    let (mut heard, mut refused) = (BTreeMap::new(), Vec::new());
    // Each start invokes the request function, and a new account runs few functions at once.
    for ids in ids.chunks(STARTS_AT_ONCE) {
        for id in ids {
            let asked = socket.ask(id, SUBSCRIBE, json!({ "id": session })).await;
            asked.map_err(|refused| none(refused.message))?;
        }
        for id in ids {
            match socket.established(id).await {
                Ok(()) => {
                    heard.insert(id.clone(), BTreeMap::new());
                }
                Err(error) => refused.push(error.message),
            }
        }
        // A service that has stopped answering isn't waited for a hundred times.
        if heard.is_empty() {
            break;
        }
    }
    let started = cx.start(session, CROWDS_QUESTION).await;
    let not_started =
        |got| place(&["sessions.starts"])(format!("its question did not start: {got}"));
    started.map_err(|wrong| wrong.placed(not_started))?;
    let mut until = cx.answered_by();
    // The last `sequence`, once anybody has heard it.
    let mut last: Option<u64> = None;
    let mut is_stopped = false;
    let is_whole = |heard: &BTreeMap<String, BTreeMap<u64, Instant>>, last: Option<u64>| {
        last.is_some_and(|last| heard.values().all(|events| events.len() as u64 >= last))
    };
    while !heard.is_empty() && !is_whole(&heard, last) {
        let Some(arrived) = socket.event(until).await else {
            break;
        };
        let of = arrived.of.clone();
        let Event { at, value } = received(&arrived);
        let Some(number) = value["sequence"].as_u64() else {
            continue;
        };
        if let Some(events) = heard.get_mut(&of) {
            events.entry(number).or_insert(at);
        }
        if number >= ENOUGH_EVENTS && !is_stopped && last.is_none() {
            // One that isn't stopped goes on, and is heard to its end.
            let _ = cx.stop("DoctorHasHeardEnough", session).await;
            is_stopped = true;
        }
        if value["isComplete"] == true && last.is_none() {
            last = Some(number);
            // The others have as long as the measurement allows, and some more.
            until = until.min(Instant::now() + cx.limits.spread + 2 * cx.limits.lag);
        }
    }
    socket.close().await;
    let record = cx.ended("DoctorCrowd", session).await;
    let record =
        record.map_err(|got| place(&["sessions.answers"])(format!("its answer: {got}")))?;
    let last = record["sequence"].as_u64().unwrap_or_default();
    Ok(Crowd {
        refused,
        heard,
        last,
    })
}

/// What a crowd of subscribers heard.
///
/// # Errors
///
/// There was none.
pub fn crowd(evidence: &Evidence) -> Result<&Crowd, Wrong> {
    of(&evidence.crowd)
}
