//! AppSync's WebSocket protocol, `graphql-ws`.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{WebSocket, close_code};
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use local_faults::{AtStart, ErrorShape, SubscriptionError};
use local_kit::outbox::outbox;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::connect::{ConnectError, realtime_error_type, to_headers};
use super::error_frame::error_frame;
use super::session::{Admission, Admitted, BeginError, Session, Started, Words};
use super::socket::{self, Protocol};
use super::{Origin, Realtime, Refusal};
use crate::api::GraphqlRequest;
use crate::auth::SignedRequest;
use crate::caller::Caller;

const WORDS: Words = Words {
    event: "data",
    acknowledgement: Some("start_ack"),
};

/// How long a client whose connect is refused may take to send something, which shows that it reads.
const FIRST_WORD: Duration = Duration::from_millis(500);

/// How much of an unknown type's name the response shows.
const SHOWN_TYPE_CHARS: usize = 64;

pub(super) async fn serve(
    realtime: Arc<Realtime>,
    origin: Origin,
    connect: Result<(), ConnectError>,
    mut websocket: WebSocket,
) {
    let (outbox, inbox) = outbox(realtime.limits.outbox);
    let session = Session::new(realtime, origin, outbox);
    let refused = connect.is_err();
    if let Err(error) = connect {
        // A client that has sent something gets the error at once. Sent together with the upgrade, the error would be
        // lost: Node's `ws` emits frames of the same packet before an `await` on the opening (Amplify's and Apollo's)
        // returns.
        let _ = timeout(FIRST_WORD, websocket.recv()).await;
        session.send(&connection_error(&error));
        session.close(close_code::NORMAL, "connection_error");
    }
    socket::serve(AppSync { refused }, session, inbox, websocket).await;
}

struct AppSync {
    /// Whether the connect was refused. Whatever the client sends then isn't read.
    refused: bool,
}

#[derive(Deserialize)]
struct ClientMessage {
    #[serde(rename = "type")]
    kind: Option<Value>,
    id: Option<Value>,
    payload: Option<Value>,
}

impl Protocol for AppSync {
    const KEEP_ALIVE: &'static str = r#"{"type":"ka"}"#;

    fn text(&mut self, session: &mut Session, text: &str) -> ControlFlow<()> {
        if self.refused {
            return ControlFlow::Continue(());
        }
        let Ok(message) = serde_json::from_str::<ClientMessage>(text) else {
            return self.unusable(session, "The message is not a JSON object.");
        };
        let id = message.id.as_ref().and_then(Value::as_str);
        match message.kind.as_ref().and_then(Value::as_str) {
            Some("connection_init") => {
                let timeout_ms =
                    u64::try_from(session.realtime.limits.connection_timeout.as_millis());
                let payload = json!({ "connectionTimeoutMs": timeout_ms.unwrap_or(u64::MAX) });
                session.send(&json!({ "type": "connection_ack", "payload": payload }));
                session.send(&json!({ "type": "ka" }));
            }
            Some("start") => match id {
                Some(id) if !id.is_empty() => start(session, id, message.payload),
                _ => session.send(&error(
                    None,
                    &[Refusal::new("BadRequestException", "A start needs an id.")],
                )),
            },
            Some("stop") => {
                if let Some(id) = id
                    && session.stop(id)
                {
                    session.send(&json!({ "type": "complete", "id": id }));
                }
            }
            kind => {
                let kind: String = kind
                    .unwrap_or("unknown")
                    .chars()
                    .take(SHOWN_TYPE_CHARS)
                    .collect();
                let message = format!("{kind} not supported through the realtime channel");
                session.send(&error(id, &[Refusal::new("UnsupportedOperation", message)]));
            }
        }
        ControlFlow::Continue(())
    }

    fn unusable(&mut self, session: &mut Session, why: &'static str) -> ControlFlow<()> {
        if !self.refused {
            session.send(&error(None, &[Refusal::new("BadRequestException", why)]));
        }
        ControlFlow::Continue(())
    }

