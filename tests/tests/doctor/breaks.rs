//! One stack for each probe, which breaks its promise. Doctor has to say so, and nothing else that is unrelated.

use std::collections::BTreeSet;
use std::time::Duration;

use local_stack::config::{FaultRule, ModelException, ModelFault};
use local_stack::faults::{
    ErrorShape, Fault, FaultService, FrameId, Replacement, Rule, SubscriptionError,
};
use serde_json::{Value, json};
use system_tests::TestStack;
use system_tests::stack::TestOptions;
use tokencast::doctor::probes;

use crate::cases::{Case, answered, case, dropped, edit, of_type, other_status, refused};
use crate::scene::{stack, subject};

/// A part of the run's first question.
const QUESTION: &str = "why do rivers meander";
const SOON: Duration = Duration::from_secs(1);
/// In milliseconds: longer than [`SOON`].
const LATE_MS: u64 = 2_000;

fn access(alice: &str) -> Vec<Case> {
    // The resolver passes on another caller: the first user, whoever asks.
    let as_alice = |id, field| case(id).resolver(field, "ctx.identity?.sub", format!("'{alice}'"));
    let published = |id, returns: &'static str| {
        case(id).template(move |resources| {
            let schema = of_type(resources, "AWS::AppSync::GraphQLSchema");
            let text = &mut schema["Properties"]["Definition"];
            let from = format!("): {returns}!\n    @aws_iam\n");
            let to = format!("): {returns}!\n    @aws_iam @aws_cognito_user_pools\n");
            edit(text, &from, &to);
        })
    };
    vec![
        case("access.sign-in").rule(Rule::new(
            FaultService::Cognito,
            "RespondToAuthChallenge",
            Fault::error("NotAuthorizedException"),
        )),
        published("access.users-cannot-publish", "TokenEvent"),
        published(
            "access.users-cannot-publish-conversations",
            "ConversationEvent",
        ),
        as_alice("access.stranger-reads", "getStream"),
        as_alice("access.stranger-stops", "stopStream"),
        as_alice("access.stranger-starts", "startStream"),
        as_alice("access.stranger-subscribes", "onTokenReceived"),
        as_alice("access.stranger-reads-conversation", "conversation"),
        as_alice("access.stranger-deletes-conversation", "deleteConversation"),
        as_alice("access.stranger-hears-list", "onConversationsUpdated"),
    ]
}

/// The model refuses the run's first question, as one does whose account has no access.
fn no_model(options: &mut TestOptions) {
    options.script.faults.push(FaultRule {
        fault: ModelFault::Refuse(ModelException::AccessDenied),
        times: None,
        prompt_contains: Some(QUESTION.to_owned()),
    });
}

