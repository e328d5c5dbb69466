//! The faults of the soak of conversations: of each service that a turn or a deletion needs.

use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use tokencast::stack::{REQUEST_FUNCTION, WORKER_FUNCTION};

use crate::soak::chaos::{at_counts, error, rule};

/// The fault of deletions, which go on when the tabs are done.
pub const PURGING_KILLED: &str = "purging worker killed";

/// Each fault happens at one in so many events.
pub fn plan(seed: u64) -> FaultPlan {
    let rules = [start(), answer(), around()];
    let rules = rules.into_iter().flat_map(at_counts);
    rules.fold(FaultPlan::seeded(seed), FaultPlan::with)
}

/// Where a turn is written, which is one transaction.
fn start() -> Vec<(Rule, u64)> {
    let write = |name: &str, fault| rule(name, FaultService::DynamoDb, "TransactWriteItems", fault);
    let killed = Fault::KillCaller { handled: true };
    let throttled = error("ThrottlingException", 400);
    vec![
        (write("turn's write throttled", throttled), 40),
        (write("turn's write answer lost", Fault::LostAnswer), 40),
        (
            write("starting function killed", killed).called_by(REQUEST_FUNCTION),
            15,
        ),
    ]
}

/// Where an answer is written and published.
fn answer() -> Vec<(Rule, u64)> {
    let publish = |name: &str, fault| rule(name, FaultService::AppSync, "publishToken", fault);
    let call = |name: &str, fault| rule(name, FaultService::Bedrock, "ConverseStream", fault);
    let killed = || Fault::KillCaller { handled: true };
    vec![
        (publish("publish answer lost", Fault::LostAnswer), 90),
        (publish("publishing worker killed", killed()), 120),
        (
            call("model stream cut", Fault::StreamCut { after_tokens: 20 }),
            13,
        ),
        (
            call("model throttled", error("ThrottlingException", 429)),
            17,
        ),
    ]
}

/// Where a message is delivered, a change is told, and a deletion is carried out.
fn around() -> Vec<(Rule, u64)> {
    let told = error("InternalFailure", 500);
    let delete = rule(
        PURGING_KILLED,
        FaultService::DynamoDb,
        "DeleteItem",
        Fault::KillCaller { handled: true },
    );
    vec![
        (
            rule(
                "message delivered twice",
                FaultService::Sqs,
                "ReceiveMessage",
                Fault::Duplicate,
            ),
            6,
        ),
        (
            rule(
                "queue down at the start",
                FaultService::Sqs,
                "SendMessage",
                error("ServiceUnavailable", 503),
            ),
            15,
        ),
        (
            rule(
                "change not told",
                FaultService::AppSync,
                "publishConversation",
                told,
            ),
            7,
        ),
        (
            rule("event dropped", FaultService::Realtime, "data", Fault::Drop),
            60,
        ),
        (delete.called_by(WORKER_FUNCTION), 12),
    ]
}
