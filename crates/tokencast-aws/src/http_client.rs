//! HTTP beside the AWS SDK: one client for a process, which keeps its connections alive.

use std::time::Duration;

use reqwest::Client;

use crate::sdk::IDLE_CONNECTION_TIMEOUT;
use crate::tls::CaBundle;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Makes a client over HTTP/1.1. A request to AppSync or Cognito is small, and a connection carries one at a time
/// without HTTP/2's bookkeeping.
pub(crate) fn new(ca_bundle: &CaBundle) -> Result<Client, reqwest::Error> {
    Client::builder()
        .tls_backend_preconfigured(ca_bundle.client_config())
        .http1_only()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// Answers each request with the number of its connection.
    async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
        for number in 0_u8.. {
            let (stream, _) = listener.accept().await.expect("a connection");
            // A client that does not trust the certificate hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = [0; 1024];
            // Each request is small enough to come in one read.
            while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}");
                stream.write_all(answer.as_bytes()).await.expect("sent");
            }
        }
    }

    async fn ask(client: &Client, port: u16) -> Result<String, reqwest::Error> {
        let url = format!("https://localhost:{port}/");
        client.get(url).send().await?.text().await
    }

    #[tokio::test]
    async fn a_certificate_is_checked_and_its_connection_kept() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a certificate");
        let listener = TcpListener::bind(("localhost", 0)).await.expect("bound");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(server))));

        let stranger = new(&CaBundle::default()).expect("a client");
        let refused = ask(&stranger, port).await.expect_err("refused");
        assert!(refused.is_connect(), "{refused:?}");

        let client = new(&CaBundle::of_pem(made.cert.pem())).expect("a client");
        // The stranger's connection was the first.
        for _ in 0..10 {
            assert_eq!(ask(&client, port).await.expect("answered"), "1");
        }
    }
}
