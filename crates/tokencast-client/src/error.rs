//! Everything that can go wrong between a client and its answer.

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;
use uuid::Uuid;

use crate::cognito::SignInError;
use crate::event::StreamError;

/// Why a call or a stream has failed. [`Error::is_transient`] says whether trying again may help.
#[derive(Debug, Error)]
pub enum Error {
    /// The builder was given something that can't work.
    #[error("`{name}` is `{value}`, expected {expected}")]
    Config {
        /// Of what was given.
        name: &'static str,
        /// What was given.
        value: String,
        /// What was wanted.
        expected: &'static str,
    },
    /// An authority can't be read, or the machine's TLS can't be used.
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Cognito gave no token.
    #[error("sign-in failed")]
    SignIn(#[from] SignInError),
    /// The API refused the caller, or the caller doesn't own the session.
    #[error("not authorized: {message}")]
    Unauthorized {
        /// The API's own words.
        message: String,
    },
    /// The API answered with a GraphQL error.
    #[error("{error_type}: {message}")]
    Graphql {
        /// AppSync's `errorType`, or the code of a failure.
        error_type: String,
        /// The API's own words.
        message: String,
    },
    /// The API refused the request, over a channel that isn't GraphQL.
    #[error("{code}: {message}")]
    Refused {
        /// Of the closed set of failure codes.
        code: String,
        /// The API's own words.
        message: String,
        /// Whether the same may well succeed if it is sent again.
        retryable: bool,
    },
    /// A quota of the caller's does not allow the start now.
    #[error("{message}")]
    QuotaExceeded {
        /// `startsPerMinute`, `startsPerDay`, `tokensPerDay` or `sessionsAtOnce`.
        limit: Option<String>,
        /// When a start may succeed again: ISO 8601, UTC.
        resets_at: Option<String>,
        /// The API's own words.
        message: String,
    },
    /// The API answered with a status, and without words that could be read.
    #[error("the API answered HTTP {status}")]
    Http {
        /// The status.
        status: u16,
    },
    /// There was no response, or it broke off.
    #[error("the request to the API failed")]
    Request(#[source] reqwest::Error),
    /// A WebSocket can't be opened.
    #[error("cannot connect to the real-time endpoint")]
    Connect(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    /// A WebSocket broke.
    #[error("the real-time connection broke")]
    Socket(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    /// A WebSocket was closed, or a response ended.
    #[error("the real-time connection was closed")]
    Closed,
    /// A response ended in the midst of its events.
    #[error("the event stream broke")]
    Broken(#[source] reqwest::Error),
    /// Events were left out, so that they have to be asked for again.
    #[error("events are missing")]
    Missing,
    /// The API refused or ended the subscription.
    #[error("the subscription was refused: {error_type}: {message}")]
    Subscription {
        /// AppSync's `errorType`.
        error_type: String,
        /// The API's own words.
        message: String,
    },
    /// Something took longer than its bound in [`Timeouts`](crate::Timeouts).
    #[error("no {what} within {} ms", after.as_millis())]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// For how long.
        after: Duration,
    },
    /// An answer that the protocol doesn't know.
    #[error("the API's answer makes no sense: {0}")]
    Protocol(String),
    /// There is no such session, or no longer.
    #[error("there is no session {session_id}")]
    NotFound {
        /// The session that was asked for.
        session_id: Uuid,
    },
    /// The API accepted the start, and says afterwards that nobody has started the session.
    #[error(
        "the start of session {session_id} was accepted, but nothing of it is left: send the prompt again"
    )]
    StartLost {
        /// The session that was started.
        session_id: Uuid,
    },
    /// The wall clock went on while the machine's own stood still: connections from before are dead.
    #[error("the machine was asleep")]
    Slept,
    /// The connection was lost and didn't come back in time.
    #[error("gave up reconnecting after {} s", after.as_secs())]
    GaveUp {
        /// How long it was tried.
        after: Duration,
        /// Why the last try failed.
        #[source]
        last: Box<Error>,
    },
}

impl Error {
    /// Whether trying the same again may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Http { status } => *status == 429 || *status >= 500,
            Self::Request(error) => !error.is_builder(),
            Self::Connect(error) => connect_is_transient(error),
            Self::Refused { retryable, .. } => *retryable,
            Self::Socket(_)
            | Self::Closed
            | Self::Slept
            | Self::Broken(_)
            | Self::Missing
            | Self::Timeout { .. } => true,
            Self::SignIn(error) => error.is_transient(),
            Self::Subscription { error_type, .. } | Self::Graphql { error_type, .. } => {
                is_transient_type(error_type)
            }
            Self::Config { .. }
            | Self::Tls(_)
            | Self::Unauthorized { .. }
            | Self::QuotaExceeded { .. }
            | Self::Protocol(_)
            | Self::NotFound { .. }
            | Self::StartLost { .. }
            | Self::GaveUp { .. } => false,
        }
    }

