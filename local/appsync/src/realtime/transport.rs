//! The `graphql-transport-ws` protocol, so that generic tools can subscribe locally. AppSync doesn't support it.
//!
//! See <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>. The payload of `connection_init` has the
//! credentials as headers: `{"Authorization": "<JWT>"}`. Only subscriptions are supported; other operations go over
//! HTTP.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::WebSocket;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use local_faults::SubscriptionError;
use local_kit::outbox::outbox;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::session::{Admission, Admitted, BeginError, Session, Started, Words};
use super::socket::{self, Protocol};
use super::{Origin, Realtime, Refusal};
use crate::api::GraphqlRequest;
use crate::auth::SignedRequest;
use crate::caller::Caller;

const WORDS: Words = Words {
    event: "next",
    acknowledgement: None,
};
/// How long a client may take to send `connection_init`.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn serve(realtime: Arc<Realtime>, origin: Origin, websocket: WebSocket) {
    let (outbox, inbox) = outbox(realtime.limits.outbox);
    let session = Session::new(realtime, origin, outbox);
    let transport = Transport {
        headers: None,
        init_until: Instant::now() + INIT_TIMEOUT,
    };
    socket::serve(transport, session, inbox, websocket).await;
}

struct Transport {
    /// The headers of `connection_init`. They are checked with each subscription, because their token may have expired
    /// by then.
    headers: Option<HeaderMap>,
    init_until: Instant,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ClientMessage {
    ConnectionInit {
        #[serde(default)]
        payload: Value,
    },
    Ping,
    Pong,
    Subscribe {
        id: String,
        payload: GraphqlRequest,
    },
    Complete {
        id: String,
    },
}

impl Protocol for Transport {
    const KEEP_ALIVE: &'static str = r#"{"type":"ping"}"#;

    fn text(&mut self, session: &mut Session, text: &str) -> ControlFlow<()> {
        let Ok(message) = serde_json::from_str(text) else {
            return self.unusable(session, "Invalid message received");
        };
        match message {
            ClientMessage::ConnectionInit { .. } if self.headers.is_some() => {
                return close(session, 4429, "Too many initialisation requests");
            }
            ClientMessage::ConnectionInit { payload } => {
                self.headers = Some(credentials(&payload));
                session.send(&json!({ "type": "connection_ack" }));
            }
            ClientMessage::Ping => session.send(&json!({ "type": "pong" })),
            ClientMessage::Pong => {}
            ClientMessage::Subscribe { id, payload } => {
                let Some(headers) = self.headers.clone() else {
                    return close(session, 4401, "Unauthorized");
                };
                let admission = admit(
                    Arc::clone(&session.realtime),
                    session.origin.clone(),
                    headers,
                    payload,
                );
                match session.begin(&id, admission) {
                    Ok(()) => {}
                    Err(BeginError::Duplicate) => {
                        return close(session, 4409, "Subscriber already exists");
                    }
                    Err(BeginError::TooMany) => {
                        let limit = session.realtime.limits.subscriptions;
                        let message = format!("Max number of {limit} subscriptions reached");
                        session.send(&error(
                            &id,
                            &[Refusal::new("MaxSubscriptionsReachedError", message)],
                        ));
                    }
                }
            }
            ClientMessage::Complete { id } => {
                session.stop(&id);
            }
        }
        ControlFlow::Continue(())
    }

    fn unusable(&mut self, session: &mut Session, _why: &'static str) -> ControlFlow<()> {
        close(session, 4400, "Invalid message received")
    }

    fn started(&mut self, session: &mut Session, started: Started) {
        if let Err((id, refusals)) = session.settle(started, &WORDS) {
            session.send(&error(&id, &refusals));
        }
    }

    fn over(&mut self, session: &mut Session, id: &str, why: &SubscriptionError) {
        let message = why.message.as_deref().unwrap_or_default();
        session.send(&error(id, &[Refusal::new(&why.error_type, message)]));
    }

    async fn impatient(&self) -> (u16, &'static str) {
        if self.headers.is_some() {
            return std::future::pending().await;
        }
        tokio::time::sleep_until(self.init_until).await;
        (4408, "Connection initialisation timeout")
    }
}

fn close(session: &Session, code: u16, reason: &'static str) -> ControlFlow<()> {
    session.close(code, reason);
    ControlFlow::Break(())
}

/// The texts of the payload, or of its `headers`, where some tools put them, as headers. Other members are ignored,
/// because a tool may put anything there.
fn credentials(payload: &Value) -> HeaderMap {
    let object = payload
        .get("headers")
        .filter(|headers| headers.is_object())
        .unwrap_or(payload);
    let texts = object
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name, value.as_str()?)));
    texts
        .filter_map(|(name, value)| {
            Some((
                HeaderName::from_bytes(name.as_bytes()).ok()?,
                HeaderValue::from_str(value).ok()?,
            ))
        })
        .collect()
}

async fn admit(
    realtime: Arc<Realtime>,
    origin: Origin,
    headers: HeaderMap,
    request: GraphqlRequest,
) -> Admitted {
    let signed = SignedRequest {
        method: Method::POST,
        uri: Uri::from_static("/graphql"),
        headers: headers.clone(),
        body: Bytes::new(),
    };
    let identity = realtime
        .authenticator
        .authenticate(&signed)
        .await
        .map_err(|error| vec![Refusal::new(error.error_type, error.message)])?;
    let caller = Caller {
        identity,
        source_ip: origin.ip,
        headers,
    };
    let expires_at_ms = caller.identity.expires_at_ms();
    let subscription = realtime.subscribe.subscribe(request, &caller).await?;
    Ok(Admission {
        subscription,
        expires_at_ms,
    })
}

fn error(id: &str, refusals: &[Refusal]) -> Value {
    let errors: Vec<Value> = refusals
        .iter()
        .map(|refusal| json!({ "message": refusal.message, "extensions": { "errorType": refusal.error_type } }))
        .collect();
    json!({ "id": id, "type": "error", "payload": errors })
}
