//! The sink: one `publishToken` mutation an event, signed with SigV4, over kept-alive connections.

use std::time::Duration;

use aws_config::SdkConfig;
use bytes::Bytes;
use http::{Method, StatusCode};
use reqwest::{Client, Url};
use serde::Deserialize;
use thiserror::Error;
use tokencast_core::backoff::Backoff;
use tokencast_core::event::TokenEvent;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::ports::{Clock, Fence, TokenSink};
use tracing::debug;

mod credentials;
mod mutation;
mod sign;

use credentials::{Credentials, CredentialsError};

/// Between tries; AppSync's throttling passes within a second.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(50),
    cap: Duration::from_secs(2),
};

/// One try: AppSync answers a mutation without a Lambda in some 20 ms.
const TRY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one event is tried, within the deadline.
const BUDGET_MS: i64 = 30_000;

/// How often a refusal is tried again that is most likely final.
const MAX_REFUSALS: u32 = 3;

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
    #[error("the API's URL is malformed")]
    Url,
    #[error("the HTTP client could not be made")]
    Client(#[source] reqwest::Error),
}

/// Why one try failed.
#[derive(Debug, Error)]
enum PublishError {
    #[error("no credentials to sign with")]
    Credentials(#[from] CredentialsError),
    #[error("the request could not be signed")]
    Sign(#[from] sign::SignError),
    #[error("no answer")]
    Send(#[from] reqwest::Error),
    #[error("answered with status {0}")]
    Status(StatusCode),
    #[error("refused with `{error_type}`")]
    Refused { error_type: String },
    #[error("the answer is not GraphQL")]
    NotGraphql(#[source] serde_json::Error),
}

/// What a failed try says about the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It may pass.
    Again,
    /// It is unlikely to pass.
    Doubtful,
    /// The same request can only fail.
    Never,
}

impl<C: Clock> AppSyncPublisher<C> {
    /// Connects on the first event. The credentials and the region are those of the environment.
    pub fn new(sdk: &SdkConfig, url: &str, clock: C) -> Result<Self, SetupError> {
        let provider = sdk
            .credentials_provider()
            .ok_or(SetupError::NoCredentials)?;
        let region = sdk.region().ok_or(SetupError::NoRegion)?.to_string();
        let client = crate::http_client::new().map_err(SetupError::Client)?;
        let url = Url::parse(url).map_err(|_| SetupError::Url)?;
        Ok(Self {
            client,
            url,
            region,
            credentials: Credentials::new(provider),
            clock,
        })
    }

    async fn send(&self, body: &Bytes, timeout: Duration) -> Result<(), PublishError> {
        let credentials = self.credentials.get(&self.clock).await?;
        let now = crate::clock::system_time(self.clock.now_ms());
        let mut request = reqwest::Request::new(Method::POST, self.url.clone());
        *request.headers_mut() =
            sign::headers(self.url.as_str(), body, &self.region, credentials, now)?;
        *request.body_mut() = Some(body.clone().into());
        *request.timeout_mut() = Some(timeout);
        let response = self.client.execute(request).await?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(PublishError::Status(status));
        }
        accepted(&response.bytes().await?)
    }
}

impl<C: Clock> TokenSink for AppSyncPublisher<C> {
    async fn publish(
        &self,
        event: &TokenEvent,
        fence: &Fence,
        give_up_at_ms: i64,
    ) -> Result<(), Failure> {
        let body = Bytes::from(mutation::body(event));
        let give_up_at_ms = give_up_at_ms.min(self.clock.now_ms() + BUDGET_MS);
        let mut doubts = 0;
        for failures in 1.. {
            // Looked at before each try, for the process may have been paused since the last.
            if !fence.holds(self.clock.now_ms()) {
                return Err(failed("The answer was taken over by another worker."));
            }
            let left_ms = u64::try_from(give_up_at_ms - self.clock.now_ms())
                .unwrap_or(0)
                .max(1);
            let error = match self
                .send(&body, TRY_TIMEOUT.min(Duration::from_millis(left_ms)))
                .await
            {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let verdict = error.verdict();
            debug!(session = %event.session_id, failures, ?verdict, error = &error as &dyn std::error::Error, "publish failed");
            doubts += u32::from(verdict == Verdict::Doubtful);
            let delay = BACKOFF.delay(failures);
            let late = self.clock.now_ms() + i64::try_from(delay.as_millis()).unwrap_or(i64::MAX)
                >= give_up_at_ms;
            if verdict == Verdict::Never || doubts > MAX_REFUSALS || late {
                tracing::warn!(session = %event.session_id, failures, error = &error as &dyn std::error::Error, "publish given up");
                return Err(failed("The answer could not be delivered."));
            }
            tokio::time::sleep(delay).await;
        }
        unreachable!("the loop above only ends by returning")
    }
}

impl PublishError {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Credentials(_) | Self::Send(_) => Verdict::Again,
            Self::Status(status)
                if status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS =>
            {
                Verdict::Again
            }
            Self::Status(StatusCode::REQUEST_TIMEOUT) => Verdict::Again,
            // Expired or rotated credentials are refused so, too; the next try signs with those of then.
            Self::Status(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Verdict::Doubtful,
            Self::Refused { error_type } if error_type.starts_with("Unauthorized") => {
                Verdict::Never
            }
            Self::Refused { .. } | Self::NotGraphql(_) => Verdict::Doubtful,
            Self::Sign(_) | Self::Status(_) => Verdict::Never,
        }
    }
}

/// Reads an answer: HTTP 200 says nothing, `errors` does.
fn accepted(body: &[u8]) -> Result<(), PublishError> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        errors: Option<Vec<GraphqlError>>,
    }
    #[derive(Deserialize)]
    struct GraphqlError {
        #[serde(default, rename = "errorType")]
        error_type: Option<String>,
    }
    let answer: Answer = serde_json::from_slice(body).map_err(PublishError::NotGraphql)?;
    match answer.errors.unwrap_or_default().into_iter().next() {
        None => Ok(()),
        Some(error) => Err(PublishError::Refused {
            error_type: error.error_type.unwrap_or_else(|| "unknown".to_owned()),
        }),
    }
}

