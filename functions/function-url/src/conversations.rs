//! The routes of conversations: their list, their turns, documents of them, and their end.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use tokencast_aws::clock::iso8601;
use tokencast_aws::schema_json::{ConversationJson, ConversationListJson};
use tokencast_core::conversation::NotFound;
use tokencast_core::conversation::export::Format;
use tokencast_core::id::{ConversationId, Owner};
use tokencast_core::requests::{ExportPiece, RequestError};

use crate::error::UrlError;
use crate::event::UrlEvent;
use crate::handle::FunctionUrl;
use crate::reply::Whole;

/// A conversation as one document, whose pieces are read while it is sent.
pub struct Document {
    function: Arc<FunctionUrl>,
    owner: Owner,
    id: ConversationId,
    format: Format,
    next: Option<ExportPiece>,
}

impl FunctionUrl {
    pub(crate) async fn conversations(
        &self,
        owner: &Owner,
        event: &UrlEvent,
    ) -> Result<Whole, UrlError> {
        let (limit, next_token) = (limit(event)?, event.next_token());
        let page = self
            .requests
            .conversations(owner, limit, next_token)
            .await?;
        Ok(whole(&ConversationListJson::from(page)))
    }

    pub(crate) async fn conversation(
        &self,
        owner: &Owner,
        id: ConversationId,
        event: &UrlEvent,
    ) -> Result<Whole, UrlError> {
        let (limit, next_token) = (limit(event)?, event.next_token());
        let page = self
            .requests
            .conversation(owner, id, limit, next_token)
            .await?;
        Ok(whole(&ConversationJson::from(page.ok_or(NotFound)?)))
    }

    pub(crate) async fn delete_conversation(
        &self,
        owner: &Owner,
        id: ConversationId,
    ) -> Result<Whole, UrlError> {
        let deleted_at = self.requests.delete_conversation(owner, id).await?;
        let deleted = json!({ "conversationId": id, "timestamp": iso8601(deleted_at) });
        Ok(whole(&deleted))
    }

    pub(crate) async fn export(
        self: &Arc<Self>,
        owner: Owner,
        id: ConversationId,
        event: &UrlEvent,
    ) -> Result<Document, UrlError> {
        let format = match event.format() {
            None => Format::Markdown,
            Some(name) => Format::of(&name.to_ascii_uppercase()).ok_or(UrlError::Format)?,
        };
        for (name, given) in [("nextToken", event.next_token()), ("limit", event.limit())] {
            if given.is_some() {
                return Err(UrlError::NotTaken(name));
            }
        }
        // The status waits for the first piece, so that a conversation that isn't there has one.
        let first = self.requests.export(&owner, id, format, None).await?;
        Ok(Document {
            function: Arc::clone(self),
            owner,
            id,
            format,
            next: Some(first.ok_or(NotFound)?),
        })
    }
}

impl Document {
    pub(crate) fn content_type(&self) -> &'static str {
        match self.format {
            Format::Markdown => "text/markdown; charset=utf-8",
            Format::Json => "application/json",
        }
    }

    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<String, RequestError>> {
        let ExportPiece {
            content,
            next_token,
        } = self.next.take()?;
        let Some(token) = next_token else {
            return Some(Ok(content));
        };
        let (owner, id, format) = (&self.owner, self.id, self.format);
        let requests = &self.function.requests;
        match requests.export(owner, id, format, Some(&token)).await {
            Ok(Some(next)) => self.next = Some(next),
            Ok(None) => return Some(Err(NotFound.into())),
            Err(error) => return Some(Err(error)),
        }
        Some(Ok(content))
    }
}

fn limit(event: &UrlEvent) -> Result<Option<i64>, UrlError> {
    let limit = event
        .limit()
        .map(|limit| limit.parse().map_err(|_| UrlError::Limit));
    limit.transpose()
}

fn whole(value: &impl Serialize) -> Whole {
    let json = serde_json::to_string(value).expect("strings and numbers always serialize");
    Whole::new(StatusCode::OK, json)
}
