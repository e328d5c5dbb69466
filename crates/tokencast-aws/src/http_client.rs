//! HTTP beside the AWS SDK: one client for a process, whose connections are kept alive.

use std::time::Duration;

use reqwest::Client;

use crate::sdk::IDLE_CONNECTION_TIMEOUT;
use crate::tls::Trust;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) fn new(trust: &Trust) -> Result<Client, reqwest::Error> {
    Client::builder()
        .tls_backend_preconfigured(trust.client_config())
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

    async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = [0; 1024];
            stream.read(&mut request).await.expect("a request");
            let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
            stream.write_all(answer).await.expect("answered");
            stream.shutdown().await.expect("closed");
        }
    }

    #[tokio::test]
    async fn a_bundle_takes_the_place_of_the_public_authorities() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a certificate");
        let listener = TcpListener::bind(("localhost", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(server))));
        let url = format!("https://localhost:{port}/");
        for (trust, admitted) in [
            (Trust::default(), false),
            (Trust::of_pem(made.cert.pem()), true),
        ] {
            let client = new(&trust).expect("a client");
            let answer = client.get(&url).send().await;
            assert_eq!(answer.is_ok(), admitted, "{answer:?}");
        }
    }
}
