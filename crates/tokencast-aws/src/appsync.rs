//! The sinks over AppSync: one mutation an event, signed with SigV4, over connections that are kept alive. The events of
//! sessions go by `publishToken`, and the changes of conversations by `publishConversation`.

use std::time::Duration;

use aws_config::SdkConfig;
use bytes::Bytes;
use http::StatusCode;
use reqwest::{Client, Request, Url};
use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;
use tokencast_core::backoff::Backoff;
use tokencast_core::event::{ConversationEvent, TokenEvent};
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::ports::{Clock, ConversationSink, Fence, TokenSink};
use tokencast_core::retry::{GivenUp, Retry, RetryPolicy, retry};
use tokencast_core::time::Deadline;
use tracing::{debug, warn};

mod conversation_mutation;
mod credentials;
mod mutation;
mod request;

use credentials::{Credentials, CredentialsError};
use request::RequestError;

use crate::clock::{SystemClock, system_time};
use crate::http_client;
use crate::tls::CaBundle;

/// AppSync's throttling passes within a second.
const POLICY: RetryPolicy = RetryPolicy {
    backoff: Backoff {
        first: Duration::from_millis(50),
        cap: Duration::from_secs(2),
    },
    // A refusal is most likely final.
    max_limited: 3,
};

/// The timeout of one try. AppSync answers a mutation without a Lambda in some 20 ms.
const TRY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one event is tried at most, within the deadline.
const BUDGET: Duration = Duration::from_secs(30);

/// Publishes to one AppSync API.
#[derive(Debug)]
pub struct AppSyncPublisher<C> {
    client: Client,
    url: Url,
    region: String,
    credentials: Credentials,
    clock: C,
}

