//! The client and its builder.

use std::sync::Arc;
use std::time::SystemTime;

use graphql_client::GraphQLQuery;
use reqwest::Url;
use serde::de::IgnoredAny;
use uuid::Uuid;

use crate::assistant::Assistant;
use crate::bounds::Timeouts;
use crate::channel::Channel;
use crate::conversations::Conversations;
use crate::credentials::{Credentials, TokenProvider};
use crate::dial::Setup;
use crate::error::Error;
use crate::event::Snapshot;
use crate::http::Caller;
use crate::operations::{
    Assistants, GetStream, GetUsage, Got, ListedAssistants, StartStream, Started, StopStream, Used,
    assistants, get_stream, get_usage, start_stream, stop_stream,
};
use crate::prompt::Prompt;
use crate::realtime::Endpoint;
use crate::session::{AnswerStream, Begin};
use crate::usage::QuotaUsage;
use crate::wall_clock::WallClock;
use crate::{function_url, tls, web_socket};

/// A Tokencast API, as one caller. Cheap to clone. The crate's first page has an example.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) caller: Caller,
    pub(crate) setup: Setup,
    pub(crate) route: Route,
}

/// A [`Channel`] that is ready for use; the URL is the [`Caller`]'s.
pub(crate) enum Route {
    AppSync(Endpoint),
    FunctionUrl,
    WebSocket,
}

impl Client {
    /// Over which channel, and where. Text alone is AppSync's GraphQL endpoint.
    pub fn builder(channel: impl Into<Channel>) -> ClientBuilder {
        ClientBuilder {
            channel: channel.into(),
            credentials: None,
            extra_ca_pem: None,
            timeouts: Timeouts::default(),
            wall_clock: WallClock::default(),
        }
    }

    /// Where the API answers, as it was given to the builder.
    pub fn address(&self) -> &str {
        self.shared.caller.url.as_str()
    }

    /// Sends a prompt under a new session id, subscribed before it starts.
    ///
    /// Returns at once; errors come through the stream. Needs a Tokio runtime. Dropping the stream closes its socket,
    /// and the answer goes on without a listener: [`Client::stop`] ends it.
    pub fn stream(&self, prompt: impl Into<Prompt>) -> AnswerStream {
        self.stream_as(Uuid::new_v4(), prompt)
    }

    /// As [`Client::stream`], under an id of one's own. An id of a session that exists starts nothing new, and answers with that one.
    pub fn stream_as(&self, session_id: Uuid, prompt: impl Into<Prompt>) -> AnswerStream {
        AnswerStream::spawn(
            &self.shared,
            session_id,
            Begin::Start {
                prompt: prompt.into(),
            },
        )
    }

    /// Listens to a session that was started elsewhere or before, from the beginning of its text. A session that is another's,
    /// or was deleted, isn't there, whatever the channel: [`Error::NotFound`].
    ///
    /// ```no_run
    /// # async fn example(client: tokencast_client::Client, session_id: uuid::Uuid) -> Result<(), tokencast_client::Error> {
    /// let mut answer = client.resume(session_id);
    /// while let Some(event) = answer.next().await {
    ///     println!("{:?}", event?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn resume(&self, session_id: Uuid) -> AnswerStream {
        AnswerStream::spawn(&self.shared, session_id, Begin::Resume)
    }

    /// Stops a session, wherever it is. Idempotent.
    ///
    /// ```no_run
    /// # async fn example(client: tokencast_client::Client) -> Result<(), tokencast_client::Error> {
    /// let mut answer = client.stream("Count to a million");
    /// client.stop(answer.session_id()).await?;
    /// // `Cancelled` is the last event, and the text so far stands.
    /// while let Some(event) = answer.next().await {
    ///     println!("{:?}", event?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The session is another's ([`Error::Unauthorized`]), or the API can't be reached in three tries.
    pub async fn stop(&self, session_id: Uuid) -> Result<(), Error> {
        let Shared {
            caller,
            setup,
            route,
        } = &*self.shared;
        match route {
            Route::AppSync(_) => self.shared.stop(session_id).await,
            Route::FunctionUrl => function_url::stop(caller, session_id).await,
            Route::WebSocket => web_socket::stop(caller, setup, session_id).await,
        }
    }

    /// The caller's conversations. Only AppSync has them: over another channel, each call fails with [`Error::Config`].
    pub fn conversations(&self) -> Conversations {
        Conversations::new(&self.shared)
    }

    /// The assistants that a [`Prompt`] may name, in the order of their names. AppSync and a Function URL tell them.
    ///
    /// ```no_run
    /// # async fn example(client: tokencast_client::Client) -> Result<(), tokencast_client::Error> {
    /// use tokencast_client::Prompt;
    ///
    /// for assistant in client.assistants().await? {
    ///     println!("{}: {}", assistant.name, assistant.description.unwrap_or_default());
    /// }
    /// let answer = client.stream(Prompt::new("Why do rivers meander?").to_assistant("general"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The channel is a WebSocket API, which tells none ([`Error::Config`]), or the API can't be reached in three tries.
    pub async fn assistants(&self) -> Result<Vec<Assistant>, Error> {
        let Shared { caller, route, .. } = &*self.shared;
        match route {
            Route::AppSync(_) => {
                let body = Assistants::build_query(assistants::Variables);
                let listed: ListedAssistants = caller.call(&body).await?;
                Ok(listed.assistants)
            }
            Route::FunctionUrl => function_url::assistants(caller).await,
            Route::WebSocket => {
                Err(self.not_over("AppSync's endpoint or a Function URL, which tell of assistants"))
            }
        }
    }

    /// What the caller has used of today's quota, and what is left of it. AppSync and a Function URL tell it.
    ///
    /// # Errors
    ///
    /// The channel is a WebSocket API, which doesn't tell it ([`Error::Config`]), or the API can't be reached in three tries.
    pub async fn usage(&self) -> Result<QuotaUsage, Error> {
        let Shared { caller, route, .. } = &*self.shared;
        match route {
            Route::AppSync(_) => {
                let body = GetUsage::build_query(get_usage::Variables);
                let used: Used = caller.call(&body).await?;
                Ok(used.usage)
            }
            Route::FunctionUrl => function_url::usage(caller).await,
            Route::WebSocket => {
                Err(self.not_over("AppSync's endpoint or a Function URL, which tell what is used"))
            }
        }
    }

    /// A session as it stands; `None` if there is none. Only AppSync has this.
    ///
    /// # Errors
    ///
    /// The channel isn't AppSync ([`Error::Config`]), the session is another's ([`Error::Unauthorized`]), or the API can't be
    /// reached in three tries.
    pub async fn get(&self, session_id: Uuid) -> Result<Option<Snapshot>, Error> {
        if let Route::AppSync(_) = self.shared.route {
            return self.shared.get(session_id).await;
        }
        Err(self
            .not_over("AppSync's endpoint, which alone can be asked for a session as it stands"))
    }

    fn not_over(&self, expected: &'static str) -> Error {
        Error::Config {
            name: "via",
            value: self.shared.caller.url.to_string(),
            expected,
        }
    }
}

