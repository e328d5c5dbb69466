//! TLS in front of a fake that knows none.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::error::{BenchError, Step as _};

/// A certificate for `localhost`, and the authority that it is from.
pub(super) struct Certificate {
    acceptor: TlsAcceptor,
    pub(super) ca_pem: String,
}

impl Certificate {
    pub(super) fn new() -> Result<Self, BenchError> {
        let mut params = CertificateParams::new(Vec::new()).to("make a certificate")?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().to("make a key")?;
        let ca = CertifiedIssuer::self_signed(params, ca_key).to("make a certificate")?;
        let key = KeyPair::generate().to("make a key")?;
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]);
        let leaf = leaf.to("make a certificate")?.signed_by(&key, &ca);
        let chain = vec![leaf.to("make a certificate")?.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .to("configure TLS")?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .to("configure TLS")?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            ca_pem: ca.pem(),
        })
    }
}

/// Ends when it is dropped.
pub(super) struct TlsFront {
    port: u16,
    accepting: JoinHandle<()>,
}

impl TlsFront {
    pub(super) async fn start(
        certificate: &Certificate,
        behind: SocketAddr,
    ) -> Result<Self, BenchError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.to("listen")?;
        let port = listener.local_addr().to("listen")?.port();
        let acceptor = certificate.acceptor.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(acceptor.clone(), stream, behind));
            }
        });
        Ok(Self { port, accepting })
    }

    pub(super) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A connection that breaks is its client's affair.
async fn pass(acceptor: TlsAcceptor, stream: TcpStream, behind: SocketAddr) {
    let _ = stream.set_nodelay(true);
    let (Ok(mut front), Ok(mut back)) =
        tokio::join!(acceptor.accept(stream), TcpStream::connect(behind))
    else {
        return;
    };
    let _ = back.set_nodelay(true);
    let _ = tokio::io::copy_bidirectional(&mut front, &mut back).await;
}