/// Why there can be no publisher.
#[derive(Debug, Error)]
pub enum SetupError {
    #[error("no credentials to sign with: expected a role's, in the environment")]
    NoCredentials,
    #[error("no region to sign for: expected `AWS_REGION`")]
    NoRegion,
    #[error("the API's URL is `{url}`, expected one of http or https")]
    Url { url: String },
    #[error("there is no HTTP client")]
    Client(#[from] reqwest::Error),
}

/// Why one try failed.
#[derive(Debug, Error)]
enum PublishError {
    #[error("no credentials to sign with")]
    Credentials(#[from] CredentialsError),
    #[error("the request could not be signed")]
    Request(#[from] RequestError),
    #[error("no answer")]
    Http(#[from] reqwest::Error),
    #[error("no answer in time")]
    Timeout,
    #[error("answered with status {0}")]
    Status(StatusCode),
    #[error("refused with `{error_type}`")]
    Refused { error_type: String },
    #[error("the answer has neither the event nor an error")]
    NoEvent,
    #[error("the answer is not GraphQL")]
    NotGraphql(#[source] serde_json::Error),
    /// The fence has fallen, so nothing was sent.
    #[error("another worker has taken the session over")]
    TakenOver,
}

impl<C: Clock> AppSyncPublisher<C> {
    /// Makes a publisher, which connects on the first event. It signs with the environment's credentials and region.
    ///
    /// # Errors
    ///
    /// The settings have no credentials or region, the URL is malformed, or the process can have no HTTP client.
    pub fn new(sdk: &SdkConfig, url: &str, clock: C) -> Result<Self, SetupError> {
        Self::trusting(&CaBundle::default(), sdk, url, clock)
    }

    /// Does the same, and trusts these certificate authorities.
    ///
    /// # Errors
    ///
    /// As for [`Self::new`].
    pub fn trusting(
        ca_bundle: &CaBundle,
        sdk: &SdkConfig,
        url: &str,
        clock: C,
    ) -> Result<Self, SetupError> {
        let provider = sdk
            .credentials_provider()
            .ok_or(SetupError::NoCredentials)?;
        let region = sdk.region().ok_or(SetupError::NoRegion)?.to_string();
        let parsed = Url::parse(url).ok();
        let parsed = parsed.filter(|url| matches!(url.scheme(), "http" | "https"));
        Ok(Self {
            client: http_client::new(ca_bundle)?,
            url: parsed.ok_or_else(|| SetupError::Url {
                url: url.to_owned(),
            })?,
            region,
            credentials: Credentials::new(provider),
            clock,
        })
    }

    /// The signed request that publishes `event`, as it would be sent now.
    ///
    /// # Errors
    ///
    /// There are no credentials, or the request cannot be signed.
    pub async fn request(&self, event: &TokenEvent) -> Result<Request, Failure> {
        let signed = self.signed(mutation::body(event)).await;
        signed.map_err(|_| failed("The request could not be signed."))
    }

    async fn signed(&self, body: Bytes) -> Result<Request, PublishError> {
        // AWS judges signatures and credentials by the real time, even if a local stack has moved its clock.
        let credentials = self.credentials.get(&SystemClock).await?;
        let now = system_time(SystemClock.now());
        let request = request::signed(&self.url, &self.region, &credentials, body, now);
        Ok(request?)
    }

    async fn send(&self, body: Bytes) -> Result<(), PublishError> {
        let request = self.signed(body).await?;
        let response = self.client.execute(request).await?;
        match response.status() {
            StatusCode::OK => accepted(&response.bytes().await?),
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                // The credentials may have expired or been rotated before their time.
                self.credentials.renew();
                Err(PublishError::Status(status))
            }
            status => Err(PublishError::Status(status)),
        }
    }
}

impl<C: Clock> AppSyncPublisher<C> {
    async fn try_once(
        &self,
        body: Bytes,
        fence: &Fence,
        deadline: Deadline,
        failures: u32,
    ) -> Result<(), PublishError> {
        // The fence is looked at before each try, because the process may have been paused.
        if !fence.holds(self.clock.now()) {
            return Err(PublishError::TakenOver);
        }
        let left = deadline.left(self.clock.now());
        let patience = TRY_TIMEOUT.min(left.max(Duration::from_millis(1)));
        let sent = tokio::time::timeout(patience, self.send(body)).await;
        let sent = sent.unwrap_or(Err(PublishError::Timeout));
        sent.inspect_err(|error| {
            let retry = error.retry();
            debug!(
                failures,
                ?retry,
                error = error as &dyn std::error::Error,
                "publish failed"
            );
        })
    }

    async fn deliver(
        &self,
        body: Bytes,
        fence: &Fence,
        deadline: Deadline,
    ) -> Result<(), GivenUp<PublishError>> {
        let deadline = deadline.min(Deadline::at(self.clock.now() + BUDGET));
        let published = retry(
            POLICY,
            &self.clock,
            deadline,
            PublishError::retry,
            |failures| self.try_once(body.clone(), fence, deadline, failures),
        );
        published.await
    }
}

impl<C: Clock> TokenSink for AppSyncPublisher<C> {
    async fn publish(
        &self,
        event: &TokenEvent,
        fence: &Fence,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        match self.deliver(mutation::body(event), fence, deadline).await {
            Ok(()) => Ok(()),
            Err(GivenUp {
                error: PublishError::TakenOver,
                ..
            }) => Err(failed("The answer was taken over by another worker.")),
            Err(GivenUp {
                error, failures, ..
            }) => {
                warn!(session = %event.session_id, failures, error = &error as &dyn std::error::Error, "publish given up");
                Err(failed("The answer could not be delivered."))
            }
        }
    }
}

impl<C: Clock> ConversationSink for AppSyncPublisher<C> {
    async fn tell(&self, event: &ConversationEvent, deadline: Deadline) -> Result<(), Failure> {
        let body = conversation_mutation::body(event);
        let told = self.deliver(body, &Fence::open(), deadline).await;
        told.map_err(|GivenUp { error, failures, .. }| {
            warn!(conversation = %event.conversation_id, failures, error = &error as &dyn std::error::Error, "publish given up");
            failed("The change could not be told.")
        })
    }
}

impl PublishError {
    fn retry(&self) -> Retry {
        match self {
            Self::Credentials(_) | Self::Http(_) | Self::Timeout => Retry::Always,
            Self::Status(status) if status.is_server_error() => Retry::Always,
            Self::Status(StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) => {
                Retry::Always
            }
            // The next try signs with fresh credentials.
            Self::Status(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Retry::Limited,
            Self::Refused { error_type } if error_type.starts_with("Unauthorized") => Retry::Never,
            Self::Refused { .. } | Self::NoEvent | Self::NotGraphql(_) => Retry::Limited,
            Self::Request(_) | Self::Status(_) | Self::TakenOver => Retry::Never,
        }
    }
}

/// Reads the body of a response with status 200. The status alone says nothing: the event went to the subscribers only
/// if the body has it, and no errors.
fn accepted(body: &[u8]) -> Result<(), PublishError> {
    #[derive(Deserialize)]
    struct Response {
        data: Option<Data>,
        #[serde(default)]
        errors: Option<Vec<GraphqlError>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        publish_token: Option<IgnoredAny>,
        publish_conversation: Option<IgnoredAny>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct GraphqlError {
        error_type: Option<String>,
    }
    let response: Response = serde_json::from_slice(body).map_err(PublishError::NotGraphql)?;
    if let Some(error) = response.errors.unwrap_or_default().into_iter().next() {
        let error_type = error.error_type.unwrap_or_else(|| "unknown".to_owned());
        return Err(PublishError::Refused { error_type });
    }
    // A request has one mutation, so its answer has one of the two.
    let data = response.data;
    let event = data.and_then(|data| data.publish_token.or(data.publish_conversation));
    event.map(|_| ()).ok_or(PublishError::NoEvent)
}

fn failed(message: &str) -> Failure {
    Failure::new(FailureCode::PublishFailed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_with_the_event_is_a_success() {
        for (body, expected) in [
            (r#"{"data":{"publishToken":{}}}"#, "Ok(())"),
            (r#"{"data":{"publishToken":{}},"errors":[]}"#, "Ok(())"),
            (r#"{"data":{"publishConversation":{}}}"#, "Ok(())"),
            (r#"{"data":{"publishConversation":null}}"#, "Err(Limited)"),
            (r#"{"data":{"publishToken":{}},"errors":null}"#, "Ok(())"),
            (r#"{"data":{"publishToken":{"token":"errors"}}}"#, "Ok(())"),
            (r#"{"data":null,"errors":null}"#, "Err(Limited)"),
            (r#"{"data":{"publishToken":null}}"#, "Err(Limited)"),
            (r#"{"data":{}}"#, "Err(Limited)"),
            (r#"{"data":{"other":{}}}"#, "Err(Limited)"),
            ("{}", "Err(Limited)"),
            ("{\"data\":", "Err(Limited)"),
            ("", "Err(Limited)"),
            ("<html>", "Err(Limited)"),
            (
                "\n{\"data\": null, \"errors\" : [{\"errorType\":\"Unauthorized\"}] }\n",
                "Err(Never)",
            ),
            (
                r#"{"errors":[{"errorType":"UnauthorizedException"}]}"#,
                "Err(Never)",
            ),
            (
                r#"{"data":{"publishToken":{}},"errors":[{"errorType":"InternalFailure"}]}"#,
                "Err(Limited)",
            ),
            (r#"{"errors":[{"message":"no type"}]}"#, "Err(Limited)"),
        ] {
            let accepted = accepted(body.as_bytes()).map_err(|error| error.retry());
            assert_eq!(format!("{accepted:?}"), expected, "{body}");
        }
    }

    #[test]
    fn a_status_says_whether_to_try_again() {
        for (status, expected) in [
            (429, Retry::Always),
            (500, Retry::Always),
            (503, Retry::Always),
            (408, Retry::Always),
            (401, Retry::Limited),
            (403, Retry::Limited),
            (400, Retry::Never),
            (404, Retry::Never),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(PublishError::Status(status).retry(), expected, "{status}");
        }
    }
}
