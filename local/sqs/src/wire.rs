//! HTTP: from `X-Amz-Target: AmazonSQS.Action` to an action and back, in AWS's JSON 1.0 protocol.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Extension, Router};
use http::{HeaderMap, Method, StatusCode};
use local_iam::gate::GuardedService;
use local_iam::sigv4::SignatureRefusal;
use local_kit::peer::Peer;
use tokio_util::sync::CancellationToken;

use super::actions;
use super::error::{self, Kind, json_response};
use super::query_protocol;
use super::store::Store;

/// Ten messages of 1 MiB, each byte of which may take six in JSON.
const MAX_REQUEST_BYTES: usize = 64 * 1024 * 1024;

/// How a request's signature is checked before [`router`] gets it.
pub(crate) const GUARDED: GuardedService = GuardedService {
    service: "sqs",
    max_body_bytes: MAX_REQUEST_BYTES,
    refuse: unsigned,
};

pub(crate) fn router(store: Arc<Store>) -> Router {
    Router::new()
        .fallback(any(serve))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(store)
}

async fn serve(
    State(store): State<Arc<Store>>,
    peer: Option<Extension<Peer>>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if query_protocol::is_spoken(&headers) {
        return query_protocol::not_here();
    }
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    let action = target
        .strip_prefix("AmazonSQS.")
        .filter(|_| method == Method::POST);
    let answer = match action {
        Some(action) => {
            let closing = peer.map_or_else(CancellationToken::new, |Extension(peer)| peer.closing);
            let trace = headers.get("x-amzn-trace-id");
            let trace = trace.and_then(|trace| trace.to_str().ok());
            actions::run(&store, action, &body, trace, &closing).await
        }
        None => Err(Kind::UnknownOperation
            .with("Expected `POST` with the header `X-Amz-Target: AmazonSQS.<Action>`.")),
    };
    match answer {
        Ok(body) => json_response(StatusCode::OK, &body),
        Err(error) => {
            tracing::debug!(action, %error, "refused");
            error.into_response()
        }
    }
}

fn unsigned(headers: &HeaderMap, refusal: &SignatureRefusal) -> Response {
    if query_protocol::is_spoken(headers) {
        let code = error::query_code_of(refusal.error_type);
        return query_protocol::error(StatusCode::FORBIDDEN, code, &refusal.message);
    }
    error::unsigned(refusal)
}
