//! The handshake: the authorizer, `$connect`, and the upgrade.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts as _, Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{HOST, SEC_WEBSOCKET_PROTOCOL, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use local_kit::outbox::{Inbox, outbox};
use local_kit::peer::Peer;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::authorizer::{self, Denied};
use super::connections::{Connection, Registration, next_number};
use super::event::{self, ConnectRequest};
use super::integration::{self, IntegrationError};
use super::{Api, CONNECT, WebSocketApis, forbidden, new_id, socket};

/// Most of many sockets are idle, so each starts with a small buffer, which grows when needed.
const READ_BUFFER_BYTES: usize = 4 * 1024;

pub(super) async fn connect(
    State(apis): State<WebSocketApis>,
    Path(stage): Path<String>,
    request: Request,
) -> Response {
    let Some(api) = apis.find(&stage) else {
        return forbidden(&format!(
            "There is no WebSocket API with the stage {stage}."
        ));
    };
    let (mut parts, _) = request.into_parts();
    let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await else {
        let message = "Expected a WebSocket upgrade here.";
        return (StatusCode::UPGRADE_REQUIRED, message).into_response();
    };
    let (source_ip, closing) = match parts.extensions.get::<Peer>() {
        Some(peer) => (peer.address.ip(), peer.closing.clone()),
        None => (Ipv4Addr::LOCALHOST.into(), CancellationToken::new()),
    };
    let asked = ConnectRequest::of(&parts.headers, parts.uri.query().unwrap_or_default());
    let (mut connection, inbox) = begin(&api, &parts.headers, source_ip);
    let request_id = new_id();
    let protocol = match admit(&api, &mut connection, &request_id, &asked).await {
        Ok(protocol) => protocol,
        Err(refusal) => return refusal.into_response(&connection, &request_id),
    };
    accept(api, connection, inbox, upgrade, protocol, closing)
}

fn begin(api: &Api, headers: &HeaderMap, source_ip: IpAddr) -> (Connection, Inbox) {
    let (outbox, inbox) = outbox(api.config.limits.outbox);
    let now_ms = api.clock.now_ms();
    let text = |name: HeaderName| {
        let value = headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let connection = Connection {
        id: new_id(),
        number: next_number(),
        connected_at_ms: now_ms,
        source_ip,
        user_agent: text(USER_AGENT),
        host: text(HOST).unwrap_or_default(),
        authorizer: None,
        outbox,
        last_active_ms: AtomicI64::new(now_ms),
    };
    (connection, inbox)
}

/// Why a connect is refused.
struct Refusal {
    status: StatusCode,
    error_type: &'static str,
    message: &'static str,
}

impl Refusal {
    const INTERNAL: Self = Self {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        error_type: "InternalServerErrorException",
        message: "Internal server error",
    };

    fn into_response(self, connection: &Connection, request_id: &str) -> Response {
        let headers = [("x-amzn-errortype", self.error_type)];
        let body = json!({
            "message": self.message,
            "connectionId": connection.id,
            "requestId": request_id,
        });
        (self.status, headers, axum::Json(body)).into_response()
    }
}

/// Invokes the authorizer and `$connect`. Returns the subprotocol that `$connect` chose.
async fn admit(
    api: &Api,
    connection: &mut Connection,
    request_id: &str,
    asked: &ConnectRequest,
) -> Result<Option<HeaderValue>, Refusal> {
    if let Some(config) = &api.config.authorizer {
        let context = authorizer::authorize(api, config, connection, request_id, asked).await;
        connection.authorizer = Some(context.map_err(|denied| refusal(api, denied))?);
    }
    let Some(route) = api.config.routes.get(CONNECT) else {
        return Ok(None);
    };
    let event = event::connect(api, connection, request_id, asked);
    let answer = integration::proxy(api, &route.function, event)
        .await
        .map_err(|error| failed(api, &error))?;
    if !answer.is_success() {
        return Err(Refusal {
            status: StatusCode::from_u16(answer.status_code)
                .ok()
                .filter(|status| status.is_client_error() || status.is_server_error())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            error_type: "ForbiddenException",
            message: "Forbidden",
        });
    }
    let protocol = answer.header(SEC_WEBSOCKET_PROTOCOL.as_str());
    Ok(protocol.and_then(|protocol| HeaderValue::from_str(protocol).ok()))
}

fn refusal(api: &Api, denied: Denied) -> Refusal {
    match denied {
        Denied::Unauthorized => Refusal {
            status: StatusCode::UNAUTHORIZED,
            error_type: "UnauthorizedException",
            message: "Unauthorized",
        },
        Denied::Policy { is_explicit } => Refusal {
            status: StatusCode::FORBIDDEN,
            error_type: "AccessDeniedException",
            message: if is_explicit {
                "User is not authorized to access this resource with an explicit deny"
            } else {
                "User is not authorized to access this resource"
            },
        },
        Denied::Broken(why) => {
            tracing::warn!(stage = api.config.stage, why, "the authorizer failed");
            Refusal::INTERNAL
        }
    }
}

fn failed(api: &Api, error: &IntegrationError) -> Refusal {
    tracing::warn!(
        stage = api.config.stage,
        error = error as &dyn std::error::Error,
        "$connect failed"
    );
    match error {
        IntegrationError::TimedOut => Refusal {
            status: StatusCode::GATEWAY_TIMEOUT,
            error_type: "IntegrationTimeoutException",
            message: "Endpoint request timed out",
        },
        _ => Refusal {
            status: StatusCode::BAD_GATEWAY,
            ..Refusal::INTERNAL
        },
    }
}

/// Registers the connection before the client has the response, so that a message sent to it meanwhile isn't refused.
fn accept(
    api: Arc<Api>,
    connection: Connection,
    inbox: Inbox,
    mut upgrade: WebSocketUpgrade,
    protocol: Option<HeaderValue>,
    closing: CancellationToken,
) -> Response {
    if let Some(protocol) = protocol {
        upgrade.set_selected_protocol(protocol);
    }
    let limits = api.config.limits;
    let registration = Registration::new(Arc::clone(&api), connection);
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(READ_BUFFER_BYTES)
        .max_frame_size(limits.frame_bytes)
        .max_message_size(limits.message_bytes)
        .on_upgrade(move |websocket| socket::serve(api, registration, inbox, websocket, closing))
}
