//! Lets a service be asked by those alone who have one of the stack's keys.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http_body_util::{BodyExt as _, Limited};
use local_kit::clock::Clock;

use super::CredentialStore;
use super::sigv4::{self, SignatureRefusal, SignedRequest};

/// Any key of the stack may call any operation: what its policy allows is looked at by AppSync and `@connections` only.
#[derive(Clone, Debug)]
pub struct SignatureGate {
    credentials: CredentialStore,
    region: String,
    /// The system's, and not the stack's, which a test may move: whoever signs does so by the real time.
    clock: Clock,
}

/// How one service is guarded.
#[derive(Clone, Copy, Debug)]
pub struct Guarded {
    /// As it is signed for: `sqs`, `dynamodb`, …
    pub service: &'static str,
    /// The signature is over the whole body, so that it has to be read first. More than any operation of the service takes.
    pub max_body_bytes: usize,
    /// A refusal in the shape of the service; it may depend on the request's headers.
    pub refuse: fn(&HeaderMap, &SignatureRefusal) -> Response,
}

#[derive(Clone)]
struct Checked {
    gate: SignatureGate,
    guarded: Guarded,
}

impl SignatureGate {
    pub fn new(credentials: &CredentialStore, region: &str) -> Self {
        Self {
            credentials: credentials.clone(),
            region: region.to_owned(),
            clock: Clock::system(),
        }
    }

    /// `router` behind a check of each request's signature.
    pub fn guard(&self, guarded: Guarded, router: Router) -> Router {
        let gate = self.clone();
        // A layer of a router sees only requests that a route or a fallback of its own takes.
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
