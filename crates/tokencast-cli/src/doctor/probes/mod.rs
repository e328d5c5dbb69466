//! The probes, one file for each group, with the experiment that their evidence comes from.

pub mod access;
pub mod ai_sdk;
pub mod assistants;
pub mod beyond_quota;
pub mod channel_stops;
pub mod conversations;
pub mod deletion;
pub mod delivery;
pub mod deployed;
pub mod disruptive;
pub mod errors;
pub mod front_ends;
pub mod measurements;
pub mod quotas;
pub mod sessions;
pub mod stopping;
pub mod url;
pub mod websocket;

use super::probe::Probe;

/// Every probe, in the order of the report.
pub fn all() -> Vec<Probe> {
    [
        access::PROBES,
        sessions::PROBES,
        stopping::PROBES,
        delivery::PROBES,
        conversations::PROBES,
        deletion::PROBES,
        assistants::PROBES,
        quotas::PROBES,
        beyond_quota::PROBES,
        url::PROBES,
        websocket::PROBES,
        channel_stops::PROBES,
        ai_sdk::PROBES,
        front_ends::PROBES,
        errors::PROBES,
        deployed::PROBES,
        measurements::PROBES,
        disruptive::PROBES,
    ]
    .concat()
}

/// What no client of a deployment can see or cause, and why.
pub struct Unseen {
    pub id: &'static str,
    pub promise: &'static str,
    pub source: &'static str,
    pub why: &'static str,
}

/// What is promised or left open and can't be probed from outside, so that nobody takes silence for a proof.
pub const UNSEEN: &[Unseen] = &[
    Unseen {
        id: "unseen.delivered-twice",
        promise: "SQS delivers a job twice, and the user sees one answer",
        source: "design: sessions",
        why: "only AWS can deliver a message twice; the tests on the local stack do it by a fault plan",
    },
    Unseen {
        id: "unseen.dead-worker",
        promise: "another worker takes over from one that died, within seconds, and its answer is not mixed with the first",
        source: "design: sessions",
        why: "a client can't end a Lambda function's process; the tests on the local stack do",
    },
    Unseen {
        id: "unseen.trailers",
        promise: "a response that breaks off behind a Function URL carries HTTP trailers of the runtime",
        source: "aws-facts: not established",
        why: "only a function that fails in the middle of its body sends them, and a client can't cause that",
    },
    Unseen {
        id: "unseen.failed-attempts",
        promise: "after three failed attempts a session ends as `FAILED`, and its job is a dead letter",
        source: "design: sessions, every session ends",
        why: "a client can't make the model fail; the tests on the local stack do",
    },
    Unseen {
        id: "unseen.deadline",
        promise: "a session that nobody begins ends with `DEADLINE`",
        source: "design: attempts, throttling, and messages",
        why: "it takes `START_WITHIN_SECONDS`, an hour, in which no worker may run",
    },
    Unseen {
        id: "unseen.lapsed-reservation",
        promise: "what is reserved of a quota lapses if nobody settles it",
        source: "design: quotas",
        why: "it takes more than an hour, and a worker that dies",
    },
    Unseen {
        id: "unseen.policies",
        promise: "the functions' roles allow what is needed, and nothing else",
        source: "DEPLOY: what nothing here can prove",
        why: "that nothing else is allowed can only be read in IAM; the tests compare the policies with the calls",
    },
    Unseen {
        id: "unseen.throttled-model",
        promise: "a throttled model spends no attempt, and the session waits",
        source: "design: attempts, throttling",
        why: "to exhaust the account's quota of the model would hurt its other users",
    },
    Unseen {
        id: "unseen.bedrock-quota",
        promise: "Bedrock's requests and tokens a minute suffice for the workers",
        source: "DEPLOY: raising limits",
        why: "Service Quotas names models by their titles, which can't be derived from their ids: look there for your model",
    },
    Unseen {
        id: "unseen.expiry",
        promise: "DynamoDB removes expired sessions and conversations",
        source: "LOCAL: what no emulator can prove",
        why: "it takes hours or days after their time",
    },
    Unseen {
        id: "unseen.mail",
        promise: "alarms reach the right people",
        source: "DEPLOY: what nothing here can prove",
        why: "only the people know; with --disruptive, DeadLetters goes off some five minutes later: ask them",
    },
];
