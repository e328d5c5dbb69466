//! The event of a function URL, in payload format 2.0.

use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use http::{HeaderMap, Version};
use local_kit::peer::Peer;
use local_kit::proxy_event;
use serde_json::{Value, json};

/// The event for a request. `path` is the part of the request's path that the function sees.
pub(super) fn of(
    name: &str,
    path: &str,
    parts: &Parts,
    body: &[u8],
    request_id: &str,
    now_ms: i64,
) -> Bytes {
    let peer = parts.extensions.get::<Peer>();
    let source_ip = peer.map_or_else(
        || "127.0.0.1".to_owned(),
        |peer| peer.address.ip().to_string(),
    );
    let query = parts.uri.query().unwrap_or_default();
    let text = |header| {
        let value = parts.headers.get(header)?;
        value.to_str().ok()
    };
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(parts, &source_ip, now_ms),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": name,
            "domainName": format!("{name}.lambda-url.localhost"),
            "domainPrefix": name,
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": protocol(parts.version),
                "sourceIp": source_ip,
                "userAgent": text(USER_AGENT).unwrap_or_default(),
            },
            "requestId": request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": proxy_event::request_time(now_ms),
            "timeEpoch": now_ms,
        },
        "isBase64Encoded": false,
    });
    let parameters = proxy_event::query(query);
    if !parameters.is_empty() {
        event["queryStringParameters"] = proxy_event::joined(&parameters);
    }
    let cookies = cookies(&parts.headers);
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !body.is_empty() {
        match std::str::from_utf8(body) {
            Ok(body) if is_text(text(CONTENT_TYPE)) => event["body"] = body.into(),
            _ => {
                event["body"] = STANDARD.encode(body).into();
                event["isBase64Encoded"] = true.into();
            }
        }
    }
    event.to_string().into()
}

/// Lower-case names, each with its values joined by commas, and the headers that Lambda adds.
fn headers(parts: &Parts, source_ip: &str, now_ms: i64) -> Value {
    let mut all = proxy_event::headers(&parts.headers);
    all.remove(COOKIE.as_str());
    if let Some(authority) = parts.uri.authority() {
        // Over HTTP/2 the host is in the URI.
        all.entry(HOST.as_str().to_owned())
            .or_insert_with(|| vec![authority.as_str().to_owned()]);
    }
    let is_tls = parts.uri.scheme_str() == Some("https");
    let forwarded = [
        ("x-forwarded-for", source_ip.to_owned()),
        (
            "x-forwarded-proto",
            if is_tls { "https" } else { "http" }.to_owned(),
        ),
        ("x-amzn-trace-id", proxy_event::trace_id(now_ms)),
    ];
    for (name, value) in forwarded {
        all.insert(name.to_owned(), vec![value]);
    }
    proxy_event::joined(&all)
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let texts = headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    texts
        .flat_map(|text| text.split(';'))
        .map(|cookie| cookie.trim().to_owned())
        .filter(|cookie| !cookie.is_empty())
        .collect()
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    }
}

/// Whether a body is passed as text. Other bodies, and those without a type, are passed in Base64.
fn is_text(content_type: Option<&str>) -> bool {
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || matches!(
            essence,
            "application/json" | "application/xml" | "application/javascript"
        )
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn event(request: http::request::Builder, body: &[u8]) -> Value {
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let event = of("chat", "/a", &parts, body, "id", 1_584_039_838_390);
        serde_json::from_slice(&event).expect("JSON")
    }

    #[test]
    fn headers_are_small_and_joined_and_cookies_apart() {
        let request = Request::builder()
            .method("POST")
            .uri("/function-urls/chat/a?x=1&x=2&y=a%20b")
            .header("X-Custom", "one")
            .header("x-custom", "two")
            .header("cookie", "a=1; b=2")
            .header("user-agent", "test");
        let event = event(request, b"");
        assert_eq!(event["version"], "2.0");
        assert_eq!(event["rawPath"], "/a");
        assert_eq!(event["rawQueryString"], "x=1&x=2&y=a%20b");
        let parameters = json!({ "x": "1,2", "y": "a b" });
        assert_eq!(event["queryStringParameters"], parameters);
        assert_eq!(event["headers"]["x-custom"], "one,two");
        assert_eq!(event["headers"]["cookie"], Value::Null);
        assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
        let http = &event["requestContext"]["http"];
        assert_eq!(http["method"], "POST");
        assert_eq!(http["path"], "/a");
        assert_eq!(http["userAgent"], "test");
        assert_eq!(
            event["requestContext"]["time"],
            "12/Mar/2020:19:03:58 +0000"
        );
        assert_eq!(event["body"], Value::Null);
        assert_eq!(event["isBase64Encoded"], false);
    }

    fn check(content_type: Option<&str>, body: &[u8], expected: &str, is_encoded: bool) {
        let mut request = Request::builder().uri("/");
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let event = event(request, body);
        assert_eq!(event["body"], expected, "{content_type:?}");
        assert_eq!(event["isBase64Encoded"], is_encoded, "{content_type:?}");
    }

    #[test]
    fn a_body_is_text_where_its_type_is() {
        check(Some("application/json; charset=utf-8"), b"{}", "{}", false);
        check(Some("text/plain"), "é".as_bytes(), "é", false);
        check(Some("application/problem+json"), b"{}", "{}", false);
        check(Some("application/octet-stream"), b"{}", "e30=", true);
        check(Some("text/plain"), b"\xff", "/w==", true);
        check(None, b"{}", "e30=", true);
    }
}
