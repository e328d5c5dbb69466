//! Sessions, and the events of their answers.

use local_stack::config::{FaultRule, ModelException, ModelFault};
use local_stack::faults::{
    ErrorShape, Fault, FaultService, FrameId, Replacement, Rule, SubscriptionError,
};
use serde_json::{Value, json};
use system_tests::stack::TestOptions;

use crate::cases::{Case, answered, case, dropped, refused};

/// A part of the run's first question.
const QUESTION: &str = "why do rivers meander";

/// The model refuses the run's first question, as one does whose account has no access.
pub(super) fn no_model(options: &mut TestOptions) {
    options.script.faults.push(FaultRule {
        fault: ModelFault::Refuse(ModelException::AccessDenied),
        times: None,
        prompt_contains: Some(QUESTION.to_owned()),
    });
}

pub(super) fn sessions() -> Vec<Case> {
    let record = |id, operation, field, value| {
        let pointer = format!("/data/getStream/{field}");
        case(id).rule(answered("getStream", operation, &pointer, value))
    };
    vec![
        case("sessions.starts").rule(refused("startStream", QUESTION).times(1)),
        // A job that the model refused for good is a dead letter.
        case("sessions.answers")
            .with(&["deployed.dead-letters"])
            .options(no_model),
        record(
            "sessions.record-is-final",
            "DoctorAskedRecord",
            "status",
            json!("STREAMING"),
        ),
        record("sessions.usage", "DoctorAskedRecord", "usage", Value::Null),
        case("sessions.one-answer").rule(answered(
            "startStream",
            "DoctorRepeats",
            "/data/startStream/sessionId",
            json!("another"),
        )),
        case("sessions.other-prompt").rule(answered(
            "startStream",
            "DoctorAsksOtherwise",
            "",
            json!({ "data": { "startStream": {} } }),
        )),
        case("sessions.stop").rule(refused("stopStream", "DoctorStops")),
        record(
            "sessions.stop-keeps-text",
            "query DoctorStopped",
            "text",
            json!(""),
        ),
        case("sessions.stop-is-idempotent").rule(refused("stopStream", "DoctorRestops")),
        record(
            "sessions.reload",
            "query DoctorReloads(",
            "text",
            json!("x"),
        ),
    ]
}

pub(super) fn delivery() -> Vec<Case> {
    let data = |fault| Rule::new(FaultService::Realtime, "data", fault);
    let too_many = SubscriptionError {
        error_type: "MaxSubscriptionsReachedError".to_owned(),
        message: None,
        shape: ErrorShape::Object,
        id: FrameId::Own,
    };
    let reorder = Fault::Reorder {
        window: 2,
        within_ms: 200,
    };
    let no_type = Replacement::of("/data/onTokenReceived/blockType", Value::Null);
    vec![
        case("delivery.subscribes").rule(
            Rule::new(
                FaultService::Realtime,
                "start",
                Fault::SubscriptionError(too_many),
            )
            .containing("DoctorListens(")
            .times(1),
        ),
        case("delivery.first-token").rule(data(Fault::Drop).times(1)),
        case("delivery.no-gap").rule(data(Fault::Drop).after(2).times(1)),
        case("delivery.order").rule(data(reorder).after(1).times(2)),
        case("delivery.last-event").rule(dropped("\"isComplete\":true").times(1)),
        case("delivery.fields").rule(data(Fault::Replace(no_type)).times(1)),
        case("delivery.hundred-subscriptions")
            .options(|options| options.stack.realtime.subscriptions = 50),
        // Fewer than thirty subscriptions hear a third event before the hundred do.
        case("delivery.fan-out").rule(dropped("\"sequence\":3,").after(30).times(1)),
    ]
}
