//! `https` and `wss`, with an authority of one's own.

use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use tokencast_client::{Client, Credentials, Error};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::rest;
use client_fakes::{FakeApi, completed, fast};

/// Ends TLS in front of `target`. Returns its port and its certificate, in PEM.
async fn tls_in_front_of(target: String) -> (u16, String) {
    let certified =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .expect("a certificate and its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, target) = (acceptor.clone(), target.clone());
            tokio::spawn(async move {
                // A client that doesn't trust the certificate hangs up here.
                let Ok(mut client) = acceptor.accept(socket).await else {
                    return;
                };
                let mut server = TcpStream::connect(target)
                    .await
                    .expect("the server is there");
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (port, certified.cert.pem())
}

#[tokio::test]
async fn a_trusted_authority_is_enough_and_an_unknown_one_is_not() {
    let mut api = FakeApi::start().await;
    let target = api.url.replace("http://", "").replace("/graphql", "");
    let (port, ca_pem) = tls_in_front_of(target).await;
    let builder = || {
        let timeouts = tokencast_client::Timeouts {
            first_connection: std::time::Duration::ZERO,
            ..fast()
        };
        Client::builder(format!("https://localhost:{port}/graphql"))
            .credentials(Credentials::token("jwt"))
            .timeouts(timeouts)
    };

    let stream = builder()
        .extra_ca_pem(ca_pem)
        .build()
        .expect("a client")
        .stream("Why?");
    let socket = api.subscriber().await;
    api.call("StartStream").await;
    socket.tokens(1, &[(1, "a")]).await;
    socket.event(completed(1, 2)).await;
    let (seen, error) = rest(stream).await;
    assert_eq!(seen, ["started", "a", "completed"], "{error:?}");

    let (seen, error) = rest(builder().build().expect("a client").stream("Why?")).await;
    assert!(seen.is_empty(), "{seen:?}");
    assert!(matches!(error, Some(Error::Connect(_))), "{error:?}");
}
