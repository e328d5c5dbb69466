//! Posts to API Gateway's connections. Each post goes out as a WebSocket frame.

use std::error::Error as StdError;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::config::Builder;
use aws_sdk_apigatewaymanagement::error::SdkError;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use bytes::Bytes;
use thiserror::Error;
use tokencast_core::backoff::Backoff;
use tokencast_core::ports::Clock;
use tokencast_core::retry::{Retry, RetryPolicy, retry};
use tokencast_core::time::Deadline;
use tracing::debug;

/// API Gateway also refuses posts for a while if the client reads slowly.
pub(super) const POLICY: RetryPolicy = RetryPolicy::unlimited(Backoff {
    first: Duration::from_millis(50),
    cap: Duration::from_secs(2),
});

/// The timeout of one try. API Gateway answers in some 20 ms.
const TRY_TIMEOUT: Duration = Duration::from_secs(5);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Posts to the connections of one stage.
#[derive(Clone, Debug)]
pub struct Gateway {
    client: Client,
}

/// Why a post failed.
#[derive(Debug, Error)]
pub enum PostError {
    #[error("the connection is gone")]
    Gone,
    #[error("the connection takes nothing of us")]
    Refused(#[source] Box<dyn StdError + Send + Sync>),
    #[error("no acceptance")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
}

impl PostError {
    /// The error of a response with this status; `None` if there was no response.
    fn of(status: Option<u16>, source: Box<dyn StdError + Send + Sync>) -> Self {
        match status {
            Some(410) => Self::Gone,
            // 429 also says that the client reads too slowly.
            None | Some(408 | 429 | 500..) => Self::Unavailable(source),
            Some(_) => Self::Refused(source),
        }
    }

    pub fn retry(&self) -> Retry {
        match self {
            Self::Unavailable(_) => Retry::Always,
            Self::Gone | Self::Refused(_) => Retry::Never,
        }
    }
}

impl Gateway {
    /// `callback_url` is the stage's, as `https://ID.execute-api.REGION.amazonaws.com/STAGE`.
    pub fn new(sdk: &SdkConfig, callback_url: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(TRY_TIMEOUT);
        // The SDK does not try again, because the fence must be looked at before each try.
        let config = Builder::from(sdk)
            .endpoint_url(callback_url.trim_end_matches('/'))
            .timeout_config(timeouts.build())
            .retry_config(RetryConfig::disabled());
        Self {
            client: Client::from_conf(config.build()),
        }
    }

    /// Tries once.
    ///
    /// # Errors
    ///
    /// API Gateway did not take the frame.
    pub async fn post(&self, connection_id: &str, frame: Bytes) -> Result<(), PostError> {
        let post = self.client.post_to_connection();
        let posted = post
            .connection_id(connection_id)
            .data(Blob::new(frame))
            .send()
            .await;
        let Err(error) = posted else { return Ok(()) };
        if matches!(error, SdkError::ConstructionFailure(_)) {
            // The request could not be made, and so never can.
            return Err(PostError::Refused(error.into()));
        }
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        Err(PostError::of(status, error.into()))
    }

    /// Tries again while that may help, until `deadline`.
    ///
    /// # Errors
    ///
    /// API Gateway did not take the frame: the error of the last try.
    pub async fn push(
        &self,
        connection_id: &str,
        frame: Bytes,
        clock: &impl Clock,
        deadline: Deadline,
    ) -> Result<(), PostError> {
        let pushed = retry(POLICY, clock, deadline, PostError::retry, |failures| {
            self.try_once(connection_id, frame.clone(), failures)
        });
        pushed.await.map_err(|given_up| given_up.error)
    }

    /// [`Self::post`], and a line in the log if it fails and is tried again.
    pub(super) async fn try_once(
        &self,
        connection_id: &str,
        frame: Bytes,
        failures: u32,
    ) -> Result<(), PostError> {
        let posted = self.post(connection_id, frame).await;
        posted.inspect_err(|error| {
            if error.retry() == Retry::Always {
                let error = error as &dyn StdError;
                debug!(failures, error, "not pushed; trying again");
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_to_try_again() {
        for (status, expected, retry) in [
            (None, "no acceptance", Retry::Always),
            (Some(410), "the connection is gone", Retry::Never),
            (
                Some(403),
                "the connection takes nothing of us",
                Retry::Never,
            ),
            (
                Some(400),
                "the connection takes nothing of us",
                Retry::Never,
            ),
            (
                Some(413),
                "the connection takes nothing of us",
                Retry::Never,
            ),
            (Some(429), "no acceptance", Retry::Always),
            (Some(500), "no acceptance", Retry::Always),
            (Some(503), "no acceptance", Retry::Always),
        ] {
            let error = PostError::of(status, "refused".into());
            assert_eq!(error.to_string(), expected, "{status:?}");
            assert_eq!(error.retry(), retry, "{status:?}");
        }
    }
}
