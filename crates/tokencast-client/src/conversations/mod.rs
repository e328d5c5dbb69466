//! Conversations: what there is, and what changes. Their turns are started and followed as any session is, with a
//! [`Prompt`](crate::Prompt) that says where it belongs.

mod operations;
mod types;
mod updates;

use std::sync::Arc;

use graphql_client::{GraphQLQuery, QueryBody};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use uuid::Uuid;

use self::operations as op;
use crate::client::{Route, Shared};
use crate::error::Error;
use crate::realtime::Endpoint;

pub use self::types::{
    Conversation, ConversationChange, ConversationEvent, ConversationList, ExportFormat, Page, Turn,
};
pub use self::updates::{ConversationUpdate, ConversationUpdates};

/// The caller's conversations: [`Client::conversations`](crate::Client::conversations). Over AppSync only.
///
/// ```no_run
/// # async fn example(client: tokencast_client::Client) -> Result<(), tokencast_client::Error> {
/// use tokencast_client::conversations::Page;
///
/// let mut page = Page::default();
/// loop {
///     let list = client.conversations().list(page).await?;
///     for conversation in list.items {
///         println!("{} {}", conversation.conversation_id, conversation.title);
///     }
///     if list.next_token.is_none() {
///         break;
///     }
///     page = Page { next_token: list.next_token, ..Page::default() };
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Conversations {
    shared: Arc<Shared>,
}

impl Conversations {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
        }
    }

    /// A page of the caller's conversations, the one with the newest turn first. The list lags behind by a moment: a new
    /// conversation may be missing from it at first.
    ///
    /// # Errors
    ///
    /// The channel isn't AppSync ([`Error::Config`]), the page is refused (`INVALID_ARGUMENT`), or the API can't be reached in
    /// three tries. So it is with every method here.
    pub async fn list(&self, page: Page) -> Result<ConversationList, Error> {
        let Page { limit, next_token } = page;
        let variables = op::conversations::Variables {
            limit: limit.map(i64::from),
            next_token,
        };
        let listed: op::Listed = self.call(op::Conversations::build_query(variables)).await?;
        Ok(listed.conversations)
    }

    /// A conversation with a page of its turns, oldest first; `None` if the caller has no such conversation.
    ///
    /// # Errors
    ///
    /// As [`Conversations::list`].
    pub async fn get(&self, id: Uuid, page: Page) -> Result<Option<Conversation>, Error> {
        let Page { limit, next_token } = page;
        let variables = op::get_conversation::Variables {
            id: id.to_string(),
            limit: limit.map(i64::from),
            next_token,
        };
        let body = op::GetConversation::build_query(variables);
        let got: op::Got = self.call(body).await?;
        Ok(got.conversation)
    }

    /// A conversation with all of its turns, oldest first; `None` if the caller has no such conversation.
    ///
    /// # Errors
    ///
    /// As [`Conversations::list`].
    pub async fn get_all(&self, id: Uuid) -> Result<Option<Conversation>, Error> {
        let mut turns = Vec::new();
        let mut next_token = None;
        loop {
            let page = Page {
                limit: Some(MAX_LIMIT),
                next_token: next_token.clone(),
            };
            let Some(mut conversation) = self.get(id, page).await? else {
                return Ok(None);
            };
            turns.append(&mut conversation.turns);
            let next = conversation.next_token.take();
            if next.is_none() {
                return Ok(Some(Conversation {
                    turns,
                    ..conversation
                }));
            }
            next_token = further(next_token.as_deref(), next)?;
        }
    }

    /// Gives a conversation another title, of 1 to 200 characters. No model changes it any more.
    ///
    /// # Errors
    ///
    /// The caller has no such conversation (`CONVERSATION_NOT_FOUND`), it was deleted (`CONVERSATION_DELETED`), the title is
    /// refused (`INVALID_ARGUMENT`), or as [`Conversations::list`].
    pub async fn rename(&self, id: Uuid, title: impl Into<String>) -> Result<Conversation, Error> {
        let variables = op::rename_conversation::Variables {
            id: id.to_string(),
            title: title.into(),
        };
        let body = op::RenameConversation::build_query(variables);
        let renamed: op::Renamed = self.call(body).await?;
        Ok(renamed.rename_conversation)
    }

    /// Deletes a conversation with all its sessions, and stops those that run. Idempotent.
    ///
    /// # Errors
    ///
    /// The caller has no such conversation (`CONVERSATION_NOT_FOUND`), or as [`Conversations::list`].
    pub async fn delete(&self, id: Uuid) -> Result<(), Error> {
        let variables = op::delete_conversation::Variables { id: id.to_string() };
        let body = op::DeleteConversation::build_query(variables);
        let _: IgnoredAny = self.call(body).await?;
        Ok(())
    }

    /// A conversation as one document; `None` if the caller has no such conversation.
    ///
    /// ```no_run
    /// # async fn example(client: tokencast_client::Client, id: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
    /// use tokencast_client::conversations::ExportFormat;
    ///
    /// if let Some(markdown) = client.conversations().export(id, ExportFormat::Markdown).await? {
    ///     std::fs::write("conversation.md", markdown)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Conversations::list`].
    pub async fn export(&self, id: Uuid, format: ExportFormat) -> Result<Option<String>, Error> {
        let mut document = String::new();
        let mut next_token = None;
        loop {
            let variables = op::export_conversation::Variables {
                id: id.to_string(),
                format,
                next_token: next_token.clone(),
            };
            let body = op::ExportConversation::build_query(variables);
            let exported: op::Exported = self.call(body).await?;
            let Some(piece) = exported.export_conversation else {
                return Ok(None);
            };
            document.push_str(&piece.content);
            if piece.next_token.is_none() {
                return Ok(Some(document));
            }
            next_token = further(next_token.as_deref(), piece.next_token)?;
        }
    }

    /// What changes in one conversation, from now on, whoever changes it. Needs a Tokio runtime. Errors come through the
    /// stream: if the caller has no such conversation, `CONVERSATION_NOT_FOUND`.
    pub fn updates(&self, id: Uuid) -> ConversationUpdates {
        ConversationUpdates::spawn(&self.shared, updates::Of::One(id))
    }

    /// What changes in all of the caller's conversations, from now on, new ones included. Needs a Tokio runtime. Errors come
    /// through the stream.
    pub fn all_updates(&self) -> ConversationUpdates {
        ConversationUpdates::spawn(&self.shared, updates::Of::All)
    }

    async fn call<V, T>(&self, body: QueryBody<V>) -> Result<T, Error>
    where
        V: Serialize + Sync,
        T: DeserializeOwned,
    {
        endpoint(&self.shared)?;
        self.shared.caller.call(&body).await
    }
}

/// The most turns that a page has.
const MAX_LIMIT: u32 = 100;

/// The next page's token. One that leads nowhere would be followed for ever.
fn further(last: Option<&str>, next: Option<String>) -> Result<Option<String>, Error> {
    if last.is_some() && last == next.as_deref() {
        return Err(Error::Protocol(
            "a page whose `nextToken` is its own".into(),
        ));
    }
    Ok(next)
}

/// Where conversations are to be had.
fn endpoint(shared: &Shared) -> Result<&Endpoint, Error> {
    match &shared.route {
        Route::AppSync(endpoint) => Ok(endpoint),
        Route::FunctionUrl | Route::WebSocket => Err(Error::Config {
            name: "channel",
            value: shared.caller.url.to_string(),
            expected: "AppSync's endpoint, which alone has conversations",
        }),
    }
}