    fn started(&mut self, session: &mut Session, started: Started) {
        if let Err((id, refusals)) = session.settle(started, &WORDS) {
            session.send(&error(Some(&id), &refusals));
        }
    }

    fn over(&mut self, session: &mut Session, id: &str, why: &SubscriptionError) {
        session.send(&error_frame(id, why));
    }

    async fn impatient(&self) -> (u16, &'static str) {
        std::future::pending().await
    }
}

fn start(session: &mut Session, id: &str, payload: Option<Value>) {
    let payload = payload.unwrap_or_default();
    let data = payload.get("data").and_then(Value::as_str);
    let planned = session
        .realtime
        .hub
        .at_start(data.unwrap_or_default().as_bytes());
    if let AtStart::Refuse(error) = &planned {
        session.send(&error_frame(id, error));
        return;
    }
    let (realtime, origin) = (Arc::clone(&session.realtime), session.origin.clone());
    let admission = async move {
        if planned == AtStart::Hang {
            std::future::pending::<()>().await;
        }
        admit(realtime, origin, payload).await
    };
    let refusal = match session.begin(id, admission) {
        Ok(()) => return,
        Err(BeginError::Duplicate) => Refusal::new(
            "DuplicatedOperationError",
            format!("A subscription with the id {id} is active already."),
        ),
        Err(BeginError::TooMany) => {
            let limit = session.realtime.limits.subscriptions;
            let message = format!("Max number of {limit} subscriptions reached");
            let error = SubscriptionError {
                // AppSync was seen to send this error in this shape.
                shape: ErrorShape::Object,
                ..SubscriptionError::new("MaxSubscriptionsReachedError", &message)
            };
            session.send(&error_frame(id, &error));
            return;
        }
    };
    session.send(&error(Some(id), &[refusal]));
}

/// Authenticates the sender of a start, and admits its subscription.
async fn admit(realtime: Arc<Realtime>, origin: Origin, mut payload: Value) -> Admitted {
    let bad_request = |message: &str| vec![Refusal::new("BadRequestException", message)];
    let Some(Value::String(data)) = payload.get_mut("data").map(Value::take) else {
        return Err(bad_request(
            "payload.data has to be a string: the JSON of query and variables.",
        ));
    };
    let authorization = match payload
        .pointer_mut("/extensions/authorization")
        .map(Value::take)
    {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    };
    let headers = to_headers(&authorization).ok_or_else(|| {
        bad_request("extensions.authorization has to be an object of header names and texts.")
    })?;
    let request = signed_request(headers.clone(), data.clone());
    let identity = realtime
        .authenticator
        .authenticate(&request)
        .await
        .map_err(|error| vec![Refusal::new(realtime_error_type(&error), error.message)])?;
    let request: GraphqlRequest = serde_json::from_str(&data).map_err(|_| {
        bad_request("payload.data has to be the JSON of an object with a query, and variables.")
    })?;
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

/// The request that the authorization of a start signs: a `POST` of exactly its `data`.
fn signed_request(headers: HeaderMap, data: String) -> SignedRequest {
    SignedRequest {
        method: Method::POST,
        uri: Uri::from_static("/graphql"),
        headers,
        body: Bytes::from(data),
    }
}

fn error(id: Option<&str>, refusals: &[Refusal]) -> Value {
    let errors: Vec<Value> = refusals
        .iter()
        .map(|refusal| json!({ "errorType": refusal.error_type, "message": refusal.message }))
        .collect();
    match id {
        Some(id) => json!({ "type": "error", "id": id, "payload": { "errors": errors } }),
        None => json!({ "type": "error", "payload": { "errors": errors } }),
    }
}

fn connection_error(error: &ConnectError) -> Value {
    let mut fields = Map::new();
    if let Some(error_type) = error.error_type {
        fields.insert("errorType".into(), error_type.into());
    }
    fields.insert("message".into(), error.message.as_str().into());
    fields.insert("errorCode".into(), error.code.into());
    json!({ "payload": { "errors": [fields] }, "type": "connection_error" })
}
