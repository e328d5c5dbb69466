//! The WebSocket protocols.
//!
//! | module | what |
//! | --- | --- |
//! | `connect` | the headers of a connect, which clients pass in three ways |
//! | `session` | one socket's subscriptions: starting, active, stopped |
//! | `appsync` | AppSync's own protocol, `graphql-ws` |
//! | `error_frame` | `error` frames about one subscription |
//! | `transport` | `graphql-transport-ws` for generic tools, if it is turned on; AppSync refuses it |
//! | `socket` | reading, writing, keep-alives and closing |
//!
//! A subscription ends when the token that started it expires by the stack's clock. Its client gets an `error` frame
//! with `UnauthorizedException`, and has to start again with a new token.
//!
//! Where AppSync's behaviour isn't documented, this service does the following. The socket stays open when the token
//! that opened it expires (it lives at most 24 h). `start` doesn't need a `connection_init` before it. A refused
//! connect is reported in a `connection_error`, once the client has sent something or half a second after the upgrade.

mod appsync;
mod connect;
mod error_frame;
mod session;
mod socket;
#[cfg(test)]
mod tests;
mod transport;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;
use local_kit::peer::Peer;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::api::GraphqlRequest;
use super::auth::Authenticator;
use super::caller::Caller;
use super::subscriptions::{Hub, OutboxLimits, Subscription};

const APPSYNC_PROTOCOL: &str = "graphql-ws";
const TRANSPORT_PROTOCOL: &str = "graphql-transport-ws";
/// A larger message can't be read, and closes the socket. A smaller one above [`RealtimeLimits::message_bytes`] gets an
/// error.
const MAX_FRAME_BYTES: usize = 4 * 1024 * 1024;
/// Most of 10,000 sockets are idle, so each starts with a small buffer, which grows when needed.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Admits subscriptions: validation, authorization and the field's resolver.
pub trait Subscribe: Send + Sync {
    /// The subscription that `request` asks for, or the refusal.
    fn subscribe<'a>(
        &'a self,
        request: GraphqlRequest,
        caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Subscription, Vec<Refusal>>>;
}

/// A refusal, as the client gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub error_type: String,
    pub message: String,
}

impl Refusal {
    fn new(error_type: &str, message: impl Into<String>) -> Self {
        Self {
            error_type: error_type.to_owned(),
            message: message.into(),
        }
    }
}

/// Limits of one connection. The defaults are AppSync's.
#[derive(Clone, Copy, Debug)]
pub struct RealtimeLimits {
    pub keep_alive: Duration,
    /// After this time without a keep-alive the client should give up. Sent in the `connection_ack`.
    pub connection_timeout: Duration,
    pub lifetime: Duration,
    pub subscriptions: usize,
    /// Whether `graphql-transport-ws` is supported, for tools that know no other protocol. AppSync refuses it.
    pub graphql_transport_ws: bool,
    /// The size of a client's message. AppSync doesn't document its own limit.
    pub message_bytes: usize,
    pub outbox: OutboxLimits,
}

impl Default for RealtimeLimits {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_mins(1),
            connection_timeout: Duration::from_mins(5),
            lifetime: Duration::from_hours(24),
            subscriptions: 100,
            graphql_transport_ws: false,
            message_bytes: 1024 * 1024,
            outbox: OutboxLimits::default(),
        }
    }
}

/// What all real-time connections share.
pub struct Realtime {
    pub authenticator: Authenticator,
    pub subscribe: Arc<dyn Subscribe>,
    pub hub: Hub,
    pub endpoints: Endpoints,
    pub clock: Clock,
    pub limits: RealtimeLimits,
}

impl fmt::Debug for Realtime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Realtime")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Realtime {
    /// Serves `GET /graphql/realtime`, as custom domains do, and `GET /graphql`, as AWS's own real-time hosts do.
    pub fn router(self) -> Router {
        Router::new()
            .route("/graphql/realtime", get(upgrade))
            .route("/graphql", get(upgrade))
            .with_state(Arc::new(self))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    AppSync,
    Transport,
    /// An unknown protocol, which the client is told.
    Unknown {
        offered_any: bool,
    },
}

async fn upgrade(State(realtime): State<Arc<Realtime>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let Ok(mut upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await else {
        return not_a_websocket();
    };
    let protocol = choose_protocol(&mut upgrade, &realtime.limits);
    let origin = Origin::of(&parts);
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(MAX_FRAME_BYTES)
        .max_frame_size(MAX_FRAME_BYTES);
    upgrade.on_upgrade(move |socket| async move {
        let (hub, started) = (realtime.hub.clone(), Instant::now());
        match protocol {
            Protocol::Transport => transport::serve(realtime, origin, socket).await,
            Protocol::AppSync => {
                let connect = connect::authorize(&realtime, &parts).await;
                // The socket may be idle for hours, so the request's headers are dropped.
                drop(parts);
                appsync::serve(realtime, origin, connect, socket).await;
            }
            Protocol::Unknown { offered_any } => {
                let message = if offered_any {
                    "SubProtocolNotSupportedError"
                } else {
                    "NoProtocolError"
                };
                let refused = Err(connect::ConnectError {
                    error_type: None,
                    message: message.into(),
                    code: 400,
                });
                appsync::serve(realtime, origin, refused, socket).await;
            }
        }
        hub.connection_ended(started.elapsed());
    })
}

/// Selects the protocol and echoes it. An unknown one is echoed too, because otherwise a browser hides why it was
/// refused.
fn choose_protocol(upgrade: &mut WebSocketUpgrade, limits: &RealtimeLimits) -> Protocol {
    let offered: Vec<HeaderValue> = upgrade.requested_protocols().cloned().collect();
    for (name, protocol) in [
        (APPSYNC_PROTOCOL, Protocol::AppSync),
        (TRANSPORT_PROTOCOL, Protocol::Transport),
    ] {
        let is_spoken = protocol == Protocol::AppSync || limits.graphql_transport_ws;
        if is_spoken && offered.iter().any(|offer| offer == name) {
            upgrade.set_selected_protocol(HeaderValue::from_static(name));
            return protocol;
        }
    }
    let Some(first) = offered.first() else {
        return Protocol::Unknown { offered_any: false };
    };
    upgrade.set_selected_protocol(first.clone());
    Protocol::Unknown { offered_any: true }
}

fn not_a_websocket() -> Response {
    let body = json!({ "errors": [{
        "errorType": "BadRequestException",
        "message": "Expected a WebSocket upgrade here; send queries and mutations with POST to /graphql.",
    }] });
    (
        StatusCode::BAD_REQUEST,
        [("x-amzn-errortype", "BadRequestException")],
        axum::Json(body),
    )
        .into_response()
}

/// Where a socket's connect came from.
#[derive(Clone, Debug)]
struct Origin {
    ip: IpAddr,
    closing: CancellationToken,
}

impl Origin {
    fn of(parts: &Parts) -> Self {
        match parts.extensions.get::<Peer>() {
            Some(peer) => Self {
                ip: peer.address.ip(),
                closing: peer.closing.clone(),
            },
            None => Self {
                ip: Ipv4Addr::LOCALHOST.into(),
                closing: CancellationToken::new(),
            },
        }
    }
}
