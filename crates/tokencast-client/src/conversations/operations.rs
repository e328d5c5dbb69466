//! The operations about conversations, checked against `schema.graphql` when this is compiled.

use graphql_client::GraphQLQuery;
use serde::Deserialize;

use super::types::{
    Conversation, ConversationChange, ConversationEvent, ConversationList, ExportFormat,
};
use crate::block::BlockType;
use crate::event::StreamStatus;
use crate::realtime::Delivery;

macro_rules! operation {
    ($name:ident) => {
        #[derive(GraphQLQuery)]
        #[graphql(
            schema_path = "schema.graphql",
            query_path = "graphql/conversations.graphql",
            variables_derives = "Clone, Debug",
            skip_serializing_none,
            extern_enums("StreamStatus", "BlockType", "ConversationChange", "ExportFormat")
        )]
        pub(super) struct $name;
    };
}

operation!(Conversations);
operation!(GetConversation);
operation!(ExportConversation);
operation!(RenameConversation);
operation!(DeleteConversation);
operation!(OnConversationUpdated);
operation!(OnConversationsUpdated);

#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) conversations: ConversationList,
}

#[derive(Deserialize)]
pub(super) struct Got {
    pub(super) conversation: Option<Conversation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Exported {
    pub(super) export_conversation: Option<Piece>,
}

/// A piece of a document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Piece {
    pub(super) content: String,
    pub(super) next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Renamed {
    pub(super) rename_conversation: Conversation,
}

/// What either subscription brings.
#[derive(Deserialize)]
pub(super) struct Updated {
    #[serde(alias = "onConversationUpdated", alias = "onConversationsUpdated")]
    event: Option<ConversationEvent>,
}

impl Delivery for Updated {
    type Event = ConversationEvent;

    fn event(self) -> Option<ConversationEvent> {
        self.event
    }
}
