//! The client and its builder.

use std::sync::Arc;
use std::time::Duration;

use graphql_client::GraphQLQuery;
use reqwest::Url;
use uuid::Uuid;

use crate::credentials::{Credentials, TokenProvider};
use crate::error::Error;
use crate::event::Snapshot;
use crate::http::Caller;
use crate::operations::{
    GetStream, StartStream, StopStream, get_stream, start_stream, stop_stream,
};
use crate::realtime::{Endpoint, Setup};
use crate::session::{AnswerStream, Begin};
use crate::tls;

/// A Tokencast API, as one caller. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) caller: Caller,
    pub(crate) setup: Setup,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For one call over HTTP. AppSync itself cuts a resolver at 30 s.
    pub call: Duration,
    /// For a socket, with TLS and the handshake.
    pub connect: Duration,
    /// For `connection_ack`.
    pub ack: Duration,
    /// For `start_ack`.
    pub start_ack: Duration,
    /// The longest silence of a server that doesn't name one in its `connection_ack`.
    pub keep_alive: Duration,
    /// For the first subscription, with all tries.
    pub first_connection: Duration,
    /// From the loss of a connection until the stream ends with [`Error::GaveUp`].
    pub give_up_after: Duration,
    /// The pause before the first reconnection; it doubles.
    pub retry_first: Duration,
    /// The longest pause.
    pub retry_max: Duration,
    /// How long a gap may stay before `getStream` is asked.
    pub gap: Duration,
    /// After so long without an event `getStream` is asked, lest the last one was lost; it doubles, up to six times as long.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(35),
            connect: Duration::from_secs(10),
            ack: Duration::from_secs(15),
            start_ack: Duration::from_secs(15),
            keep_alive: Duration::from_mins(5),
            first_connection: Duration::from_secs(5),
            give_up_after: Duration::from_mins(2),
            retry_first: Duration::from_millis(250),
            retry_max: Duration::from_secs(10),
            gap: Duration::from_millis(150),
            idle: Duration::from_secs(5),
        }
    }
}

impl Client {
    /// `api_url` is the GraphQL endpoint; the real-time one follows from it.
    pub fn builder(api_url: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            api_url: api_url.into(),
            credentials: None,
            extra_ca_pem: None,
            timeouts: Timeouts::default(),
        }
    }

    /// Sends a prompt under a new session id, subscribed before it starts.
    ///
    /// Returns at once; errors come through the stream. Needs a Tokio runtime. Dropping the stream closes its socket,
    /// and the answer goes on without a listener: [`Client::stop`] ends it.
    pub fn stream(&self, prompt: impl Into<String>) -> AnswerStream {
        self.stream_as(Uuid::new_v4(), prompt)
    }

    /// The same under an id of one's own. An id of a session that exists starts nothing new, and answers with that one.
    pub fn stream_as(&self, session_id: Uuid, prompt: impl Into<String>) -> AnswerStream {
        AnswerStream::spawn(
            self.shared.clone(),
            session_id,
            Begin::Start {
                prompt: prompt.into(),
            },
        )
    }

    /// Listens to a session that was started elsewhere or before, from the beginning of its text.
    pub fn resume(&self, session_id: Uuid) -> AnswerStream {
        AnswerStream::spawn(self.shared.clone(), session_id, Begin::Resume)
    }

    /// Stops a session, wherever it is. Idempotent.
    pub async fn stop(&self, session_id: Uuid) -> Result<(), Error> {
        let variables = stop_stream::Variables {
            session_id: session_id.to_string(),
        };
        let _: stop_stream::ResponseData = self
            .shared
            .caller
            .call(&StopStream::build_query(variables))
            .await?;
        Ok(())
    }

    /// A session as it stands; `None` if there is none.
    pub async fn get(&self, session_id: Uuid) -> Result<Option<Snapshot>, Error> {
        self.shared.get(session_id).await
    }
}

impl Shared {
    pub(crate) async fn start(&self, session_id: Uuid, prompt: String) -> Result<(), Error> {
        let variables = start_stream::Variables {
            prompt,
            session_id: Some(session_id.to_string()),
        };
        let _: start_stream::ResponseData = self
            .caller
            .call(&StartStream::build_query(variables))
            .await?;
        Ok(())
    }

    pub(crate) async fn get(&self, session_id: Uuid) -> Result<Option<Snapshot>, Error> {
        let variables = get_stream::Variables {
            session_id: session_id.to_string(),
        };
        let data: get_stream::ResponseData =
            self.caller.call(&GetStream::build_query(variables)).await?;
        Ok(data.get_stream.map(Snapshot::from))
    }
}

/// Makes a [`Client`].
#[must_use]
pub struct ClientBuilder {
    api_url: String,
    credentials: Option<Credentials>,
    extra_ca_pem: Option<Vec<u8>>,
    timeouts: Timeouts,
}

impl ClientBuilder {
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Trusts these authorities beside the public ones, such as a local stack's.
    pub fn extra_ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.extra_ca_pem = Some(pem.into());
        self
    }

    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    pub fn build(self) -> Result<Client, Error> {
        let Self {
            api_url,
            credentials,
            extra_ca_pem,
            timeouts,
        } = self;
        let parsed = Url::parse(&api_url).map_err(|_| Error::Config {
            name: "api_url",
            value: api_url,
            expected: "a URL, such as https://ID.appsync-api.REGION.amazonaws.com/graphql",
        })?;
        let endpoint = Endpoint::new(&parsed)?;
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
        let http = tls::http_client(tls.clone(), timeouts.connect, is_loopback(&parsed))?;
        let caller = Caller {
            http,
            api_url: parsed,
            tokens: TokenProvider::new(credentials),
            timeout: timeouts.call,
        };
        let setup = Setup {
            endpoint,
            tls: Arc::new(tls),
            timeouts,
        };
        Ok(Client {
            shared: Arc::new(Shared { caller, setup }),
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
