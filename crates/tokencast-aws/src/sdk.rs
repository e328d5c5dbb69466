//! The AWS SDK's settings: one TLS stack, `AWS_ENDPOINT_URL` honoured, time-outs that fit a stream.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use crate::tls::Trust;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The longest that one try of a short call, to DynamoDB or SQS, may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// How many calls a process makes at a time to DynamoDB, and to SQS. Each has a connection of its own, of some 25 KB, and the
/// SDK's work on it: those of a large batch would all begin at once, and be done later than in turns.
/// `cargo xtask bench streams` shows what a batch takes.
pub const MAX_CALLS: usize = 4;

/// The settings of the environment: region, credentials, endpoints.
pub async fn load() -> SdkConfig {
    load_trusting(&Trust::default()).await
}

/// The same, with the certificate authorities to trust.
pub fn load_trusting(trust: &Trust) -> impl Future<Output = SdkConfig> + Send + use<> {
    loader(trust).load()
}

/// The settings for one endpoint that answers for all services, and asks for no credentials in particular.
pub async fn load_for_endpoint(url: &str, region: &str) -> SdkConfig {
    let key = ("local".to_owned(), "local".to_owned());
    load_for_endpoint_as(url, region, Some(key)).await
}

/// The settings for one endpoint that answers for all services. `key`: the id and the secret of an access key; `None`: the
/// environment's.
pub async fn load_for_endpoint_as(
    url: &str,
    region: &str,
    key: Option<(String, String)>,
) -> SdkConfig {
    let region = Region::new(region.to_owned());
    let loader = loader(&Trust::default()).endpoint_url(url).region(region);
    match key {
        Some((id, secret)) => {
            let credentials = Credentials::new(id, secret, None, None, "local");
            loader.credentials_provider(credentials).load().await
        }
        None => loader.load().await,
    }
}

fn loader(trust: &Trust) -> ConfigLoader {
    let http_client =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let http_client = match trust.sdk_context() {
        Some(context) => http_client.tls_context(context),
        None => http_client,
    }
    .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    // The SDK's first wait is a second, an age beside a token.
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(50));
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client)
        .timeout_config(timeouts)
        .retry_config(retries)
}

/// For Bedrock: no limit on a stream's time, which the pipeline watches, and no tries behind the worker's back.
pub(crate) fn for_streams(config: &SdkConfig) -> SdkConfig {
    config
        .to_builder()
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .build(),
        )
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}
