//! What the probes say over the wire, without the client library: so that they see what a foreign client would see.

pub mod graphql;
pub mod realtime;
pub mod url;
pub mod websocket;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) type WebSocket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[derive(Debug, Error)]
pub enum WireError {
    #[error("the file of certificate authorities is none: expected PEM")]
    Authorities(#[source] rustls::pki_types::pem::Error),
    #[error("an authority of the file can't be trusted")]
    Authority(#[source] rustls::Error),
    #[error("TLS can't be set up")]
    Tls(#[source] rustls::Error),
    #[error("HTTP can't be set up")]
    Http(#[source] reqwest::Error),
}

/// HTTP and WebSockets to a deployment.
#[derive(Clone, Debug)]
pub struct Wire {
    pub http: reqwest::Client,
    tls: Arc<ClientConfig>,
}

impl Wire {
    /// Trusts the public authorities, and those in `extra_ca_pem`.
    ///
    /// # Errors
    ///
    /// The authorities can't be read.
    pub fn new(extra_ca_pem: Option<&[u8]>, is_local: bool) -> Result<Self, WireError> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        for authority in extra_ca_pem
            .into_iter()
            .flat_map(CertificateDer::pem_slice_iter)
        {
            let authority = authority.map_err(WireError::Authorities)?;
            roots.add(authority).map_err(WireError::Authority)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(WireError::Tls)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut for_http = tls.clone();
        for_http.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(for_http)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("tokencast-doctor/", env!("CARGO_PKG_VERSION")));
        // A proxy of the environment is no way to a server on this machine.
        let http = if is_local { http.no_proxy() } else { http };
        Ok(Self {
            http: http.build().map_err(WireError::Http)?,
            tls: Arc::new(tls),
        })
    }

    /// Opens a WebSocket. The error is what came in its place; the status is that of a refused handshake.
    async fn dial(
        &self,
        url: &str,
        header: Option<(HeaderName, String)>,
    ) -> Result<WebSocket, Refused> {
        let wrong = |error: &dyn std::fmt::Display| Refused::new(None, error.to_string());
        let mut request = url.into_client_request().map_err(|error| wrong(&error))?;
        if let Some((name, value)) = header {
            let value = HeaderValue::from_str(&value).map_err(|error| wrong(&error))?;
            request.headers_mut().insert(name, value);
        }
        let connector = Connector::Rustls(Arc::clone(&self.tls));
        let dialled =
            tokio_tungstenite::connect_async_tls_with_config(request, None, true, Some(connector));
        match timeout(CONNECT_TIMEOUT, Box::pin(dialled)).await {
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(tungstenite::Error::Http(response))) => {
                let status = response.status().as_u16();
                Err(Refused::new(Some(status), format!("HTTP {status}")))
            }
            Ok(Err(error)) => Err(wrong(&error)),
            Err(_) => Err(wrong(&format!("no connection within {CONNECT_TIMEOUT:?}"))),
        }
    }
}

/// Why a socket or a subscription isn't to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status of a refused handshake.
    pub status: Option<u16>,
    pub message: String,
}

impl Refused {
    fn new(status: Option<u16>, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

/// An error with its causes, as one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    crate::exit::chain(error)
}
