//! HTTP beside the AWS SDK: one client for a process, whose connections are kept alive.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Shorter than AWS keeps an idle connection, so that a frozen function does not wake up to a dead one.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) fn new() -> Result<Client, reqwest::Error> {
    let roots = webpki_roots::TLS_SERVER_ROOTS.to_vec();
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .expect("ring supports TLS 1.2 and 1.3")
    .with_root_certificates(rustls::RootCertStore { roots })
    .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
}
