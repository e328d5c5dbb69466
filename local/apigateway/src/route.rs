//! The route of a client's message, and its route response.

use local_kit::usage::Count;
use serde_json::{Value, json};

use super::connections::{Connection, UNIT_BYTES};
use super::{Api, DEFAULT, SERVICE, event, integration, new_id};
use crate::config::RouteConfig;

/// Invokes the message's integration. If the route has a response, sends the function's response to the client.
pub(super) async fn message(api: &Api, connection: &Connection, body: &str) {
    let request_id = new_id();
    let Some((key, route)) = select(api, body) else {
        return connection.send(api, failure("Forbidden", connection, &request_id));
    };
    let count = Count::metered(body.len() as u64, 0, UNIT_BYTES);
    api.usage.add(SERVICE.name(), key, count);
    let event = event::message(api, connection, key, &request_id, body);
    match integration::proxy(api, &route.function, event).await {
        Ok(answer) => {
            let body = answer.body.filter(|_| route.route_response);
            match body {
                Some(body) if body.len() > api.config.limits.message_bytes => {
                    tracing::warn!(route = key, bytes = body.len(), "the answer is too large");
                    connection.send(api, failure(INTERNAL, connection, &request_id));
                }
                Some(body) => connection.send(api, body),
                None => {}
            }
        }
        Err(error) => {
            tracing::warn!(
                route = key,
                request_id,
                error = &error as &dyn std::error::Error,
                "an integration failed"
            );
            connection.send(api, failure(INTERNAL, connection, &request_id));
        }
    }
}

const INTERNAL: &str = "Internal server error";

fn failure(message: &str, connection: &Connection, request_id: &str) -> String {
    let frame = json!({
        "message": message,
        "connectionId": connection.id,
        "requestId": request_id,
    });
    frame.to_string()
}

/// The route of `$request.body.action`, or else `$default`.
fn select<'a>(api: &'a Api, body: &str) -> Option<(&'a str, &'a RouteConfig)> {
    let routes = &api.config.routes;
    let named = action(body)
        // A client can't select the API's own routes.
        .filter(|action| !action.starts_with('$'))
        .and_then(|action| routes.get_key_value(&action));
    let (key, route) = named.or_else(|| routes.get_key_value(DEFAULT))?;
    Some((key, route))
}

fn action(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    match body.get("action")? {
        Value::String(action) => Some(action.clone()),
        Value::Number(action) => Some(action.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_action_is_in_the_body_if_that_is_an_object() {
        for (body, expected) in [
            (r#"{"action":"stream","a":1}"#, Some("stream")),
            (r#"{"action":7}"#, Some("7")),
            (r#"{"action":null}"#, None),
            (r#"{"action":{}}"#, None),
            ("{}", None),
            ("[]", None),
            ("stream", None),
        ] {
            assert_eq!(action(body).as_deref(), expected, "{body}");
        }
    }
}
