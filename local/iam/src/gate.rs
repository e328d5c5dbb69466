//! Admits only requests that are signed with one of the stack's keys.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http_body_util::{BodyExt as _, Limited};
use local_kit::clock::Clock;

use super::CredentialStore;
use super::sigv4::{self, SignatureRefusal, SignedRequest};

/// Any key of the stack may call any operation. Only AppSync and `@connections` check a key's policy.
#[derive(Clone, Debug)]
pub struct SignatureGate {
    credentials: CredentialStore,
    region: String,
    /// The system's clock, not the stack's, which a test may advance: SDKs sign with the real time.
    clock: Clock,
}

/// How one service is guarded.
#[derive(Clone, Copy, Debug)]
pub struct GuardedService {
    /// The service's name in signatures: `sqs`, `dynamodb`, …
    pub service: &'static str,
    /// The signature covers the whole body, so the body is read first. This is more than any operation of the service
    /// takes.
    pub max_body_bytes: usize,
    /// The refusal in the service's own shape, which may depend on the request's headers.
    pub refuse: fn(&HeaderMap, &SignatureRefusal) -> Response,
}

#[derive(Clone)]
struct Checked {
    gate: SignatureGate,
    guarded: GuardedService,
}

impl SignatureGate {
    pub fn new(credentials: &CredentialStore, region: &str) -> Self {
        Self {
            credentials: credentials.clone(),
            region: region.to_owned(),
            clock: Clock::system(),
        }
    }

    /// Wraps `router` in a check of each request's signature.
    pub fn guard(&self, guarded: GuardedService, router: Router) -> Router {
        let gate = self.clone();
        // A router's layer sees only requests that match one of its routes or its own fallback.
        Router::new()
            .fallback_service(router)
            .layer(from_fn_with_state(Checked { gate, guarded }, check))
    }
}

async fn check(State(checked): State<Checked>, request: Request, next: Next) -> Response {
    let Checked { gate, guarded } = checked;
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, guarded.max_body_bytes).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            let message = if error.is::<http_body_util::LengthLimitError>() {
                let most = guarded.max_body_bytes;
                format!("The request's body is larger than {most} bytes.")
            } else {
                "The request's body could not be read.".to_owned()
            };
            let refusal = SignatureRefusal {
                error_type: "BadRequestException",
                message,
            };
            return (guarded.refuse)(&parts.headers, &refusal);
        }
    };
    let signed = SignedRequest {
        method: parts.method.clone(),
        uri: parts.uri.clone(),
        headers: parts.headers.clone(),
        body: body.clone(),
    };
    let verified = sigv4::verify(
        &signed,
        &gate.credentials,
        guarded.service,
        &gate.region,
        gate.clock.now_ms(),
    );
    match verified.await {
        Ok(_) => next.run(Request::from_parts(parts, body.into())).await,
        Err(refusal) => {
            tracing::debug!(service = guarded.service, %refusal, "refused");
            (guarded.refuse)(&parts.headers, &refusal)
        }
    }
}