fn sessions() -> Vec<Case> {
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

fn delivery() -> Vec<Case> {
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

fn conversations() -> Vec<Case> {
    let deleted = |id, field, operation, pointer, value| {
        case(id).rule(answered(field, operation, pointer, value))
    };
    vec![
        case("conversations.chain").rule(answered(
            "startStream",
            "Which word was it?",
            "/data/startStream/parentId",
            Value::Null,
        )),
        case("conversations.history")
            .options(|options| options.worker_variable("MAX_HISTORY_TOKENS", "0")),
        case("conversations.branches").rule(answered(
            "conversation",
            "DoctorTree",
            "/data/conversation/turns",
            json!([]),
        )),
        case("conversations.listed")
            .rule(Rule::new(
                FaultService::DynamoDb,
                "Query",
                Fault::IndexLag { ms: 600_000 },
            ))
            .limits(|limits| limits.listed = SOON),
        case("conversations.told")
            .rule(dropped("onConversationUpdated"))
            .limits(|limits| limits.told = 3 * SOON),
        case("conversations.told-to-the-owner")
            .rule(dropped("onConversationsUpdated"))
            .limits(|limits| limits.told = 3 * SOON),
        case("conversations.rename").rule(refused("renameConversation", "DoctorRenames")),
        case("conversations.export").rule(refused("exportConversation", "DoctorExports")),
        deleted(
            "conversations.deleted",
            "getStream",
            "DoctorReadsDeleted",
            "/data/getStream",
            json!({ "status": "COMPLETED" }),
        ),
        deleted(
            "conversations.stays-deleted",
            "startStream",
            "DoctorStartsInDeleted",
            "",
            json!({ "data": { "startStream": {} } }),
        ),
        case("conversations.purged")
            .rule(
                Rule::new(FaultService::Lambda, "worker", Fault::ThrottledReceive)
                    .containing("purge"),
            )
            .limits(|limits| limits.purged = SOON),
    ]
}

fn url() -> Vec<Case> {
    let invoke = |fault| Rule::new(FaultService::FunctionUrl, "Invoke", fault);
    let refused = Rule::new(
        FaultService::Sqs,
        "SendMessage",
        Fault::error("InvalidParameterValue"),
    );
    let held = Fault::HoldEmpty {
        even_if_length_is_zero: true,
    };
    // The requests come one after the other: without a token, the question, `GET` from the second event on, `GET` from
    // the last one on, and the second user's `GET` and `DELETE`.
    vec![
        case("url.no-token").rule(other_status(0, 200)),
        // The page's question needs such a job as well.
        case("url.delayed-job")
            .with(&["protocols.ai-sdk-url"])
            .rule(refused.called_by("function-url")),
        case("url.answers").rule(
            invoke(Fault::StreamCut { after_tokens: 2 })
                .after(1)
                .times(1),
        ),
        // The response comes whole, as from a Function URL whose invoke mode is `BUFFERED`.
        case("url.streams").rule(
            invoke(Fault::Replace(Replacement::default()))
                .after(1)
                .times(1),
        ),
        case("url.resumes").rule(other_status(2, 404)),
        case("url.empty-response")
            .rule(invoke(held))
            .limits(|limits| limits.empty = SOON),
        case("url.stranger-reads").rule(other_status(4, 200)),
        case("url.stranger-stops").rule(other_status(5, 200)),
    ]
}

fn websocket() -> Vec<Case> {
    let identified = |id, source: &'static str| {
        case(id).template(move |resources| {
            let authorizer = of_type(resources, "AWS::ApiGatewayV2::Authorizer");
            authorizer["Properties"]["IdentitySource"] = json!([source]);
        })
    };
    let broken = Fault::Error {
        error_type: "InternalServerErrorException".to_owned(),
        status: Some(500),
        message: None,
    };
    let data = |fault| Rule::new(FaultService::WebSocket, "data", fault);
    let other_code = Replacement::of("/error/code", json!("OTHER"));
    vec![
        case("websocket.no-token")
            .rule(Rule::new(FaultService::WebSocket, "connect", broken).times(1)),
        identified(
            "websocket.token-in-query",
            "route.request.header.Authorization",
        ),
        identified(
            "websocket.token-in-header",
            "route.request.querystring.token",
        ),
        case("websocket.answers").rule(data(Fault::Drop).containing("\"type\":\"token\"").times(1)),
        case("websocket.resumes").rule(data(Fault::Drop).containing("\"type\":\"resumed\"")),
        case("websocket.stranger-resumes")
            .rule(data(Fault::Replace(other_code)).containing("\"UNAUTHORIZED\"")),
        case("websocket.long-message")
            .options(|options| options.stack.websocket.message_bytes = 34 * 1024),
    ]
}

fn protocols() -> Vec<Case> {
    let ended = Rule::new(FaultService::WebSocket, "data", Fault::Drop);
    // The page's question is the Function URL's seventh request.
    vec![
        case("protocols.ai-sdk-url").rule(other_status(6, 500)),
        case("protocols.ai-sdk-websocket").rule(ended.containing("\"type\":\"text-delta\"")),
    ]
}

fn errors() -> Vec<Case> {
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

fn deployed() -> Vec<Case> {
    vec![
        case("deployed.redrive").template(|resources| {
            let queue = crate::cases::find(resources, |resource| {
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

fn measurements() -> Vec<Case> {
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

fn disruptive() -> Vec<Case> {
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

/// Every probe has a case in which it fails, and every case a probe.
#[test]
fn every_probe_has_a_case() {
    let cases = [
        access(""),
        sessions(),
        delivery(),
        conversations(),
        url(),
        websocket(),
        protocols(),
        errors(),
        deployed(),
        measurements(),
        disruptive(),
    ];
    let cases: Vec<&str> = cases.iter().flatten().map(|case| case.id).collect();
    let probes: Vec<&str> = probes::all().iter().map(|probe| probe.id).collect();
    let set = |ids: &[&'static str]| ids.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(set(&cases), set(&probes));
    assert_eq!(probes.len(), set(&probes).len(), "ids are unique");
    let page = include_str!("../../../docs/DOCTOR.md");
    let unseen = probes::UNSEEN.iter().map(|unseen| unseen.id);
    for id in probes.into_iter().chain(unseen) {
        assert!(page.contains(&format!("| `{id}` |")), "{id} in DOCTOR.md");
    }
}

async fn check(cases: Vec<Case>) {
    let mut wrong = Vec::new();
    let (by_plan, others): (Vec<_>, Vec<_>) = cases.into_iter().partition(Case::is_by_plan);
    if !by_plan.is_empty() {
        let shared = stack(|_| {}).await;
        for case in by_plan {
            wrong.extend(said(case, Some(&shared)).await);
        }
        shared.shutdown().await;
    }
    for case in others {
        wrong.extend(said(case, None).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with what doctor says of a case.
async fn said(case: Case, shared: Option<&TestStack>) -> Option<String> {
    let id = case.id;
    let wrong = case.check(shared).await.err();
    println!("{id}: {}", wrong.as_deref().unwrap_or("noticed"));
    wrong
}

#[tokio::test]
#[ignore = "takes many minutes: `cargo test --workspace --test doctor -- --ignored is_noticed`"]
async fn a_break_of_access_is_noticed() {
    check(access(&subject("alice").await)).await;
}

#[tokio::test]
#[ignore = "takes many minutes: `cargo test --workspace --test doctor -- --ignored is_noticed`"]
async fn a_break_of_sessions_is_noticed() {
    check(sessions()).await;
}

#[tokio::test]
#[ignore = "takes many minutes: `cargo test --workspace --test doctor -- --ignored is_noticed`"]
async fn a_break_of_delivery_is_noticed() {
    check(delivery()).await;
}

#[tokio::test]
#[ignore = "takes many minutes: `cargo test --workspace --test doctor -- --ignored is_noticed`"]
async fn a_break_of_conversations_is_noticed() {
    check(conversations()).await;
}

#[tokio::test]
#[ignore = "takes many minutes: `cargo test --workspace --test doctor -- --ignored is_noticed`"]
async fn a_break_of_the_function_url_is_noticed() {
    check(url()).await;
}

#[tokio::test]
#[ignore = "takes many minutes: `cargo test --workspace --test doctor -- --ignored is_noticed`"]
async fn a_break_of_the_websocket_api_is_noticed() {
    check(websocket()).await;
}

#[tokio::test]
#[ignore = "takes many minutes: `cargo test --workspace --test doctor -- --ignored is_noticed`"]
async fn a_break_of_other_protocols_is_noticed() {
    check(protocols()).await;
}

#[tokio::test]
#[ignore = "takes many minutes: `cargo test --workspace --test doctor -- --ignored is_noticed`"]
async fn a_break_of_errors_is_noticed() {
    check(errors()).await;
}

#[tokio::test]
#[ignore = "takes many minutes: `cargo test --workspace --test doctor -- --ignored is_noticed`"]
async fn a_break_of_what_is_deployed_is_noticed() {
    check(deployed()).await;
}

#[tokio::test]
#[ignore = "takes many minutes: `cargo test --workspace --test doctor -- --ignored is_noticed`"]
async fn a_measurement_beyond_its_bound_is_noticed() {
    check(measurements()).await;
}

#[tokio::test]
#[ignore = "takes many minutes: `cargo test --workspace --test doctor -- --ignored is_noticed`"]
async fn a_poisoned_message_that_stays_is_noticed() {
    check(disruptive()).await;
}