fn failed(message: &str) -> Failure {
    Failure::new(FailureCode::PublishFailed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_with_errors_is_a_refusal() {
        for (body, expected) in [
            (r#"{"data":{"publishToken":{}}}"#, "Ok(())"),
            (r#"{"data":{"publishToken":{}},"errors":[]}"#, "Ok(())"),
            (r#"{"data":null,"errors":null}"#, "Ok(())"),
            (
                r#"{"data":null,"errors":[{"errorType":"Unauthorized"}]}"#,
                "Err(Never)",
            ),
            (
                r#"{"errors":[{"errorType":"UnauthorizedException"}]}"#,
                "Err(Never)",
            ),
            (
                r#"{"errors":[{"errorType":"InternalFailure"}]}"#,
                "Err(Doubtful)",
            ),
            (r#"{"errors":[{"message":"no type"}]}"#, "Err(Doubtful)"),
            ("<html>", "Err(Doubtful)"),
        ] {
            let verdict = accepted(body.as_bytes()).map_err(|error| error.verdict());
            assert_eq!(format!("{verdict:?}"), expected, "{body}");
        }
    }

    #[test]
    fn a_status_says_whether_to_try_again() {
        for (status, expected) in [
            (429, Verdict::Again),
            (500, Verdict::Again),
            (503, Verdict::Again),
            (408, Verdict::Again),
            (401, Verdict::Doubtful),
            (403, Verdict::Doubtful),
            (400, Verdict::Never),
            (404, Verdict::Never),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(PublishError::Status(status).verdict(), expected, "{status}");
        }
    }
}
