//! The soak's faults: of every service, and each often enough to be seen.
//!
//! A fault of a session's event is planned by session, because the machine decides how many events an answer has: a
//! busy one joins more tokens. Every other fault is planned by count: one in so many events.

use std::num::NonZeroU64;

use fastrand::Rng;
use local_stack::faults::fault::StreamException;
use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use tokencast::stack::FUNCTION_URL_FUNCTION;

use super::Plan;
use super::user::{prompt, session_id};
use crate::Channel;

/// One session in so many has a model that fails at every attempt, so that its message becomes a dead letter.
const DOOMED: usize = 20;

/// So many of a session's events come through before its fault. The number is mostly zero, because an answer may be a
/// single event.
const AFTER: [u64; 8] = [0, 0, 1, 0, 3, 0, 0, 2];

/// Returns the faults for the plan's channels.
pub fn faults(plan: &Plan) -> FaultPlan {
    let mut random = Rng::with_seed(plan.seed);
    let mut rules = doomed(plan, &mut random);
    rules.extend(model(&mut random));
    rules.extend(queue());
    for channel in plan.channels {
        match channel {
            Channel::AppSync => rules.extend(of_sessions(plan, *channel, &appsync())),
            Channel::WebSocket => rules.extend(of_sessions(plan, *channel, &websocket())),
            Channel::FunctionUrl => rules.extend(function_url()),
        }
    }
    if plan.channels.iter().any(|channel| channel.is_queued()) {
        rules.extend(table());
    }
    rules
        .into_iter()
        .fold(FaultPlan::seeded(plan.seed), FaultPlan::with)
}

pub(super) fn rule(name: &str, service: FaultService, operation: &str, fault: Fault) -> Rule {
    Rule::new(service, operation, fault).named(name)
}

pub(super) fn error(error_type: &str, status: u16) -> Fault {
    Fault::Error {
        error_type: error_type.to_owned(),
        status: Some(status),
        message: None,
    }
}

/// Gives each session of a channel one rule of each group, in turns. Each rule fires once.
fn of_sessions(plan: &Plan, channel: Channel, groups: &[Vec<Rule>]) -> Vec<Rule> {
    let numbers = (0..plan.sessions).filter(|number| plan.channel(*number) == channel);
    let each = numbers.zip(0..).flat_map(|(number, turn): (usize, usize)| {
        let id = session_id(plan.seed, number).to_string();
        let of_session = groups
            .iter()
            .zip(0..)
            .map(move |(group, place): (_, usize)| {
                // Each round shifts the groups against each other, so that the same faults don't always meet.
                let round = turn / group.len();
                let rule = group[(turn + place * round) % group.len()].clone();
                let after = AFTER[round % AFTER.len()];
                rule.containing(&id).after(after).times(1)
            });
        of_session.collect::<Vec<_>>()
    });
    each.collect()
}

/// Faults of `publishToken`, and of the subscriptions behind it.
fn appsync() -> [Vec<Rule>; 4] {
    let publish = |name: &str, fault| rule(name, FaultService::AppSync, "publishToken", fault);
    let frame = |name: &str, fault| rule(name, FaultService::Realtime, "data", fault);
    let refused = Fault::GraphqlError {
        error_type: "InternalFailure".to_owned(),
        message: None,
    };
    let reorder = Fault::Reorder {
        window: 3,
        within_ms: 100,
    };
    let throttled = error("TooManyRequestsException", 429);
    let killed = Fault::KillCaller { handled: false };
    let paused = Fault::FreezeCaller { for_ms: Some(4000) };
    [
        vec![
            publish("publish throttled", throttled),
            publish("publish failed", error("InternalFailure", 500)),
            publish("publish answered with errors", refused),
            publish("publish reset", Fault::Reset),
        ],
        vec![
            publish("publish answer lost", Fault::LostAnswer),
            publish("publish delayed", Fault::Delay { ms: 150 }),
            publish("worker killed", killed),
            publish("worker paused", paused),
        ],
        vec![
            frame("event dropped", Fault::Drop),
            frame("event repeated", Fault::Repeat { times: 2 }),
        ],
        vec![
            frame("events reordered", reorder),
            frame("socket cut", Fault::Disconnect),
        ],
    ]
}

/// Faults of a push, and of the connection behind it.
fn websocket() -> [Vec<Rule>; 2] {
    let push = |name: &str, fault| rule(name, FaultService::ExecuteApi, "PostToConnection", fault);
    let frame = |name: &str, fault| rule(name, FaultService::WebSocket, "data", fault);
    let killed = Fault::KillCaller { handled: false };
    [
        vec![
            push("push throttled", error("LimitExceededException", 429)),
            push("push failed", error("InternalFailure", 500)),
            push("push reset", Fault::Reset),
        ],
        vec![
            push("push answer lost", Fault::LostAnswer),
            push("pushing worker killed", killed),
            frame("WebSocket cut", Fault::Disconnect),
        ],
    ]
}

