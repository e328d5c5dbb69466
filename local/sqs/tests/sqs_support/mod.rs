//! A stack of one's own for a test: SQS, and whatever else it adds, on a port of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use axum::Router;
use tokencast_local::clock::Clock;
use tokencast_local::config::{QueueConfig, RedrivePolicy};
use tokencast_local::endpoints::Endpoints;
use tokencast_local::iam::Principal;
use tokencast_local::lambda::event_source::sqs_client;
use tokencast_local::sqs::Sqs;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A listener that nobody answers yet, and the names that follow from it.
pub(crate) async fn endpoints() -> (TcpListener, Endpoints) {
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
pub(crate) fn queues() -> Vec<QueueConfig> {
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

pub(crate) fn client(endpoints: &Endpoints) -> aws_sdk_sqs::Client {
    let principal = Principal {
        access_key_id: "AKIATEST".to_owned(),
        secret_access_key: "secret".to_owned(),
        session_token: None,
        account_id: endpoints.account_id.clone(),
        arn: "arn:aws:iam::000000000000:user/test".to_owned(),
        expires_at_ms: None,
        policy: Vec::new(),
    };
    sqs_client(endpoints, &principal)
}

pub(crate) fn serve(listener: TcpListener, router: Router) -> JoinHandle<()> {
    tokio::spawn(async move {
        axum::serve(listener, router)
            .await
            .expect("serves until it is aborted");
    })
}

pub(crate) fn sqs(endpoints: &Endpoints, clock: &Clock, state: Option<&Path>) -> Sqs {
    Sqs::new(&queues(), endpoints.clone(), clock.clone(), state).expect("a valid configuration")
}

/// Visible, in flight and delayed, as the API tells them.
pub(crate) async fn counts(client: &aws_sdk_sqs::Client, queue_url: &str) -> [u32; 3] {
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

/// A plain HTTP client; `reqwest` wants a provider of cryptography even for that.
pub(crate) fn http() -> reqwest::Client {
    // Another test has installed it already: as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
