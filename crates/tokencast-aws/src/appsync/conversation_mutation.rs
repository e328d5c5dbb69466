//! The body of a `publishConversation` request, by the types that `graphql_client` generates from the schema.

use bytes::Bytes;
use graphql_client::GraphQLQuery;
use tokencast_core::event::{ConversationChange, ConversationEvent};
use tokencast_core::session::Status;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../schema.graphql",
    query_path = "src/appsync/publish_conversation.graphql"
)]
struct PublishConversation;

use publish_conversation::{ConversationChange as Kind, StreamStatus, Variables};

/// The body of the request that tells of `event`.
pub(super) fn body(event: &ConversationEvent) -> Bytes {
    let query = PublishConversation::build_query(Variables::from(event));
    let body = serde_json::to_vec(&query).expect("strings always serialize");
    body.into()
}

impl From<&ConversationEvent> for Variables {
    fn from(event: &ConversationEvent) -> Self {
        Self {
            conversation_id: event.conversation_id.to_string(),
            owner: event.owner.as_str().to_owned(),
            kind: event.change.into(),
            title: event.title.clone(),
            session_id: event.session_id.map(|id| id.to_string()),
            parent_id: event.parent_id.map(|id| id.to_string()),
            status: event.status.map(StreamStatus::from),
        }
    }
}

impl From<ConversationChange> for Kind {
    fn from(change: ConversationChange) -> Self {
        match change {
            ConversationChange::TurnStarted => Self::TURN_STARTED,
            ConversationChange::TurnEnded => Self::TURN_ENDED,
            ConversationChange::Renamed => Self::RENAMED,
            ConversationChange::Deleted => Self::DELETED,
        }
    }
}

impl From<Status> for StreamStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Claimed => Self::CLAIMED,
            Status::Queued => Self::QUEUED,
            Status::Streaming => Self::STREAMING,
            Status::Completed => Self::COMPLETED,
            Status::Failed => Self::FAILED,
            Status::Cancelled => Self::CANCELLED,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokencast_core::id::{ConversationId, Owner, SessionId};

    use super::*;

    #[test]
    fn a_change_is_carried_as_it_is() {
        let owner = Owner::new("me").expect("not empty");
        let id = ConversationId::random();
        let session = SessionId::random();
        for (change, kind) in [
            (ConversationChange::TurnStarted, "TURN_STARTED"),
            (ConversationChange::TurnEnded, "TURN_ENDED"),
            (ConversationChange::Renamed, "RENAMED"),
            (ConversationChange::Deleted, "DELETED"),
        ] {
            let event = ConversationEvent {
                title: Some("\"Rivers\" é".to_owned()),
                session_id: Some(session),
                status: Some(Status::Queued),
                ..ConversationEvent::new(id, owner.clone(), change)
            };
            let body: Value = serde_json::from_slice(&body(&event)).expect("JSON");
            assert_eq!(body["operationName"], "PublishConversation");
            let expected = json!({
                "conversationId": id, "owner": "me", "kind": kind, "title": "\"Rivers\" é",
                "sessionId": session, "parentId": null, "status": "QUEUED",
            });
            assert_eq!(body["variables"], expected);
        }
    }
}
