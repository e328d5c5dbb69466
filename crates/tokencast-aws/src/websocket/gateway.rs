//! API Gateway's connections: what is posted to one goes out as a WebSocket frame.

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
use tokencast_core::time::Deadline;
use tracing::debug;

/// Between tries. A connection whose client reads slowly is refused for a while, too.
pub(super) const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(50),
    cap: Duration::from_secs(2),
};

/// One try: API Gateway answers in some 20 ms.
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
    /// Whether another try may pass.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl Gateway {
    /// `callback_url` is the stage's, as `https://ID.execute-api.REGION.amazonaws.com/STAGE`.
    pub fn new(sdk: &SdkConfig, callback_url: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(TRY_TIMEOUT);
        // Tried again here, because it is looked at the fence before each try.
        let config = Builder::from(sdk)
            .endpoint_url(callback_url.trim_end_matches('/'))
            .timeout_config(timeouts.build())
            .retry_config(RetryConfig::disabled());
        Self {
            client: Client::from_conf(config.build()),
        }
    }

    /// Tries once.
    pub async fn post(&self, connection_id: &str, frame: Bytes) -> Result<(), PostError> {
        let post = self.client.post_to_connection();
        let posted = post
            .connection_id(connection_id)
            .data(Blob::new(frame))
            .send()
            .await;
        let Err(error) = posted else { return Ok(()) };
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        let unsent = matches!(error, SdkError::ConstructionFailure(_));
        Err(match verdict(status) {
            Verdict::Gone => PostError::Gone,
            Verdict::Again if !unsent => PostError::Unavailable(error.into()),
            Verdict::Again | Verdict::Never => PostError::Refused(error.into()),
        })
    }

    /// Tries again while that may help, until `deadline`.
    pub async fn push(
        &self,
        connection_id: &str,
        frame: Bytes,
        clock: &impl Clock,
        deadline: Deadline,
    ) -> Result<(), PostError> {
        for failures in 1.. {
            let Err(error) = self.post(connection_id, frame.clone()).await else {
                return Ok(());
            };
            let delay = BACKOFF.delay(failures);
            if !error.may_pass() || deadline.has_passed(clock.now() + delay) {
                return Err(error);
            }
            debug!(
                failures,
                error = &error as &dyn StdError,
                "not pushed; trying again"
            );
            tokio::time::sleep(delay).await;
        }
        unreachable!("the loop above only ends by returning")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Gone,
    Again,
    Never,
}

/// What an answer's status says about the next try; `None` where there was no answer.
fn verdict(status: Option<u16>) -> Verdict {
    match status {
        Some(410) => Verdict::Gone,
        // 429 also says that the client reads too slowly.
        None | Some(408 | 429 | 500..) => Verdict::Again,
        Some(_) => Verdict::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_to_try_again() {
        for (status, expected) in [
            (None, Verdict::Again),
            (Some(410), Verdict::Gone),
            (Some(403), Verdict::Never),
            (Some(400), Verdict::Never),
            (Some(413), Verdict::Never),
            (Some(429), Verdict::Again),
            (Some(500), Verdict::Again),
            (Some(503), Verdict::Again),
        ] {
            assert_eq!(verdict(status), expected, "{status:?}");
        }
    }
}
