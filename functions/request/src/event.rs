//! What the resolvers' code (`cdk/resolvers/requestFunction.js`) sends to the function, and what it gets.

use serde::{Deserialize, Serialize};
use tokencast_aws::schema_json::{
    AssistantJson, ConversationJson, ConversationListJson, ExceededJson, StreamJson, UsageJson,
};
use tokencast_core::id::Owner;
use tokencast_core::json_text::JsonText;
use tokencast_core::quota::Caller;

use crate::error::RequestError;

/// A resolver's event. The resolver passes no header on, so the event has no JWT.
#[derive(Deserialize)]
pub struct ResolverEvent {
    /// The field of the schema's `Query`, `Mutation` or `Subscription`.
    pub field: String,
    #[serde(default)]
    pub arguments: Arguments,
    /// The user's id in the user pool; `None` for a caller that is no user of it.
    #[serde(default)]
    pub sub: Option<String>,
    /// The user's groups in the user pool.
    #[serde(default)]
    pub groups: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Arguments {
    #[serde(default)]
    pub prompt: Option<JsonText>,
    #[serde(default)]
    pub session_id: Option<String>,
    #[serde(default)]
    pub conversation_id: Option<String>,
    #[serde(default)]
    pub parent_id: Option<String>,
    #[serde(default)]
    pub assistant: Option<String>,
    /// A conversation's.
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub title: Option<JsonText>,
    #[serde(default)]
    pub owner: Option<String>,
    #[serde(default)]
    pub limit: Option<i64>,
    #[serde(default)]
    pub next_token: Option<String>,
    #[serde(default)]
    pub format: Option<String>,
}

impl ResolverEvent {
    /// The user who asks; `None` for a caller that is no user of the pool.
    pub fn caller(&self) -> Option<Caller> {
        let owner = self.sub.as_deref().and_then(Owner::new)?;
        Some(Caller::new(owner, self.groups.clone().unwrap_or_default()))
    }
}

/// What the resolver gets: `{"data": …}`, or `{"error": …}` for a refusal, which it raises as a GraphQL error.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reply {
    Data(Response),
    Error(Refusal),
}

/// A refusal is a reply, because an error of the function would count as a fault of ours in Lambda's metrics.
#[derive(Debug, Serialize)]
pub struct Refusal {
    /// A failure code: the GraphQL error's `errorType`.
    #[serde(rename = "type")]
    pub error_type: &'static str,
    /// Safe to show.
    pub message: String,
    /// The GraphQL error's `errorInfo`; `None` where there is nothing more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info: Option<ExceededJson>,
}

impl From<&RequestError> for Refusal {
    fn from(error: &RequestError) -> Self {
        Self {
            error_type: error.code().as_str(),
            message: error.to_string(),
            info: error.exceeded().map(ExceededJson::from),
        }
    }
}

/// The value of the field.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Response {
    Status(StreamResponse),
    Stream(Box<StreamJson>),
    Conversation(Box<ConversationJson>),
    Conversations(ConversationListJson),
    Export(Export),
    Deleted(DeletedConversation),
    Assistants(Vec<AssistantJson>),
    Usage(UsageJson),
    /// GraphQL's `null`.
    Nothing,
}

/// `StreamResponse` of the schema.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamResponse {
    pub session_id: String,
    pub status: &'static str,
    pub message: &'static str,
    pub timestamp: String,
    pub error: Option<String>,
    pub conversation_id: Option<String>,
    pub parent_id: Option<String>,
    pub assistant: Option<String>,
}

/// `ConversationExport` of the schema.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    pub content: String,
    pub next_token: Option<String>,
}

/// `DeletedConversation` of the schema.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletedConversation {
    pub conversation_id: String,
    pub timestamp: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AppSync may pass such a prompt on; then the function answers, and does not fail before it has read the event.
    #[test]
    fn a_prompt_that_is_cut_in_a_character_is_read_as_such() {
        for (prompt, is_text) in [
            (r#""whole""#, true),
            (r#""\ud83d\ude00""#, true),
            (r#""cut \ud83d""#, false),
        ] {
            let event = format!(
                r#"{{"field":"startStream","arguments":{{"prompt":{prompt},"sessionId":null}},"sub":"me","groups":null}}"#
            );
            let event: ResolverEvent = serde_json::from_str(&event).expect("an event");
            let prompt = event.arguments.prompt.expect("a prompt");
            assert_eq!(prompt.into_text().is_ok(), is_text);
        }
    }
}
