//! Starts SQS on a port of its own, for tests.

#![expect(
    clippy::missing_panics_doc,
    reason = "a test ends in a panic where something is wrong"
)]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_sqs::config::{BehaviorVersion, Region};
use axum::Router;
use local_kit::clock::Clock;

use local_kit::endpoints::Endpoints;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::Sqs;
use crate::config::{QueueConfig, RedrivePolicy};

/// A listener that isn't served yet, and the endpoints of its port.
pub async fn endpoints() -> (TcpListener, Endpoints) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let address: SocketAddr = listener.local_addr().expect("an address");
    let endpoints = Endpoints {
        address,
        region: "us-east-1".to_owned(),
        account_id: "000000000000".to_owned(),
        api_id: "local".to_owned(),
    };
    (listener, endpoints)
}

/// `jobs`, with `dead` as its dead-letter queue after two receives.
pub fn queues() -> Vec<QueueConfig> {
    let queue = |name: &str, redrive| QueueConfig {
        name: name.to_owned(),
        visibility_timeout: Duration::from_secs(30),
        retention: Duration::from_hours(96),
        receive_wait: Duration::ZERO,
        redrive,
    };
    let redrive = RedrivePolicy {
        dead_letter_queue: "dead".to_owned(),
        max_receive_count: 2.try_into().expect("not zero"),
    };
    vec![queue("jobs", Some(redrive)), queue("dead", None)]
}

/// AWS's SQS client, over plain HTTP.
pub fn client(endpoints: &Endpoints) -> aws_sdk_sqs::Client {
    let credentials = Credentials::new("AKIATEST", "secret", None, None, "test");
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(endpoints.region.clone()))
        .endpoint_url(endpoints.url())
        .credentials_provider(credentials)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

pub fn serve(listener: TcpListener, router: Router) -> JoinHandle<()> {
    tokio::spawn(async move {
        axum::serve(listener, router)
            .await
            .expect("serves until it is aborted");
    })
}

pub fn sqs(endpoints: &Endpoints, clock: &Clock, state: Option<&Path>) -> Sqs {
    Sqs::new(&queues(), endpoints.clone(), clock.clone(), state).expect("a valid configuration")
}

/// The numbers of visible, in-flight and delayed messages that the API reports.
pub async fn counts(client: &aws_sdk_sqs::Client, queue_url: &str) -> [u32; 3] {
    use aws_sdk_sqs::types::QueueAttributeName as Name;
    let answer = client
        .get_queue_attributes()
        .queue_url(queue_url)
        .attribute_names(Name::All)
        .send()
        .await;
    let answer = answer.expect("attributes");
    let attributes = answer.attributes().expect("some");
    [
        Name::ApproximateNumberOfMessages,
        Name::ApproximateNumberOfMessagesNotVisible,
        Name::ApproximateNumberOfMessagesDelayed,
    ]
    .map(|name| attributes[&name].parse().expect("a number"))
}

/// A plain HTTP client. `reqwest` needs a cryptography provider even for that.
pub fn http() -> reqwest::Client {
    // Another test may have installed a provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
