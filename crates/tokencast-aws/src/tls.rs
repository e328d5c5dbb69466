//! The certificate authorities that a function trusts over TLS.

use std::path::PathBuf;
use std::sync::Arc;

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

/// The variable that AWS's own tools read.
const BUNDLE: &str = "AWS_CA_BUNDLE";

/// The certificate authorities to trust: the public ones, or those of `AWS_CA_BUNDLE` alone.
#[derive(Clone, Debug, Default)]
pub struct CaBundle {
    /// In PEM; `None` for the public ones.
    pem: Option<Vec<u8>>,
}

#[derive(Debug, Error)]
pub enum CaBundleError {
    #[error("`{BUNDLE}` is `{}`, expected a file that can be read", .path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("`{BUNDLE}` is `{}`, expected a file with certificates in PEM", .0.display())]
    NoCertificates(PathBuf),
}

impl CaBundle {
    #[cfg(test)]
    pub(crate) fn of_pem(pem: String) -> Self {
        Self {
            pem: Some(pem.into_bytes()),
        }
    }

    /// # Errors
    ///
    /// `AWS_CA_BUNDLE` names a file that cannot be read, or that has no certificates.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, CaBundleError> {
        let Some(path) = lookup(BUNDLE)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
        else {
            return Ok(Self::default());
        };
        match std::fs::read(&path) {
            Ok(pem) if certificates(&pem).next().is_some() => Ok(Self { pem: Some(pem) }),
            Ok(_) => Err(CaBundleError::NoCertificates(path)),
            Err(source) => Err(CaBundleError::Unreadable { path, source }),
        }
    }

    /// The settings of our own connections.
    pub(crate) fn client_config(&self) -> ClientConfig {
        let roots = match &self.pem {
            None => RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            },
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(certificates(pem));
                roots
            }
        };
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring supports TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    /// The settings of the SDK's connections. `None` for its default, which reads the system's certificates.
    pub(crate) fn sdk_context(&self) -> Option<TlsContext> {
        let store = TrustStore::empty().with_pem_certificate(self.pem.clone()?);
        TlsContext::builder().with_trust_store(store).build().ok()
    }
}

fn certificates(pem: &[u8]) -> impl Iterator<Item = CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).filter_map(Result::ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bundle: Option<&str>, expected: &str) {
        let read = CaBundle::read(&|name| (name == BUNDLE).then(|| bundle.map(str::to_owned))?);
        let got = read.map_or_else(|error| error.to_string(), |_| "read".to_owned());
        assert!(got.contains(expected), "{bundle:?}: {got}");
    }

    #[test]
    fn a_bundle_has_to_be_certificates() {
        check(None, "read");
        check(Some(""), "read");
        check(
            Some("/no/such/file"),
            "`AWS_CA_BUNDLE` is `/no/such/file`, expected a file",
        );
        check(Some("Cargo.toml"), "expected a file with certificates");
    }
}
