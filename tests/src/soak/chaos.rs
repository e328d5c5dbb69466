//! Which faults, drawn from the seed: on every service, rare enough that sessions get somewhere.

use std::num::NonZeroU32;

use fastrand::Rng;
use tokencast::stack::STREAM_URL_FUNCTION;
use tokencast_local::config::{FaultRule, ModelException, ModelFault, ScriptConfig};
use tokencast_local::faults::{Fault, FaultPlan, FaultService, Rule};

use super::Plan;
use super::user::prompt;

/// Faults of everything but the model.
pub fn faults(seed: u64) -> FaultPlan {
    let publish = |name: &str, fault| rule(name, FaultService::AppSync, "publishToken", fault);
    let table = |name: &str, fault| {
        rule(name, FaultService::DynamoDb, "PutItem", fault).called_by("worker")
    };
    let frame = |name: &str, fault| rule(name, FaultService::Realtime, "data", fault);
    let push = |name: &str, fault| rule(name, FaultService::ExecuteApi, "PostToConnection", fault);
    let response = |name: &str, fault| rule(name, FaultService::FunctionUrl, "Invoke", fault);
    let throttled = |error_type: &str, status| Fault::Error {
        error_type: error_type.to_owned(),
        status: Some(status),
        message: None,
    };
    let refused = Fault::GraphqlError {
        error_type: "InternalFailure".to_owned(),
        message: None,
    };
    [
        publish(
            "publish throttled",
            throttled("TooManyRequestsException", 429),
        )
        .with_probability(0.01),
        publish("publish failed", throttled("InternalFailure", 500)).with_probability(0.01),
        publish("publish answered with errors", refused).with_probability(0.003),
        publish("publish reset", Fault::Reset).with_probability(0.005),
        publish("publish answer lost", Fault::LostAnswer).with_probability(0.005),
        publish("publish delayed", Fault::Delay { ms: 150 }).with_probability(0.01),
        publish("worker killed", Fault::KillCaller { handled: false }).with_probability(0.0005),
        publish("worker paused", Fault::FreezeCaller { for_ms: Some(4000) })
            .with_probability(0.0005),
        table("table throttled", throttled("ThrottlingException", 400)).with_probability(0.05),
        table("table answer lost", Fault::LostAnswer).with_probability(0.02),
        table("table delayed", Fault::Delay { ms: 300 }).with_probability(0.02),
        rule(
            "message delivered twice",
            FaultService::Sqs,
            "ReceiveMessage",
            Fault::Duplicate,
        )
        .with_probability(0.1),
        rule(
            "queue down at the start",
            FaultService::Sqs,
            "SendMessage",
            throttled("ServiceUnavailable", 503),
        )
        .with_probability(0.03),
        rule(
            "visibility not changed",
            FaultService::Sqs,
            "ChangeMessageVisibility",
            Fault::Reset,
        )
        .with_probability(0.02),
        frame("event dropped", Fault::Drop).with_probability(0.01),
        frame("event repeated", Fault::Repeat { times: 2 }).with_probability(0.01),
        frame(
            "events reordered",
            Fault::Reorder {
                window: 3,
                within_ms: 100,
            },
        )
        .with_probability(0.01),
        frame("socket cut", Fault::Disconnect).with_probability(0.002),
        rule(
            "WebSocket cut",
            FaultService::WebSocket,
            "data",
            Fault::Disconnect,
        )
        .with_probability(0.002),
        push("push throttled", throttled("LimitExceededException", 429)).with_probability(0.01),
        push("push failed", throttled("InternalFailure", 500)).with_probability(0.01),
        push("push reset", Fault::Reset).with_probability(0.005),
        push("push answer lost", Fault::LostAnswer).with_probability(0.005),
        push(
            "pushing worker killed",
            Fault::KillCaller { handled: false },
        )
        .with_probability(0.0005),
        response("response cut", Fault::StreamCut { after_tokens: 20 }).with_probability(0.1),
        response("response reset", Fault::StreamReset { after_tokens: 40 }).with_probability(0.1),
        rule(
            "streaming function killed",
            FaultService::DynamoDb,
            "PutItem",
            Fault::KillCaller { handled: true },
        )
        .called_by(STREAM_URL_FUNCTION)
        .with_probability(0.02),
    ]
    .into_iter()
    .fold(FaultPlan::seeded(seed), FaultPlan::with)
}

fn rule(name: &str, service: FaultService, operation: &str, fault: Fault) -> Rule {
    Rule::new(service, operation, fault).named(name)
}

/// The model's faults: about a third of the sessions meet one, once or at every attempt.
pub fn script(plan: &Plan, quiet: ScriptConfig) -> ScriptConfig {
    let faults = (0..plan.sessions).filter_map(|number| {
        let mut random =
            Rng::with_seed(plan.seed ^ (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let after_tokens = random.usize(0..100);
        let fault = match random.u32(0..18) {
            0 => ModelFault::Refuse(ModelException::Throttling),
            1 => ModelFault::Refuse(ModelException::ServiceUnavailable),
            2 => ModelFault::Fail {
                after_tokens,
                exception: ModelException::ModelStreamError,
            },
            3 => ModelFault::Cut { after_tokens },
            4 => ModelFault::Stall { after_tokens },
            5 => ModelFault::Reset { after_tokens },
            _ => return None,
        };
        // Once, twice, or always: then the session fails, and its message is a dead letter.
        let times = [NonZeroU32::new(1), NonZeroU32::new(2), None][random.usize(0..3)];
        Some(FaultRule {
            fault,
            times,
            prompt_contains: Some(prompt(number)),
        })
    });
    ScriptConfig {
        faults: faults.collect(),
        ..quiet
    }
}
