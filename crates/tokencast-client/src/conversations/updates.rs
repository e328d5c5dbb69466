//! A subscription to the changes of conversations that connects again by itself.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::Stream;
use graphql_client::{GraphQLQuery, QueryBody};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, sleep};
use uuid::Uuid;

use super::endpoint;
use super::operations::{
    OnConversationUpdated, OnConversationsUpdated, Updated, on_conversation_updated,
    on_conversations_updated,
};
use super::types::ConversationEvent;
use crate::backoff::Backoff;
use crate::bounds::STABLE_AFTER;
use crate::client::Shared;
use crate::error::Error;
use crate::realtime::Subscription;
use crate::wall_clock::SleepWatch;

/// Updates that a slow reader may leave lying before the connection is no longer read.
const BUFFERED: usize = 64;

/// What a [`ConversationUpdates`] yields. As JSON, `type` names the variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ConversationUpdate {
    /// Listening, for the first time or again. What changed before may have been missed: read what you show.
    Resync,
    /// Something has changed.
    Event {
        /// What it was.
        event: ConversationEvent,
    },
    /// The connection was lost; the next try follows after a pause.
    Reconnecting {
        /// How many tries there were since the last stable connection.
        tries: u32,
        /// The length of the pause.
        delay_ms: u64,
        /// Why the connection was lost.
        reason: String,
    },
}

/// The changes of one conversation, or of all. It ends after an error only.
///
/// Owns the task that holds the connection: dropping it ends the connection. It is a [`Stream`], too.
///
/// ```no_run
/// # async fn example(client: tokencast_client::Client) -> Result<(), tokencast_client::Error> {
/// use tokencast_client::conversations::{ConversationUpdate, Page};
///
/// let conversations = client.conversations();
/// let mut updates = conversations.all_updates();
/// while let Some(update) = updates.next().await {
///     match update? {
///         ConversationUpdate::Resync => {
///             let list = conversations.list(Page::default()).await?;
///             println!("{} conversations", list.items.len());
///         }
///         ConversationUpdate::Event { event } => println!("{:?}", event.kind),
///         ConversationUpdate::Reconnecting { reason, .. } => eprintln!("{reason}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ConversationUpdates {
    updates: mpsc::Receiver<Result<ConversationUpdate, Error>>,
    task: JoinHandle<()>,
}

/// Of which conversations.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    One(Uuid),
    All,
}

impl ConversationUpdates {
    pub(super) fn spawn(shared: &Arc<Shared>, of: Of) -> Self {
        let (sender, updates) = mpsc::channel(BUFFERED);
        let listener = Listener {
            shared: Arc::clone(shared),
            of,
            sender,
        };
        let task = tokio::spawn(listener.run());
        Self { updates, task }
    }

    /// The next update. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// Nothing more can be heard: the subscription was refused, or the API can't be reached for too long
    /// ([`Timeouts`](crate::Timeouts): `first_connection` at first, `give_up_after` later). Nothing follows.
    pub async fn next(&mut self) -> Option<Result<ConversationUpdate, Error>> {
        self.updates.recv().await
    }
}

impl Stream for ConversationUpdates {
    type Item = Result<ConversationUpdate, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.updates.poll_recv(context)
    }
}

impl Drop for ConversationUpdates {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Listener {
    shared: Arc<Shared>,
    of: Of,
    sender: mpsc::Sender<Result<ConversationUpdate, Error>>,
}

/// Since when nothing is heard.
struct Outage {
    since: Instant,
    limit: Duration,
    has_connected: bool,
}

impl Listener {
    async fn run(self) {
        if let Err(error) = self.listen().await {
            // Nobody reads any more if this fails, and that is the end as well.
            let _ = self.sender.send(Err(error)).await;
        }
    }

