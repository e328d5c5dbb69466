//! The AWS SDK's settings: one TLS stack, `AWS_ENDPOINT_URL` honoured, time-outs that fit a stream.

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_credential_types::Credentials;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use crate::tls::CaBundle;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The longest that one try of a short call, to DynamoDB or SQS, may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an idle connection is kept. AWS, and a NAT gateway on the way to it, keep it longer, and most pauses are
/// longer after which Lambda wakes a frozen process. So no call finds a dead connection, and notices it only by its
/// time-out.
pub(crate) const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);

/// How many calls a process makes at a time to DynamoDB, and to SQS. Each call has a connection, of some 25 KB, and
/// costs the SDK's work. If all calls of a large batch began at once, they would end later than in turns. `cargo xtask
/// bench streams` shows what a batch takes.
pub const MAX_CALLS: usize = 4;

/// What AWS said where it refused a call, in place of the SDK's rendering of its own fields. `None` for any other error.
pub fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let said = error.downcast_ref::<aws_sdk_dynamodb::error::ErrorMetadata>()?;
    let words = [said.code(), said.message()];
    let words: Vec<_> = words.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(": "))
}

/// The settings of the environment: region, credentials, endpoints.
pub async fn load() -> SdkConfig {
    load_trusting(&CaBundle::default()).await
}

/// The same, with the certificate authorities to trust.
pub fn load_trusting(ca_bundle: &CaBundle) -> impl Future<Output = SdkConfig> + Send + use<> {
    loader(ca_bundle).load()
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
    let loader = loader(&CaBundle::default())
        .endpoint_url(url)
        .region(region);
    match key {
        Some((id, secret)) => {
            let credentials = Credentials::new(id, secret, None, None, "local");
            loader.credentials_provider(credentials).load().await
        }
        None => loader.load().await,
    }
}

fn loader(ca_bundle: &CaBundle) -> ConfigLoader {
    let http_client = aws_smithy_http_client::Builder::new()
        .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
        .tls_provider(Provider::Rustls(CryptoMode::Ring));
    let http_client = match ca_bundle.sdk_context() {
        Some(context) => http_client.tls_context(context),
        None => http_client,
    }
    .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    // The SDK's own first pause is a second, which is far longer than a token takes.
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(50));
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client)
        .timeout_config(timeouts)
        .retry_config(retries)
}

/// The settings for Bedrock. The pipeline watches a stream's time and the worker tries again, so the SDK does neither.
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::serve::ListenerExt as _;
    use tokio::net::TcpListener;
    use tokio::time;

    use super::*;

    /// The longer an idle connection is kept, the likelier it is that whoever is between has forgotten it.
    #[tokio::test]
    async fn a_connection_that_was_idle_for_half_a_minute_is_not_used_again() {
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let listener = listener.tap_io(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let app = Router::new().fallback(|| async { "{}" });
        tokio::spawn(async move { axum::serve(listener, app).await });
        let sdk = load_for_endpoint(&url, "us-east-1").await;
        let client = aws_sdk_dynamodb::Client::new(&sdk);
        for (idle_seconds, connections) in [(0, 1), (25, 1), (31, 2), (25, 2)] {
            // The clock stands still for no call: it would run ahead to a call's time-outs.
            time::pause();
            time::advance(Duration::from_secs(idle_seconds)).await;
            time::resume();
            client.list_tables().send().await.expect("an answer");
            let found = accepted.load(Ordering::SeqCst);
            assert_eq!(found, connections, "after {idle_seconds} s");
        }
    }
}
