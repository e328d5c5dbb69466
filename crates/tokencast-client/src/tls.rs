//! TLS for both transports: ring, and the roots of webpki or one's own authority beside them.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::error::Error;

/// Trusts the public authorities, and those in `extra_ca_pem`.
pub(crate) fn client_config(extra_ca_pem: Option<&[u8]>) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for certificate in extra_ca_pem
        .into_iter()
        .flat_map(CertificateDer::pem_slice_iter)
    {
        let certificate = certificate.map_err(|error| Error::Tls(Box::new(error)))?;
        roots
            .add(certificate)
            .map_err(|error| Error::Tls(Box::new(error)))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Tls(Box::new(error)))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// One pool of connections for all calls over HTTP. A proxy of the environment is no way to a server on loopback.
pub(crate) fn http_client(
    mut tls: ClientConfig,
    connect_timeout: Duration,
    loopback: bool,
) -> Result<reqwest::Client, Error> {
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("tokencast/", env!("CARGO_PKG_VERSION")));
    let builder = if loopback {
        builder.no_proxy()
    } else {
        builder
    };
    builder.build().map_err(Error::Request)
}
