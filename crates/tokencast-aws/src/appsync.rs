//! The sink: one `publishToken` mutation an event, signed with SigV4, over kept-alive connections.

use std::io::Write as _;
use std::time::Duration;

use aws_config::SdkConfig;
use http::StatusCode;
use serde::Deserialize;
use thiserror::Error;
use tokencast_core::backoff::Backoff;
use tokencast_core::event::TokenEvent;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::ports::{Clock, Fence, TokenSink};
use tracing::debug;

mod answer;
mod connection;
mod credentials;
mod endpoint;
mod mutation;
mod sign;

use connection::{ConnectionError, Connections};
use credentials::{Credentials, CredentialsError};
use endpoint::Endpoint;
use mutation::Mutation;
use sign::{BodyHash, SignError, Signer};

use crate::clock::SystemClock;
use crate::tls::Trust;

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
    connections: Connections,
    mutation: Mutation,
    signer: Signer,
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
    #[error(
        "the API's URL cannot be signed: expected one of http or https with a plain path and no query"
    )]
    Url,
}

/// Why one try failed.
#[derive(Debug, Error)]
enum PublishError {
    #[error("no credentials to sign with")]
    Credentials(#[from] CredentialsError),
    #[error("the request could not be signed")]
    Sign(#[from] SignError),
    #[error("no answer")]
    Connection(#[from] ConnectionError),
    #[error("no answer in time")]
    Timeout,
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
        Self::trusting(&Trust::default(), sdk, url, clock)
    }

    /// The same, with the certificate authorities to trust.
    pub fn trusting(
        trust: &Trust,
        sdk: &SdkConfig,
        url: &str,
        clock: C,
    ) -> Result<Self, SetupError> {
        let provider = sdk
            .credentials_provider()
            .ok_or(SetupError::NoCredentials)?;
        let region = sdk.region().ok_or(SetupError::NoRegion)?.to_string();
        let endpoint = Endpoint::parse(url).ok_or(SetupError::Url)?;
        Ok(Self {
            connections: Connections::new(endpoint, trust),
            mutation: Mutation::new(),
            signer: Signer::new(region),
            credentials: Credentials::new(provider),
            clock,
        })
    }

    /// Connects already, so that the first event need not wait for it: two round trips, and some work for TLS. Where that
    /// fails, the first event will see it.
    pub async fn connect_ahead(&self) {
        if let Err(error) = self.connections.connect_ahead().await {
            debug!(
                error = &error as &dyn std::error::Error,
                "not connected ahead"
            );
        }
    }

    /// Writes the signed request that carries `event`, as it would be sent now, behind what is there.
    pub async fn write_request(
        &self,
        request: &mut Vec<u8>,
        event: &TokenEvent,
    ) -> Result<(), Failure> {
        let (body, hash) = self.mutation.body(event);
        let written = self.write(request, &body, &hash).await;
        written.map_err(|_| failed("The request could not be signed."))
    }

    async fn write(
        &self,
        request: &mut Vec<u8>,
        body: &[u8],
        hash: &BodyHash,
    ) -> Result<(), PublishError> {
        // Signatures and credentials are judged by the real time, even where a stack has moved its clock.
        let credentials = self.credentials.get(&SystemClock).await?;
        let endpoint = self.connections.endpoint();
        for part in [
            "POST ",
            endpoint.path(),
            " HTTP/1.1\r\nhost: ",
            endpoint.authority(),
            "\r\ncontent-type: application/json\r\n",
        ] {
            request.extend_from_slice(part.as_bytes());
        }
        let now_ms = SystemClock.now_ms();
        self.signer
            .write_headers(request, endpoint, hash, &credentials, now_ms)?;
        // Into memory, which has no errors.
        let _ = write!(request, "content-length: {}\r\n\r\n", body.len());
        request.extend_from_slice(body);
        Ok(())
    }

    async fn send(&self, body: &[u8], hash: &BodyHash) -> Result<(), PublishError> {
        let mut connection = self.connections.take().await?;
        self.write(&mut connection.request, body, hash).await?;
        let answered = self.connections.exchange(connection, |status, answer| {
            if status == StatusCode::OK {
                accepted(answer)
            } else {
                Err(PublishError::Status(status))
            }
        });
        answered.await?
    }
}

impl<C: Clock> TokenSink for AppSyncPublisher<C> {
    async fn publish(
        &self,
        event: &TokenEvent,
        fence: &Fence,
        give_up_at_ms: i64,
    ) -> Result<(), Failure> {
        let (body, hash) = self.mutation.body(event);
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
            let patience = TRY_TIMEOUT.min(Duration::from_millis(left_ms));
            let error = match tokio::time::timeout(patience, self.send(&body, &hash)).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                Err(_) => PublishError::Timeout,
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
            Self::Credentials(_) | Self::Connection(_) | Self::Timeout => Verdict::Again,
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
    const ERRORS: &[u8] = b"\"errors\"";
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
    // The usual case, without a parser: were there errors, their name would be there as it stands.
    let body = body.trim_ascii();
    let is_object = body.starts_with(b"{") && body.ends_with(b"}");
    if is_object && !body.windows(ERRORS.len()).any(|window| window == ERRORS) {
        return Ok(());
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
                r#"{"data":{"publishToken":{"token":"\"errors\": [1]"}}}"#,
                "Ok(())",
            ),
            (r#"{"data":{"publishToken":{"token":"errors"}}}"#, "Ok(())"),
            (
                "\n{\"data\": null, \"errors\" : [{\"errorType\":\"Unauthorized\"}] }\n",
                "Err(Never)",
            ),
            ("{\"data\":", "Err(Doubtful)"),
            ("", "Err(Doubtful)"),
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
