//! Which faults: of every service, each at every so manieth of its events, so that each is seen to happen.

use std::num::NonZeroU64;

use fastrand::Rng;
use tokencast::stack::STREAM_URL_FUNCTION;
use tokencast_local::faults::fault::StreamException;
use tokencast_local::faults::{Fault, FaultPlan, FaultService, Rule};

use super::Plan;
use super::user::prompt;
use crate::Delivery;

/// Of so many sessions one has a model that fails at every attempt, so that its message becomes a dead letter.
const DOOMED: usize = 20;

/// The faults of a soak over these deliveries.
pub fn faults(plan: &Plan) -> FaultPlan {
    let mut random = Rng::with_seed(plan.seed);
    let mut rules = doomed(plan, &mut random);
    rules.extend(model(&mut random));
    rules.extend(queue());
    for delivery in plan.deliveries {
        rules.extend(match delivery {
            Delivery::AppSync => appsync(),
            Delivery::FunctionUrl => function_url(),
            Delivery::WebSocket => websocket(),
        });
    }
    if plan.deliveries.iter().any(|delivery| delivery.is_queued()) {
        rules.extend(table());
    }
    rules
        .into_iter()
        .fold(FaultPlan::seeded(plan.seed), FaultPlan::with)
}

fn rule(name: &str, service: FaultService, operation: &str, fault: Fault) -> Rule {
    Rule::new(service, operation, fault).named(name)
}

/// A rule for one of so many events. The first of them comes a little later for each rule of a list.
fn rules(rules: impl IntoIterator<Item = (Rule, u64)>) -> Vec<Rule> {
    let numbered = rules.into_iter().zip(1..);
    let each = |((rule, every), number): ((Rule, u64), u64)| {
        let every = NonZeroU64::new(every).expect("not 0");
        rule.after(number.min(every.get() - 1)).every(every)
    };
    numbered.map(each).collect()
}

fn error(error_type: &str, status: u16) -> Fault {
    Fault::Error {
        error_type: error_type.to_owned(),
        status: Some(status),
        message: None,
    }
}

/// Whoever takes the events: `publishToken`, and the subscriptions behind it.
fn appsync() -> Vec<Rule> {
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
    let mut all = rules([
        (
            publish("publish throttled", error("TooManyRequestsException", 429)),
            40,
        ),
        (publish("publish failed", error("InternalFailure", 500)), 40),
        (publish("publish answered with errors", refused), 60),
        (publish("publish reset", Fault::Reset), 60),
        (publish("publish answer lost", Fault::LostAnswer), 60),
        (publish("publish delayed", Fault::Delay { ms: 150 }), 40),
        (
            publish("worker killed", Fault::KillCaller { handled: false }),
            60,
        ),
        (
            publish("worker paused", Fault::FreezeCaller { for_ms: Some(4000) }),
            60,
        ),
    ]);
    all.extend(rules([
        (frame("event dropped", Fault::Drop), 40),
        (frame("event repeated", Fault::Repeat { times: 2 }), 40),
        (frame("events reordered", reorder), 40),
        (frame("socket cut", Fault::Disconnect), 60),
    ]));
    all
}

fn websocket() -> Vec<Rule> {
    let push = |name: &str, fault| rule(name, FaultService::ExecuteApi, "PostToConnection", fault);
    let cut = rule(
        "WebSocket cut",
        FaultService::WebSocket,
        "data",
        Fault::Disconnect,
    );
    let mut all = rules([
        (
            push("push throttled", error("LimitExceededException", 429)),
            40,
        ),
        (push("push failed", error("InternalFailure", 500)), 40),
        (push("push reset", Fault::Reset), 60),
        (push("push answer lost", Fault::LostAnswer), 60),
        (
            push(
                "pushing worker killed",
                Fault::KillCaller { handled: false },
            ),
            60,
        ),
    ]);
    all.extend(rules([(cut, 60)]));
    all
}

fn function_url() -> Vec<Rule> {
    let response = |name: &str, fault| rule(name, FaultService::FunctionUrl, "Invoke", fault);
    let kill = rule(
        "streaming function killed",
        FaultService::DynamoDb,
        "PutItem",
        Fault::KillCaller { handled: true },
    );
    let mut all = rules([
        (
            response("response cut", Fault::StreamCut { after_tokens: 20 }),
            8,
        ),
        (
            response("response reset", Fault::StreamReset { after_tokens: 40 }),
            8,
        ),
    ]);
    all.extend(rules([(kill.called_by(STREAM_URL_FUNCTION), 30)]));
    all
}

/// The worker's writes to the table.
fn table() -> Vec<Rule> {
    let put = |name: &str, fault| {
        rule(name, FaultService::DynamoDb, "PutItem", fault).called_by("worker")
    };
    rules([
        (
            put("table throttled", error("ThrottlingException", 400)),
            20,
        ),
        (put("table answer lost", Fault::LostAnswer), 40),
        (put("table delayed", Fault::Delay { ms: 300 }), 40),
    ])
}

fn queue() -> Vec<Rule> {
    let sqs = |name: &str, operation: &str, fault| rule(name, FaultService::Sqs, operation, fault);
    let down = error("ServiceUnavailable", 503);
    [
        rules([(
            sqs(
                "message delivered twice",
                "ReceiveMessage",
                Fault::Duplicate,
            ),
            10,
        )]),
        rules([(sqs("queue down at the start", "SendMessage", down), 15)]),
        rules([(
            sqs(
                "visibility not changed",
                "ChangeMessageVisibility",
                Fault::Reset,
            ),
            20,
        )]),
    ]
    .concat()
}

/// What befalls a call of the model, whoever's it is; the next attempt has another.
fn model(random: &mut Rng) -> Vec<Rule> {
    let call = |name: &str, fault| rule(name, FaultService::Bedrock, "ConverseStream", fault);
    let mut after_tokens = || random.u64(0..100);
    let failed = Fault::StreamError {
        after_tokens: after_tokens(),
        exception: StreamException::ModelStreamError,
    };
    let (cut, stall, reset) = (after_tokens(), after_tokens(), after_tokens());
    rules([
        (
            call("model throttled", error("ThrottlingException", 429)),
            17,
        ),
        (
            call(
                "model unavailable",
                error("ServiceUnavailableException", 503),
            ),
            17,
        ),
        (call("model stream failed", failed), 17),
        (
            call("model stream cut", Fault::StreamCut { after_tokens: cut }),
            17,
        ),
        (
            call(
                "model stalled",
                Fault::StreamStall {
                    after_tokens: stall,
                },
            ),
            17,
        ),
        (
            call(
                "model stream reset",
                Fault::StreamReset {
                    after_tokens: reset,
                },
            ),
            17,
        ),
    ])
}

/// Sessions whose model fails at every attempt, each in its own way.
fn doomed(plan: &Plan, random: &mut Rng) -> Vec<Rule> {
    let numbers = (0..plan.sessions).step_by(DOOMED);
    let each = numbers
        .zip([0, 1, 2].into_iter().cycle())
        .map(|(number, how)| {
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
