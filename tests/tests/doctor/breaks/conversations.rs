//! Conversations, their assistants, and what is counted of them.

use local_stack::faults::{Fault, FaultService, Replacement, Rule};
use serde_json::{Value, json};

use super::SOON;
use crate::cases::{Case, answered, case, dropped, other_status, refused};

pub(super) fn conversations() -> Vec<Case> {
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

pub(super) fn assistants() -> Vec<Case> {
    vec![
        case("assistants.listed").rule(answered(
            "assistants",
            "DoctorAssistants",
            "/data/assistants/0/isDefault",
            json!(false),
        )),
        case("assistants.unknown").rule(answered(
            "startStream",
            "DoctorUnknownAssistant",
            "",
            json!({ "data": { "startStream": {} } }),
        )),
        // The only request.
        case("assistants.url").rule(other_status(0, 500)),
        case("assistants.answers").rule(answered(
            "startStream",
            "Which word was it?",
            "/data/startStream/assistant",
            json!("another"),
        )),
    ]
}

pub(super) fn quotas() -> Vec<Case> {
    let told = |id, operation, field: &str, value| {
        let pointer = format!("/data/usage/{field}");
        case(id).rule(answered("usage", operation, &pointer, json!(value)))
    };
    let other_code = Fault::Replace(Replacement::of("/error/code", json!("OTHER")));
    // A prompt of the starts beyond the quota.
    let started = Fault::Replace(Replacement::with_status(200));
    let started = Rule::new(FaultService::FunctionUrl, "Invoke", started);
    vec![
        told(
            "quotas.usage",
            "DoctorUsageBefore",
            "sessionsAtOnce/left",
            77,
        ),
        // The Function URL then tells something else.
        told(
            "quotas.counts-once",
            "DoctorUsageAfter",
            "startsPerDay/used",
            99,
        )
        .with(&["quotas.usage-url"]),
        told("quotas.settles", "DoctorUsageAfter", "tokensPerDay/used", 1)
            .with(&["quotas.usage-url"]),
        // The only request.
        case("quotas.usage-url").rule(other_status(0, 500)),
        case("quotas.refused").rule(answered(
            "startStream",
            "DoctorBeyondQuota",
            "",
            json!({ "data": { "startStream": {} } }),
        )),
        case("quotas.refused-url").rule(started.containing("Count from 1 to 200")),
        case("quotas.refused-websocket").rule(
            Rule::new(FaultService::WebSocket, "data", other_code).containing("QUOTA_EXCEEDED"),
        ),
    ]
}