    /// Whether nothing of a request can have reached the API.
    pub(crate) fn is_unreached(&self) -> bool {
        use tokio_tungstenite::tungstenite::Error as Ws;
        match self {
            Self::Request(error) => error.is_connect(),
            Self::Connect(error) => !matches!(**error, Ws::Http(_)),
            Self::SignIn(_) => true,
            _ => false,
        }
    }
}

/// What a refusal over a channel that isn't GraphQL says.
#[derive(Debug, Deserialize)]
pub(crate) struct Refusal {
    #[serde(flatten)]
    pub(crate) error: StreamError,
    #[serde(flatten)]
    info: RefusalInfo,
}

/// What a refusal says of a quota: GraphQL's `errorInfo`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RefusalInfo {
    #[serde(default)]
    limit: Option<String>,
    #[serde(default)]
    resets_at: Option<String>,
}

impl RefusalInfo {
    /// The error of a quota that is exceeded.
    pub(crate) fn exceeded(self, message: String) -> Error {
        Error::QuotaExceeded {
            limit: self.limit,
            resets_at: self.resets_at,
            message,
        }
    }
}

/// The code of a start that a quota refuses.
pub(crate) const QUOTA_EXCEEDED: &str = "QUOTA_EXCEEDED";

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let Refusal { error, info } = refusal;
        if error.code == QUOTA_EXCEEDED {
            return info.exceeded(error.message);
        }
        error.into()
    }
}

impl From<StreamError> for Error {
    fn from(error: StreamError) -> Self {
        let StreamError {
            code,
            message,
            retryable,
        } = error;
        if is_unauthorized(&code) {
            return Self::Unauthorized { message };
        }
        Self::Refused {
            code,
            message,
            retryable,
        }
    }
}

/// A handshake that was answered with a client error won't be answered otherwise later.
fn connect_is_transient(error: &tokio_tungstenite::tungstenite::Error) -> bool {
    use tokio_tungstenite::tungstenite::Error as Ws;
    match error {
        Ws::Http(response) => {
            response.status().as_u16() == 429 || response.status().is_server_error()
        }
        Ws::Io(_) | Ws::ConnectionClosed | Ws::AlreadyClosed | Ws::Protocol(_) => true,
        _ => false,
    }
}

/// How AppSync names the failures of a resolver's function: unhandled, timed out, or ended by its runtime.
const FUNCTION_FAILURES: [&str; 3] = ["Lambda:", "Sandbox.", "Runtime."];

/// Passing troubles of AppSync's: quotas, and a resolver's function that was throttled, timed out or broke. And our own
/// codes that are `retryable`, such as the function's `INTERNAL` when its table or queue doesn't answer.
fn is_transient_type(error_type: &str) -> bool {
    let name = error_type.rsplit('#').next().unwrap_or(error_type);
    FUNCTION_FAILURES
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || matches!(
            name,
            "MaxSubscriptionsReachedError"
                | "LimitExceededError"
                | "LimitExceededException"
                | "ThrottlingException"
                | "TooManyRequestsException"
                | "ExecutionTimeout"
                | "InternalFailure"
                | "InternalFailureException"
                | "INTERNAL"
                | "THROTTLED"
                | "MODEL_ERROR"
                | "MODEL_STALLED"
                | "PUBLISH_FAILED"
        )
}

/// Whether AppSync's `errorType` says that the caller may not.
pub(crate) fn is_unauthorized(error_type: &str) -> bool {
    let name = error_type.rsplit('#').next().unwrap_or(error_type);
    matches!(
        name,
        "Unauthorized" | "UnauthorizedException" | "UNAUTHORIZED" | "AccessDeniedException"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_type_says_whether_trying_again_may_help() {
        for (error_type, transient) in [
            ("Lambda:Unhandled", true),
            ("Lambda:IllegalArgument", true),
            ("Sandbox.Timedout", true),
            ("Runtime.ExitError", true),
            (
                "com.amazonaws.deepdish.graphql#LimitExceededException",
                true,
            ),
            ("ThrottlingException", true),
            ("INTERNAL", true),
            ("THROTTLED", true),
            ("MODEL_ERROR", true),
            ("MODEL_STALLED", true),
            ("PUBLISH_FAILED", true),
            ("DEADLINE", false),
            ("INVALID_PROMPT", false),
            ("UnsupportedOperation", false),
            ("SandboxTimedout", false),
        ] {
            let error = Error::Graphql {
                error_type: error_type.into(),
                message: String::new(),
            };
            assert_eq!(error.is_transient(), transient, "{error_type}");
        }
    }
}
