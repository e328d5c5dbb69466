//! Refusals, what AWS says of the deployment, measurements, and what is disruptive.

use local_stack::faults::{Fault, FaultService, Replacement, Rule};
use serde_json::json;

use super::SOON;
use super::answers::no_model;
use crate::cases::{Case, answered, case, find, of_type, refused};

/// In milliseconds: longer than [`SOON`].
const LATE_MS: u64 = 2_000;

pub(super) fn errors() -> Vec<Case> {
    let connect = Rule::new(
        FaultService::Realtime,
        "connect",
        Fault::error("LimitExceededError"),
    );
    let started = json!({ "data": { "startStream": { "sessionId": "x" } } });
    let taken = Replacement {
        pointer: Some(String::new()),
        value: started,
        status: Some(200),
    };
    let any = |status| {
        let fault = Fault::Replace(Replacement::with_status(status));
        Rule::new(FaultService::AppSync, "*", fault)
    };
    vec![
        case("errors.no-token").rule(any(200).containing("DoctorNoToken")),
        case("errors.bad-token-socket").rule(connect.times(1)),
        case("errors.refusal").rule(refused("startStream", "DoctorEmptyPrompt")),
        case("errors.unknown-session").rule(answered(
            "getStream",
            "DoctorUnknown",
            "/data/getStream",
            json!({ "status": "COMPLETED" }),
        )),
        case("errors.malformed").rule(any(200).containing("{\"doctor\"")),
        case("errors.half-a-character").rule(
            Rule::new(FaultService::AppSync, "*", Fault::Replace(taken))
                .containing("DoctorHalfCharacter"),
        ),
        case("errors.upper-case").resolver(
            "onTokenReceived",
            "arguments: ctx.args",
            "arguments: { sessionId: ctx.args.sessionId.toLowerCase() }".to_owned(),
        ),
        case("errors.other-subprotocol")
            .options(|options| options.stack.realtime.graphql_transport_ws = true),
        case("errors.largest-operation").template(|resources| {
            of_type(resources, "AWS::AppSync::GraphQLApi")["Properties"]["QueryDepthLimit"] =
                json!(4);
        }),
    ]
}

pub(super) fn deployed() -> Vec<Case> {
    vec![
        case("deployed.redrive").template(|resources| {
            let queue = find(resources, |resource| {
                resource["Properties"]["RedrivePolicy"].is_object()
            });
            queue["Properties"]["RedrivePolicy"]["maxReceiveCount"] = json!(5);
        }),
        case("deployed.dead-letters").dead_letter("no job"),
        case("deployed.expiry").template(|resources| {
            let table = of_type(resources, "AWS::DynamoDB::Table");
            table["Properties"]["TimeToLiveSpecification"]["Enabled"] = json!(false);
        }),
        case("deployed.event-source")
            .answers(|answers| answers.mapping["State"] = json!("Disabled")),
        case("deployed.concurrency").answers(|answers| answers.concurrency = 10),
        case("deployed.request-tokens").answers(|answers| answers.request_tokens = 100.0),
        case("deployed.alarms").answers(|answers| answers.actions_enabled = false),
        case("deployed.no-alarm").answers(|answers| answers.alarm_state = "ALARM"),
        case("deployed.metrics").answers(|answers| answers.metrics = Vec::new()),
        case("deployed.global-profile")
            .with(&["sessions.answers", "deployed.dead-letters"])
            .options(no_model)
            .answers(|_| {}),
    ]
}

pub(super) fn measurements() -> Vec<Case> {
    let late = |service, operation| Rule::new(service, operation, Fault::Delay { ms: LATE_MS });
    vec![
        case("measurements.first-token")
            .rule(late(FaultService::Bedrock, "ConverseStream").times(1))
            .limits(|limits| limits.first_token = SOON),
        case("measurements.lag")
            .rule(late(FaultService::Realtime, "data"))
            .limits(|limits| limits.lag = SOON),
        case("measurements.spread")
            .rule(
                late(FaultService::Realtime, "data")
                    .containing("\"sequence\":3,")
                    .after(30)
                    .times(1),
            )
            .limits(|limits| limits.spread = SOON),
        case("measurements.idle-connection").rule(
            Rule::new(FaultService::AppSync, "getStream", Fault::Reset)
                .containing("DoctorAfterIdle"),
        ),
    ]
}

pub(super) fn disruptive() -> Vec<Case> {
    let moved = Rule::new(
        FaultService::Sqs,
        "SendMessage",
        Fault::error("InternalError"),
    );
    vec![
        case("disruptive.poison")
            .rule(moved.called_by("worker").containing("this is no job"))
            .limits(|limits| limits.poisoned = 2 * SOON),
    ]
}
