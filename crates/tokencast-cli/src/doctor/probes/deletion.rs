//! The deletion of a conversation: that nothing of it can be read, started in it, or found in the tables.

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::doctor::context::{Context, POLL, START};
use crate::doctor::evidence::{Evidence, of};
use crate::doctor::probe::{Experiment, Found, Judged, Probe, Wrong};
use crate::doctor::wire::graphql::Reply;

const SOURCE: &str = "design: conversations";
const TELL: &str = "Open an issue with this report.";

pub const PROBES: &[Probe] = &[
    Probe {
        id: "conversations.deleted",
        experiment: Experiment::Deleted,
        promise: "what is deleted can't be read",
        source: SOURCE,
        expected: "once `deleteConversation` has answered, the conversation and its sessions are null",
        remedy: TELL,
        judge: |evidence| {
            let Deleted {
                reply: deleted,
                session,
                conversation,
                ..
            } = deleted(evidence)?;
            deleted.ok("deleteConversation").map_err(Wrong::Failed)?;
            gone(session, "getStream")?;
            gone(conversation, "conversation")
        },
    },
    Probe {
        id: "conversations.stays-deleted",
        experiment: Experiment::Deleted,
        promise: "nothing is started in what was deleted",
        source: SOURCE,
        expected: "a start in the conversation is refused with `CONVERSATION_DELETED`",
        remedy: TELL,
        judge: |evidence| {
            let Deleted {
                reply: deleted,
                started,
                ..
            } = deleted(evidence)?;
            deleted
                .ok("deleteConversation")
                .map_err(Wrong::at("conversations.deleted"))?;
            started.refused_as("CONVERSATION_DELETED")
        },
    },
    Probe {
        id: "conversations.purged",
        experiment: Experiment::Deleted,
        promise: "a worker deletes what a deleted conversation consisted of",
        source: SOURCE,
        expected: "within a minute the tables have no text of the conversation and its sessions, only ids",
        remedy: "The purge begins `LEASE_SECONDS` after the deletion: with more than 30, look at the tables yourself. Look for the job in the worker's log and in the dead-letter queue; `tokencast redrive` puts it back.",
        judge: |evidence| of(&deleted(evidence)?.purged).cloned(),
    },
];

/// The run's conversations after their deletion.
#[derive(Debug)]
pub struct Deleted {
    reply: Reply,
    session: Reply,
    conversation: Reply,
    started: Reply,
    purged: Judged,
}

/// Deletes a conversation of the run, and looks for what is left of it.
///
/// # Errors
///
/// There is no response.
pub async fn delete(cx: &Context, conversation: Uuid, session: Uuid) -> Found<Deleted> {
    let wrong = Wrong::at("conversations.deleted");
    let delete =
        "mutation DoctorDeletes($id: String!) { deleteConversation(id: $id) { conversationId } }";
    let id = || json!({ "id": conversation });
    let deleted = cx.first(delete, id()).await.map_err(wrong)?;
    let read = "query DoctorReadsDeleted($id: String!) { getStream(sessionId: $id) { status } }";
    let browse = "query DoctorBrowsesDeleted($id: String!) { conversation(id: $id) { title } }";
    let start = START.replace("DoctorStart", "DoctorStartsInDeleted");
    let start_in = json!({ "prompt": "Nobody answers this.", "sessionId": Uuid::new_v4(), "conversationId": conversation });
    Ok(Deleted {
        session: cx
            .first(read, json!({ "id": session }))
            .await
            .map_err(wrong)?,
        conversation: cx.first(browse, id()).await.map_err(wrong)?,
        started: cx
            .first(&start, start_in)
            .await
            .map_err(Wrong::at("conversations.stays-deleted"))?,
        purged: purged(cx, conversation, session).await,
        reply: deleted,
    })
}

async fn purged(cx: &Context, conversation: Uuid, session: Uuid) -> Judged {
    let aws = cx.aws.as_ref().map_err(Clone::clone)?;
    let (Some(sessions), Some(conversations)) = (
        cx.deployment.resource("SessionsTableName"),
        cx.deployment.resource("ConversationsTableName"),
    ) else {
        return Err(Wrong::NotProbed("the outputs name no tables".into()));
    };
    let since = Instant::now();
    loop {
        let query = json!({
            "TableName": conversations,
            "KeyConditionExpression": "conversationId = :id",
            "ExpressionAttributeValues": { ":id": { "S": conversation } },
            "ConsistentRead": true,
        });
        let turns = aws.dynamodb("Query", &query).await?;
        let get = json!({
            "TableName": sessions,
            "Key": { "sessionId": { "S": session } },
            "ConsistentRead": true,
        });
        let record = aws.dynamodb("GetItem", &get).await?;
        let items = turns["Items"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let texts = items
            .iter()
            .chain(record.get("Item"))
            .flat_map(|item| ["prompt", "text", "title"].map(|name| item.get(name)))
            .flatten()
            .filter(|value| value["S"].as_str().is_some_and(|text| !text.is_empty()))
            .count();
        let turns_left = items.len().saturating_sub(1);
        if texts == 0 {
            return Ok(format!("{turns_left} items without text are left"));
        }
        if since.elapsed() >= cx.limits.purged {
            return Err(Wrong::Failed(format!(
                "{texts} texts are left after {} s",
                since.elapsed().as_secs()
            )));
        }
        tokio::time::sleep(POLL).await;
    }
}

fn gone(reply: &Reply, field: &str) -> Judged {
    match reply.ok(field) {
        Ok(Value::Null) => Ok("null".into()),
        Ok(_) => Err(Wrong::Failed(format!("`{field}` is still there"))),
        Err(got) => Err(Wrong::Failed(got)),
    }
}

fn deleted(evidence: &Evidence) -> Result<&Deleted, Wrong> {
    of(&evidence.deleted)
}
