//! The functions' events.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderMap;
use local_kit::endpoints::WEBSOCKET_API_ID;
use local_kit::proxy_event;
use serde_json::{Map, Value, json};

use super::connections::Connection;
use super::{Api, CONNECT, DISCONNECT, new_id};

/// A connect's request, as the authorizer and `$connect` get it.
pub(super) struct ConnectRequest {
    pub(super) headers: BTreeMap<String, Vec<String>>,
    pub(super) query: BTreeMap<String, Vec<String>>,
}

impl ConnectRequest {
    pub(super) fn of(headers: &HeaderMap, query: &str) -> Self {
        let headers = proxy_event::headers(headers);
        Self {
            headers: headers
                .into_iter()
                .map(|(name, values)| (as_usual(&name), values))
                .collect(),
            query: proxy_event::query(query),
        }
    }

    fn put_into(&self, event: &mut Value) {
        event["headers"] = proxy_event::last(&self.headers);
        event["multiValueHeaders"] = proxy_event::multiple(&self.headers);
        if !self.query.is_empty() {
            event["queryStringParameters"] = proxy_event::last(&self.query);
            event["multiValueQueryStringParameters"] = proxy_event::multiple(&self.query);
        }
    }
}

/// API Gateway keeps the client's spelling of header names. It is lost here, so this writes them as most clients do.
fn as_usual(name: &str) -> String {
    let words = name.split('-').map(|word| match word {
        "websocket" => "WebSocket".to_owned(),
        word => {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_ascii_uppercase() + rest
        }
    });
    words.collect::<Vec<_>>().join("-")
}

pub(super) fn authorizer(
    api: &Api,
    connection: &Connection,
    id: &str,
    asked: &ConnectRequest,
) -> Bytes {
    let mut event = json!({
        "type": "REQUEST",
        "methodArn": api.endpoints().websocket_arn(&api.config.stage, CONNECT),
        "queryStringParameters": {},
        "multiValueQueryStringParameters": {},
        "stageVariables": {},
    });
    asked.put_into(&mut event);
    event["requestContext"] = context(api, connection, CONNECT, "CONNECT", id).into();
    event.to_string().into()
}

pub(super) fn connect(
    api: &Api,
    connection: &Connection,
    id: &str,
    asked: &ConnectRequest,
) -> Bytes {
    let mut event = json!({});
    asked.put_into(&mut event);
    event["requestContext"] = context(api, connection, CONNECT, "CONNECT", id).into();
    event["isBase64Encoded"] = false.into();
    event.to_string().into()
}

pub(super) fn message(
    api: &Api,
    connection: &Connection,
    route: &str,
    id: &str,
    body: &str,
) -> Bytes {
    let mut context = context(api, connection, route, "MESSAGE", id);
    context.insert("messageId".to_owned(), new_id().into());
    let event = json!({ "requestContext": context, "body": body, "isBase64Encoded": false });
    event.to_string().into()
}

pub(super) fn disconnect(api: &Api, connection: &Connection, code: u16, reason: &str) -> Bytes {
    let mut context = context(api, connection, DISCONNECT, "DISCONNECT", &new_id());
    context.insert("disconnectStatusCode".to_owned(), code.into());
    context.insert("disconnectReason".to_owned(), reason.into());
    let headers = [
        ("Host", connection.host.as_str()),
        ("x-api-key", ""),
        ("X-Forwarded-For", ""),
        ("x-restapi", ""),
    ];
    let single: Map<String, Value> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).into()))
        .collect();
    let multiple: Map<String, Value> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!([value])))
        .collect();
    let event = json!({
        "headers": single,
        "multiValueHeaders": multiple,
        "requestContext": context,
        "isBase64Encoded": false,
    });
    event.to_string().into()
}

fn context(
    api: &Api,
    connection: &Connection,
    route: &str,
    event_type: &str,
    request_id: &str,
) -> Map<String, Value> {
    let now_ms = api.clock.now_ms();
    let mut identity = Map::new();
    if let Some(user_agent) = &connection.user_agent {
        identity.insert("userAgent".to_owned(), user_agent.as_str().into());
    }
    let source_ip = connection.source_ip.to_string();
    identity.insert("sourceIp".to_owned(), source_ip.into());
    let mut context = Map::new();
    for (name, value) in [
        ("routeKey", Value::from(route)),
        ("eventType", event_type.into()),
        ("extendedRequestId", request_id.into()),
        ("requestTime", proxy_event::request_time(now_ms).into()),
        ("messageDirection", "IN".into()),
        ("stage", api.config.stage.as_str().into()),
        ("connectedAt", connection.connected_at_ms.into()),
        ("requestTimeEpoch", now_ms.into()),
        ("identity", identity.into()),
        ("requestId", request_id.into()),
        ("domainName", api.domain_name().into()),
        ("connectionId", connection.id.as_str().into()),
        ("apiId", WEBSOCKET_API_ID.into()),
    ] {
        context.insert(name.to_owned(), value);
    }
    if let Some(authorizer) = &connection.authorizer {
        context.insert("authorizer".to_owned(), authorizer.clone().into());
    }
    context
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_headers_are_as_clients_write_them() {
        for (name, expected) in [
            ("host", "Host"),
            ("sec-websocket-key", "Sec-WebSocket-Key"),
            ("authorization", "Authorization"),
            ("x--y", "X--Y"),
        ] {
            assert_eq!(as_usual(name), expected);
        }
    }
}
