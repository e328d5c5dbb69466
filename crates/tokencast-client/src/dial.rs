//! How a WebSocket is opened, whichever protocol is spoken on it.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use reqwest::Url;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};

use crate::bounds::Timeouts;
use crate::error::Error;
use crate::wall_clock::WallClock;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What every connection of a client has in common.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) tls: Arc<rustls::ClientConfig>,
    pub(crate) timeouts: Timeouts,
    pub(crate) wall_clock: WallClock,
}

/// Connects, with a header that says who is calling.
pub(crate) async fn dial(
    setup: &Setup,
    url: &Url,
    (name, value): (HeaderName, String),
) -> Result<Socket, Error> {
    let after = setup.timeouts.connect;
    let mut request = url.as_str().into_client_request().map_err(refused)?;
    // The value isn't repeated: it is a secret.
    let value = HeaderValue::from_str(&value)
        .map_err(|_| Error::Protocol(format!("the token doesn't fit into the header `{name}`")))?;
    request.headers_mut().insert(name, value);
    let connector = Connector::Rustls(setup.tls.clone());
    let connecting =
        tokio_tungstenite::connect_async_tls_with_config(request, None, true, Some(connector));
    let connected = timeout(after, connecting).await;
    let (socket, _) = connected
        .map_err(|_| Error::Timeout {
            what: "connection",
            after,
        })?
        .map_err(refused)?;
    Ok(socket)
}

fn refused(error: tungstenite::Error) -> Error {
    match error {
        tungstenite::Error::Http(response) if matches!(response.status().as_u16(), 401 | 403) => {
            Error::Unauthorized {
                message: format!("HTTP {}", response.status().as_u16()),
            }
        }
        error => Error::Connect(Box::new(error)),
    }
}

/// What has gone wrong on an open socket.
pub(crate) fn broken(error: tungstenite::Error) -> Error {
    match error {
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => Error::Closed,
        error => Error::Socket(Box::new(error)),
    }
}
