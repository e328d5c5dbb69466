//! The frames of the protocol, as far as a client sends and reads them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Delivery;
use crate::error::{Error, is_unauthorized};
use crate::operations::Response;

/// What a server sends.
#[derive(Debug, Deserialize)]
pub(super) struct Frame {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    payload: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Refusal {
    error_type: Option<String>,
    error_code: Option<Value>,
    message: Option<String>,
}

impl Frame {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text)
            .map_err(|error| Error::Protocol(format!("a frame that is none: {error}")))
    }

    /// Of a `connection_ack`.
    pub(super) fn connection_timeout_ms(&self) -> Option<u64> {
        self.payload
            .get("connectionTimeoutMs")
            .and_then(Value::as_u64)
    }

    /// Of a `data`. `None` is an event that couldn't be delivered whole; the gap that it leaves will be noticed.
    pub(super) fn into_event<D: Delivery>(self) -> Option<D::Event> {
        let response: Response<D> = serde_json::from_value(self.payload)
            // Serde's own words may quote the token.
            .inspect_err(|_| tracing::warn!("an event of another shape"))
            .ok()?;
        response.data?.event()
    }

    /// Whether it names this subscription.
    pub(super) fn is_of(&self, id: &str) -> bool {
        self.id.as_deref() == Some(id)
    }

    /// Whether it names no subscription: some of the service's errors have an empty id.
    pub(super) fn is_of_none(&self) -> bool {
        self.id.as_deref().is_none_or(str::is_empty)
    }

    /// Of an `error` or a `connection_error`. The service writes `payload.errors` as an array or as one object, or leaves it
    /// out and has `errorType` in the payload itself.
    pub(super) fn into_error(self) -> Error {
        let error = match self.payload.get("errors") {
            Some(Value::Array(errors)) => errors.first(),
            Some(error @ Value::Object(_)) => Some(error),
            _ => Some(&self.payload),
        };
        let refusal = error
            .and_then(|error| Refusal::deserialize(error).ok())
            .unwrap_or_default();
        let error_type = refusal.error_type.unwrap_or_else(|| "UnknownError".into());
        let message = refusal.message.unwrap_or_else(|| error_type.clone());
        let code = refusal.error_code.as_ref().and_then(|code| match code {
            Value::String(code) => code.parse().ok(),
            code => code.as_u64(),
        });
        if is_unauthorized(&error_type) || matches!(code, Some(401 | 403)) {
            return Error::Unauthorized { message };
        }
        Error::Subscription {
            error_type,
            message,
        }
    }
}

pub(super) fn connection_init() -> String {
    json!({ "type": "connection_init" }).to_string()
}

/// `data` is the operation in JSON, as a string: that string is what IAM would sign.
pub(super) fn start(id: &str, data: &str, authorization: &Value) -> String {
    json!({
        "id": id,
        "type": "start",
        "payload": { "data": data, "extensions": { "authorization": authorization } },
    })
    .to_string()
}

pub(super) fn stop(id: &str) -> String {
    json!({ "id": id, "type": "stop" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::TokenEvent;
    use crate::operations::Received;

    fn check_error(payload: &Value, expected: &str) {
        let frame = json!({ "type": "error", "id": "1", "payload": payload }).to_string();
        assert_eq!(
            Frame::parse(&frame)
                .expect("a frame")
                .into_error()
                .to_string(),
            expected
        );
    }

    #[test]
    fn refusals_are_told_apart_by_the_part_after_the_hash() {
        check_error(
            &json!({ "errors": [{ "errorType": "com.amazonaws.deepdish.graphql#UnauthorizedException", "message": "no" }] }),
            "not authorized: no",
        );
        check_error(
            &json!({ "errors": [{ "errorCode": 401, "message": "no" }] }),
            "not authorized: no",
        );
        check_error(
            &json!({ "errors": [{ "errorType": "MaxSubscriptionsReachedError", "message": "200" }] }),
            "the subscription was refused: MaxSubscriptionsReachedError: 200",
        );
        check_error(
            &json!({ "errors": { "errorType": "MaxSubscriptionsReachedError", "message": "100" } }),
            "the subscription was refused: MaxSubscriptionsReachedError: 100",
        );
        check_error(
            &json!({ "errorType": "UnauthorizedException", "message": "Token has expired." }),
            "not authorized: Token has expired.",
        );
        check_error(
            &json!({ "errorType": "LimitExceededError" }),
            "the subscription was refused: LimitExceededError: LimitExceededError",
        );
        check_error(
            &json!({ "errors": [] }),
            "the subscription was refused: UnknownError: UnknownError",
        );
        check_error(
            &Value::Null,
            "the subscription was refused: UnknownError: UnknownError",
        );
    }

    #[test]
    fn an_empty_id_is_none() {
        for (frame, ours, none) in [
            (json!({ "type": "error", "id": "1" }), true, false),
            (json!({ "type": "error", "id": "2" }), false, false),
            (json!({ "type": "error", "id": "" }), false, true),
            (json!({ "type": "error", "id": null }), false, true),
            (json!({ "type": "error" }), false, true),
        ] {
            let frame = Frame::parse(&frame.to_string()).expect("a frame");
            assert_eq!((frame.is_of("1"), frame.is_of_none()), (ours, none));
        }
    }

    #[test]
    fn an_event_of_the_articles_schema_is_read() {
        let frame = json!({ "type": "data", "id": "1", "payload": { "data": { "onTokenReceived": {
            "sessionId": "s", "token": "Hi", "isComplete": false, "timestamp": "2026-01-01T00:00:00Z",
        } } } });
        let event = Frame::parse(&frame.to_string())
            .expect("a frame")
            .into_event::<Received>()
            .expect("an event");
        assert_eq!(
            event,
            TokenEvent {
                token: "Hi".into(),
                ..TokenEvent::default()
            }
        );
    }

    #[test]
    fn an_event_that_was_not_delivered_whole_is_none() {
        let frame = json!({ "type": "data", "id": "1", "payload": {
            "data": { "onTokenReceived": null }, "errors": [{ "message": "Cannot return null" }],
        } });
        assert_eq!(
            Frame::parse(&frame.to_string())
                .expect("a frame")
                .into_event::<Received>(),
            None
        );
    }
}