/// Makes each rule fire at one in so many events. Each rule of a list starts one event later than the rule before.
pub(super) fn at_counts(rules: impl IntoIterator<Item = (Rule, u64)>) -> Vec<Rule> {
    let numbered = rules.into_iter().zip(1..);
    let each = |((rule, every), number): ((Rule, u64), u64)| {
        let every = NonZeroU64::new(every).expect("not 0");
        rule.after(number.min(every.get() - 1)).every(every)
    };
    numbered.map(each).collect()
}

fn function_url() -> Vec<Rule> {
    let response = |name: &str, fault| rule(name, FaultService::FunctionUrl, "Invoke", fault);
    let (cut, reset) = (
        Fault::StreamCut { after_tokens: 20 },
        Fault::StreamReset { after_tokens: 40 },
    );
    let killed = Fault::KillCaller { handled: true };
    let kill = rule(
        "streaming function killed",
        FaultService::DynamoDb,
        "PutItem",
        killed,
    );
    let mut all = at_counts([
        (response("response cut", cut), 5),
        (response("response reset", reset), 5),
    ]);
    all.extend(at_counts([(kill.called_by(FUNCTION_URL_FUNCTION), 20)]));
    all
}

/// Faults of the worker's writes to the table.
fn table() -> Vec<Rule> {
    let put = |name: &str, fault| {
        rule(name, FaultService::DynamoDb, "PutItem", fault).called_by("worker")
    };
    // The write of an end is one with that of its owner's quota.
    let end = |name: &str, fault| {
        rule(name, FaultService::DynamoDb, "TransactWriteItems", fault).called_by("worker")
    };
    let killed = Fault::KillCaller { handled: true };
    let throttled = error("ThrottlingException", 400);
    at_counts([
        (put("table throttled", throttled), 20),
        (put("table answer lost", Fault::LostAnswer), 40),
        (put("table delayed", Fault::Delay { ms: 300 }), 40),
        (end("end's answer lost", Fault::LostAnswer), 10),
        (end("end's worker killed", killed), 20),
    ])
}

fn queue() -> Vec<Rule> {
    let sqs = |name: &str, operation: &str, fault| rule(name, FaultService::Sqs, operation, fault);
    let twice = sqs(
        "message delivered twice",
        "ReceiveMessage",
        Fault::Duplicate,
    );
    let down = error("ServiceUnavailable", 503);
    let down = sqs("queue down at the start", "SendMessage", down);
    let unchanged = sqs(
        "visibility not changed",
        "ChangeMessageVisibility",
        Fault::Reset,
    );
    let each = [(twice, 10), (down, 15), (unchanged, 20)];
    each.into_iter().flat_map(|one| at_counts([one])).collect()
}

/// Faults of a model call of any session. The next attempt makes another call.
fn model(random: &mut Rng) -> Vec<Rule> {
    const EVERY: u64 = 17;
    let call = |name: &str, fault| {
        let rule = rule(name, FaultService::Bedrock, "ConverseStream", fault);
        (rule, EVERY)
    };
    let mut after_tokens = || random.u64(0..100);
    let failed = Fault::StreamError {
        after_tokens: after_tokens(),
        exception: StreamException::ModelStreamError,
    };
    let cut = Fault::StreamCut {
        after_tokens: after_tokens(),
    };
    let stall = Fault::StreamStall {
        after_tokens: after_tokens(),
    };
    let reset = Fault::StreamReset {
        after_tokens: after_tokens(),
    };
    at_counts([
        call("model throttled", error("ThrottlingException", 429)),
        call(
            "model unavailable",
            error("ServiceUnavailableException", 503),
        ),
        call("model stream failed", failed),
        call("model stream cut", cut),
        call("model stalled", stall),
        call("model stream reset", reset),
    ])
}

/// Faults that fail every attempt of a session, each in its own way.
fn doomed(plan: &Plan, random: &mut Rng) -> Vec<Rule> {
    let numbers = (0..plan.sessions).step_by(DOOMED);
    let each = numbers.zip((0..3).cycle()).map(|(number, how)| {
        let after_tokens = random.u64(0..100);
        let fault = match how {
            0 => Fault::StreamCut { after_tokens },
            1 => Fault::StreamReset { after_tokens },
            _ => Fault::StreamError {
                after_tokens,
                exception: StreamException::InternalServer,
            },
        };
        let rule = rule(
            "model fails for good",
            FaultService::Bedrock,
            "ConverseStream",
            fault,
        );
        rule.containing(&prompt(number))
    });
    each.collect()
}