impl Shared {
    /// Starts a session, in one try. Whether it begins with this start.
    pub(crate) async fn start(&self, session_id: Uuid, prompt: Prompt) -> Result<bool, Error> {
        let Prompt {
            text,
            conversation_id,
            parent_id,
            assistant,
        } = prompt;
        let variables = start_stream::Variables {
            prompt: text,
            session_id: Some(session_id.to_string()),
            conversation_id: conversation_id.map(|id| id.to_string()),
            parent_id: parent_id.map(|id| id.to_string()),
            assistant,
        };
        let body = StartStream::build_query(variables);
        let started: Started = self.caller.call_once(&body).await?;
        Ok(started.start_stream.status == "streaming_started")
    }

    async fn stop(&self, session_id: Uuid) -> Result<(), Error> {
        let variables = stop_stream::Variables {
            session_id: session_id.to_string(),
        };
        let body = StopStream::build_query(variables);
        let _: IgnoredAny = self.caller.call(&body).await?;
        Ok(())
    }

    pub(crate) async fn get(&self, session_id: Uuid) -> Result<Option<Snapshot>, Error> {
        let variables = get_stream::Variables {
            session_id: session_id.to_string(),
        };
        let got: Got = self.caller.call(&GetStream::build_query(variables)).await?;
        Ok(got.get_stream)
    }
}

/// Makes a [`Client`]: [`Client::builder`].
#[must_use]
pub struct ClientBuilder {
    channel: Channel,
    credentials: Option<Credentials>,
    extra_ca_pem: Option<Vec<u8>>,
    timeouts: Timeouts,
    wall_clock: WallClock,
}

impl ClientBuilder {
    /// Who is calling. There is no client without.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Trusts these authorities beside the public ones, such as a local stack's.
    pub fn extra_ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.extra_ca_pem = Some(pem.into());
        self
    }

    /// How long to wait for what, in place of the defaults.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Reads the time of day here, in the place of the system's clock. Tokens end by it, since a machine's own clock
    /// stands still while the machine sleeps.
    pub fn wall_clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.wall_clock = WallClock::new(now);
        self
    }

    /// Makes the client. Nothing is called yet.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a URL that can't be one of the channel, or if there are no credentials; [`Error::Tls`] for an
    /// authority that can't be read.
    pub fn build(self) -> Result<Client, Error> {
        let Self {
            channel,
            credentials,
            extra_ca_pem,
            timeouts,
            wall_clock,
        } = self;
        let url = channel.parse()?;
        let route = match channel {
            Channel::AppSync(_) => Route::AppSync(Endpoint::new(&url)?),
            Channel::FunctionUrl(_) => Route::FunctionUrl,
            Channel::WebSocket(_) => Route::WebSocket,
        };
        let credentials = credentials.ok_or_else(|| Error::Config {
            name: "credentials",
            value: String::new(),
            expected: "a token or a user",
        })?;
        // A line break that came along with a pasted token is no part of it.
        let credentials = match credentials {
            Credentials::Token(token) => Credentials::Token(token.trim().to_owned()),
            user @ Credentials::User { .. } => user,
        };
        let tls = tls::client_config(extra_ca_pem.as_deref())?;
        let http = tls::http_client(tls.clone(), timeouts.connect, is_loopback(&url))?;
        let caller = Caller {
            http,
            url,
            tokens: TokenProvider::new(credentials, wall_clock.clone()),
            timeout: timeouts.call,
        };
        let setup = Setup {
            tls: Arc::new(tls),
            timeouts,
            wall_clock,
        };
        Ok(Client {
            shared: Arc::new(Shared {
                caller,
                setup,
                route,
            }),
        })
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
