//! The `@connections` API, with which a backend uses a connection. Requests are signed for `execute-api` and allowed by
//! `execute-api:ManageConnections`.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat};
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use local_iam::Principal;
use local_iam::sigv4::{self, SignatureRefusal, SignedRequest};
use serde_json::json;

use super::connections::Connection;
use super::{Api, WebSocketApis, forbidden, is_id, refused};

const ACTION: &str = "execute-api:ManageConnections";
const SIGNED_SERVICE: &str = "execute-api";

type ConnectionPath = Path<(String, String)>;

/// `PostToConnection`: responds once the message is queued for the client.
pub(super) async fn post(
    State(apis): State<WebSocketApis>,
    Path((stage, id)): ConnectionPath,
    request: Request,
) -> Response {
    let (api, connection, body) = match find(&apis, &stage, &id, request).await {
        Ok(found) => found,
        Err(refusal) => return *refusal,
    };
    let text = String::from_utf8_lossy(&body).into_owned();
    connection.send(&api, text);
    StatusCode::OK.into_response()
}

/// `GetConnection`
pub(super) async fn get(
    State(apis): State<WebSocketApis>,
    Path((stage, id)): ConnectionPath,
    request: Request,
) -> Response {
    let (_, connection, _) = match find(&apis, &stage, &id, request).await {
        Ok(found) => found,
        Err(refusal) => return *refusal,
    };
    let mut identity = json!({ "sourceIp": connection.source_ip.to_string() });
    if let Some(user_agent) = &connection.user_agent {
        identity["userAgent"] = user_agent.as_str().into();
    }
    let body = json!({
        "connectedAt": time(connection.connected_at_ms),
        "identity": identity,
        "lastActiveAt": time(connection.last_active_ms()),
    });
    axum::Json(body).into_response()
}

/// `DeleteConnection`: the connection is gone at once, whether the client answers the close frame or not.
pub(super) async fn delete(
    State(apis): State<WebSocketApis>,
    Path((stage, id)): ConnectionPath,
    request: Request,
) -> Response {
    let (api, connection, _) = match find(&apis, &stage, &id, request).await {
        Ok(found) => found,
        Err(refusal) => return *refusal,
    };
    if api.connections.remove(&id).is_none() {
        return gone();
    }
    connection.close(1000, "Connection Closed Normally");
    StatusCode::NO_CONTENT.into_response()
}

type Found = (Arc<Api>, Arc<Connection>, Bytes);

/// The connection and the request's body, if the sender may use the connection.
async fn find(
    apis: &WebSocketApis,
    stage: &str,
    id: &str,
    request: Request,
) -> Result<Found, Box<Response>> {
    let api = apis.find(stage).ok_or_else(|| {
        let message = format!("There is no WebSocket API with the stage {stage}.");
        Box::new(forbidden(&message))
    })?;
    let (parts, body) = request.into_parts();
    let most = api.config.limits.message_bytes;
    let body = Limited::new(body, most).collect().await.map_err(|_| {
        let message = format!("The data has exceeded the maximum size allowed, {most} bytes.");
        Box::new(refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            "PayloadTooLargeException",
            &message,
        ))
    })?;
    let signed = SignedRequest {
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        body: body.to_bytes(),
    };
    let principal = sigv4::verify(
        &signed,
        &api.credentials,
        SIGNED_SERVICE,
        &api.endpoints().region,
        // An SDK signs with its machine's clock, whatever the stack's clock shows.
        api.clock.real_ms(),
    )
    .await
    .map_err(|error| Box::new(unsigned(&error)))?;
    permit(&api, &principal, &signed.method, id)?;
    if !is_id(id) {
        let message = format!("Invalid connectionId: {id}");
        let refusal = refused(StatusCode::BAD_REQUEST, "BadRequestException", &message);
        return Err(Box::new(refusal));
    }
    let connection = api.connections.find(id).ok_or_else(|| Box::new(gone()))?;
    Ok((api, connection, signed.body))
}

fn permit(
    api: &Api,
    principal: &Principal,
    method: &Method,
    id: &str,
) -> Result<(), Box<Response>> {
    let what = format!("{method}/@connections/{id}");
    let resource = api.endpoints().websocket_arn(&api.config.stage, &what);
    if principal.allows(ACTION, &resource) {
        return Ok(());
    }
    let message = format!(
        "User: {} is not authorized to perform: {ACTION} on resource: {resource}",
        principal.arn
    );
    let refusal = refused(StatusCode::FORBIDDEN, "AccessDeniedException", &message);
    Err(Box::new(refusal))
}

/// API Gateway responds to each refused signature with 403.
fn unsigned(error: &SignatureRefusal) -> Response {
    refused(StatusCode::FORBIDDEN, error.error_type, &error.message)
}

fn gone() -> Response {
    let message = "The connection with the provided id no longer exists.";
    refused(StatusCode::GONE, "GoneException", message)
}

/// A time as `2020-04-30T20:10:33.236Z`.
fn time(at_ms: i64) -> String {
    let at = DateTime::from_timestamp_millis(at_ms).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