    /// Goes on until nothing more can be heard, or nobody reads.
    async fn listen(&self) -> Result<(), Error> {
        let timeouts = self.shared.setup.timeouts;
        let mut retry = Backoff::new(timeouts.retry_first, timeouts.retry_max);
        let mut outage = Outage {
            since: Instant::now(),
            limit: timeouts.first_connection,
            has_connected: false,
        };
        loop {
            let token = self.shared.caller.tokens.generation();
            let mut heard_at = None;
            let error = match self.connection(&mut heard_at).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if let Some(heard_at) = heard_at {
                let is_stable = heard_at.elapsed() >= STABLE_AFTER;
                if is_stable || !outage.has_connected {
                    outage = Outage {
                        since: Instant::now(),
                        limit: timeouts.give_up_after,
                        has_connected: true,
                    };
                    retry.reset();
                }
            }
            let is_in_time = outage.since.elapsed() <= outage.limit;
            if is_in_time && self.shared.caller.tokens.renews_after(&error, token) {
                continue;
            }
            if !error.is_transient() {
                return Err(error);
            }
            let pause = retry.next();
            if outage.since.elapsed() + pause > outage.limit {
                // Before the first connection nothing was lost: the error itself says more.
                return Err(if outage.has_connected {
                    Error::GaveUp {
                        after: outage.limit,
                        last: Box::new(error),
                    }
                } else {
                    error
                });
            }
            tracing::debug!(%error, ?pause, "reconnecting");
            let reconnecting = ConversationUpdate::Reconnecting {
                tries: retry.tries(),
                delay_ms: u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                reason: error.to_string(),
            };
            if self.say(reconnecting).await.is_err() {
                return Ok(());
            }
            sleep(pause).await;
        }
    }

    /// One connection, until it breaks. `Ok`: nobody reads any more.
    async fn connection(&self, heard_at: &mut Option<Instant>) -> Result<(), Error> {
        let Shared { caller, setup, .. } = &*self.shared;
        let endpoint = endpoint(&self.shared)?;
        let mut sleep_watch = SleepWatch::new(setup.wall_clock.clone());
        let token = caller.token().await?;
        let operation = self.operation(&token)?;
        let opened = Subscription::<Updated>::open(setup, endpoint, &token, &operation);
        let mut subscription = opened.await?;
        heard_at.get_or_insert_with(Instant::now);
        if self.say(ConversationUpdate::Resync).await.is_err() {
            return Ok(());
        }
        loop {
            // Cancel-safe: an event that has come is kept by the subscription, or is told.
            tokio::select! {
                biased;
                event = subscription.next() => {
                    let event = event?;
                    if self.say(ConversationUpdate::Event { event }).await.is_err() {
                        return Ok(());
                    }
                }
                () = sleep(setup.timeouts.idle) => {
                    if sleep_watch.has_slept() {
                        // Connections from before are dead.
                        return Err(Error::Slept);
                    }
                }
            }
        }
    }

    fn operation(&self, token: &str) -> Result<String, Error> {
        match self.of {
            Of::One(id) => {
                let conversation_id = id.to_string();
                let variables = on_conversation_updated::Variables { conversation_id };
                json(&OnConversationUpdated::build_query(variables))
            }
            Of::All => {
                let owner = subject(token)?;
                let variables = on_conversations_updated::Variables { owner };
                json(&OnConversationsUpdated::build_query(variables))
            }
        }
    }

    async fn say(&self, update: ConversationUpdate) -> Result<(), Unread> {
        self.sender.send(Ok(update)).await.map_err(|_| Unread)
    }
}

/// Nobody reads any more.
struct Unread;

fn json<V: Serialize>(body: &QueryBody<V>) -> Result<String, Error> {
    serde_json::to_string(body).map_err(|error| Error::Protocol(error.to_string()))
}

/// The `sub` of a JWT: who the API says that the caller is. The API verifies the token; here only the name matters.
fn subject(token: &str) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
    }
    let claims = token
        .split('.')
        .nth(1)
        .and_then(|payload| URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok())
        .and_then(|payload| serde_json::from_slice::<Claims>(&payload).ok());
    let claims = claims.ok_or_else(|| Error::Config {
        name: "credentials",
        // The value isn't repeated: it is a secret.
        value: "a token that names nobody".into(),
        expected: "a JWT of the user pool, whose `sub` names the owner of the conversations",
    })?;
    Ok(claims.sub)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_the_tokens_subject() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"sub":"3f1c","username":"alice"}"#);
        for token in [
            format!("e30.{payload}.sig"),
            format!("Bearer e30.{payload}.sig"),
        ] {
            assert_eq!(subject(&token).expect("a subject"), "3f1c", "{token}");
        }
        for token in ["jwt", "a.b.c", "e30.e30.sig", ""] {
            let error = subject(token).expect_err("refused").to_string();
            assert!(error.contains("expected a JWT of the user pool"), "{error}");
        }
    }
}
