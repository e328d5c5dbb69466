//! The fields of conversations.

use tokencast_aws::clock::iso8601;
use tokencast_core::conversation::export::Format;
use tokencast_core::id::{ConversationId, Owner};
use tokencast_core::ports::RequestPorts;
use tokencast_core::requests;

use crate::error::RequestError;
use crate::event::{Arguments, DeletedConversation, Export, Response};
use crate::handle::Request;

impl<P: RequestPorts> Request<P> {
    /// Answers a field of conversations.
    pub(crate) async fn answer_conversations(
        &self,
        owner: &Owner,
        field: &str,
        arguments: Arguments,
    ) -> Result<Response, RequestError> {
        let requests = &self.requests;
        let next_token = arguments.next_token.as_deref();
        match field {
            "conversations" => {
                let page = requests
                    .conversations(owner, arguments.limit, next_token)
                    .await?;
                Ok(Response::Conversations(page.into()))
            }
            "conversation" => {
                let id = read_id("id", arguments.id.as_deref())?;
                let page = requests
                    .conversation(owner, id, arguments.limit, next_token)
                    .await?;
                Ok(page.map_or(Response::Nothing, |page| {
                    Response::Conversation(Box::new(page.into()))
                }))
            }
            "exportConversation" => {
                let id = read_id("id", arguments.id.as_deref())?;
                let format = arguments.format.as_deref().and_then(Format::of);
                let format =
                    format.ok_or(RequestError::Argument("format", "`MARKDOWN` or `JSON`"))?;
                let piece = requests.export(owner, id, format, next_token).await?;
                Ok(piece.map_or(Response::Nothing, |piece| {
                    Response::Export(Export {
                        content: piece.content,
                        next_token: piece.next_token,
                    })
                }))
            }
            "renameConversation" => {
                let id = read_id("id", arguments.id.as_deref())?;
                let title = arguments.title.and_then(|title| title.into_text().ok());
                let title = title.ok_or(RequestError::Argument(
                    "title",
                    "a text of 1 to 200 characters",
                ))?;
                let renamed = requests.rename_conversation(owner, id, &title).await?;
                Ok(Response::Conversation(Box::new(renamed.into())))
            }
            "deleteConversation" => {
                let id = read_id("id", arguments.id.as_deref())?;
                let deleted_at = requests.delete_conversation(owner, id).await?;
                Ok(Response::Deleted(DeletedConversation {
                    conversation_id: id.to_string(),
                    timestamp: iso8601(deleted_at),
                }))
            }
            "onConversationUpdated" => {
                let given = arguments.conversation_id.as_deref();
                let id = read_id("conversationId", given)?;
                // AppSync compares the argument with each event's id letter by letter, so a subscription with capital
                // letters would hear nothing.
                if given != Some(id.as_str()) {
                    return Err(RequestError::ConversationCapitals(id));
                }
                requests.admit(owner, id).await?;
                Ok(Response::Nothing)
            }
            "onConversationsUpdated" => {
                if arguments.owner.as_deref() != Some(owner.as_str()) {
                    return Err(RequestError::OtherSubscriber);
                }
                Ok(Response::Nothing)
            }
            other => Err(RequestError::UnknownField(other.to_owned())),
        }
    }
}

fn read_id(name: &'static str, id: Option<&str>) -> Result<ConversationId, RequestError> {
    let id = id.ok_or(RequestError::Argument(name, "the id of a conversation"))?;
    Ok(id.parse().map_err(requests::RequestError::from)?)
}
