//! The headers of a connect, which clients pass in three ways. They stand for a signed `POST` of `{}` to
//! `/graphql/connect`, and this request is authorized.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, SEC_WEBSOCKET_PROTOCOL};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use local_kit::endpoints::Endpoints;
use serde_json::{Map, Value};

use super::Realtime;
use crate::auth::{AuthError, SignedRequest};

/// Lenient, because clients differ in padding and in the bits left over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Why a connect is refused, as `connection_error` reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConnectError {
    pub(super) error_type: Option<&'static str>,
    pub(super) message: String,
    pub(super) code: u16,
}

impl ConnectError {
    fn bad_request(message: &str) -> Self {
        Self {
            error_type: Some("BadRequestException"),
            message: message.to_owned(),
            code: 400,
        }
    }
}

impl From<AuthError> for ConnectError {
    fn from(error: AuthError) -> Self {
        let error_type = realtime_error_type(&error);
        let code = if error_type == "BadRequestException" {
            400
        } else {
            401
        };
        Self {
            error_type: Some(error_type),
            message: error.message,
            code,
        }
    }
}

/// The real-time endpoint has two types of errors: one for signatures that it can't check, and one for all others.
pub(super) fn realtime_error_type(error: &AuthError) -> &'static str {
    match error.error_type {
        "InvalidSignatureException" | "IncompleteSignatureException" | "BadRequestException" => {
            "BadRequestException"
        }
        _ => "UnauthorizedException",
    }
}

/// Authenticates the sender of a connect.
pub(super) async fn authorize(realtime: &Realtime, request: &Parts) -> Result<(), ConnectError> {
    let query = request.uri.query().unwrap_or_default();
    let headers = connect_headers(query, &request.headers)?;
    check_host(&headers, request, &realtime.endpoints)?;
    let body = match query_parameter(query, "payload") {
        Some(payload) => decode(&payload)
            .ok_or_else(|| ConnectError::bad_request("The payload is not base64."))?,
        None => b"{}".to_vec(),
    };
    let request = SignedRequest {
        method: Method::POST,
        uri: Uri::from_static("/graphql/connect"),
        headers,
        body: Bytes::from(body),
    };
    realtime.authenticator.authenticate(&request).await?;
    Ok(())
}

/// Reads the headers from `?header=`, from the subprotocol `header-…`, or from the upgrade's own headers.
fn connect_headers(query: &str, headers: &HeaderMap) -> Result<HeaderMap, ConnectError> {
    let encoded = query_parameter(query, "header").or_else(|| header_protocol(headers));
    let Some(encoded) = encoded else {
        if headers.contains_key(AUTHORIZATION) || headers.contains_key("x-api-key") {
            return Ok(headers.clone());
        }
        return Err(ConnectError::bad_request("Required headers are missing."));
    };
    let unreadable =
        || ConnectError::bad_request("The connect header is not a JSON object in base64.");
    let json = decode(&encoded).ok_or_else(unreadable)?;
    let object: Map<String, Value> = serde_json::from_slice(&json).map_err(|_| unreadable())?;
    to_headers(&object).ok_or_else(unreadable)
}

fn header_protocol(headers: &HeaderMap) -> Option<String> {
    let offers = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .into_iter()
        .filter_map(|offers| offers.to_str().ok());
    offers
        .flat_map(|offers| offers.split(','))
        .find_map(|offer| offer.trim().strip_prefix("header-"))
        .map(str::to_owned)
}

/// A JSON object of texts as headers. `None` if a name or a value isn't allowed in a header.
pub(super) fn to_headers(object: &Map<String, Value>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(object.len());
    for (name, value) in object {
        let value = match value {
            Value::String(text) => HeaderValue::from_str(text).ok()?,
            // JavaScript clients write null for what is undefined.
            Value::Null => continue,
            _ => return None,
        };
        // JSON distinguishes `Authorization` and `authorization`, HTTP doesn't. Both are kept, and then refused as
        // duplicates.
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
    }
    Some(headers)
}

/// Accepts the GraphQL host under any of its local names, or its name on AWS. The gateway decides under which names the
/// stack may be called. Both endpoints have the same host here, so the socket's host is accepted too.
fn check_host(
    headers: &HeaderMap,
    request: &Parts,
    endpoints: &Endpoints,
) -> Result<(), ConnectError> {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else {
        return Err(ConnectError::bad_request("Required headers are missing."));
    };
    let authority = request.uri.authority().map(http::uri::Authority::as_str);
    let asked = request
        .headers
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    let is_asked = authority.or(asked) == Some(host);
    if is_asked || is_graphql_host(host, endpoints) {
        return Ok(());
    }
    Err(ConnectError::bad_request(
        "The host in the connect header is not the GraphQL endpoint's.",
    ))
}

fn is_graphql_host(host: &str, endpoints: &Endpoints) -> bool {
    let aws = format!(
        "{}.appsync-api.{}.amazonaws.com",
        endpoints.api_id, endpoints.region
    );
    if host.eq_ignore_ascii_case(&aws) {
        return true;
    }
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
        // The default port is left out.
        _ => (host, Some(443)),
    };
    let name = name.to_ascii_lowercase();
    let is_local = matches!(name.as_str(), "localhost" | "127.0.0.1" | "[::1]")
        || name.ends_with(".localhost");
    is_local && port == Some(endpoints.address.port())
}

/// The value of a percent-encoded parameter. A plus is kept, because base64 contains it and few clients escape it.
fn query_parameter(query: &str, name: &str) -> Option<String> {
    let value = query
        .split('&')
        .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))?
        .1;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// Decodes both base64 alphabets, with or without padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    let standard: String = text
        .chars()
        .map(|character| match character {
            // Form decoding turns a plus into a space.
            '-' | ' ' => '+',
            '_' => '/',
            character => character,
        })
        .collect();
    BASE64.decode(standard).ok()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose;

    use super::*;

    #[test]
    fn base64_in_every_form() {
        let bytes: &[u8] = &[0xfb, 0xef, 0xff, 0x00];
        for encoded in [
            general_purpose::STANDARD.encode(bytes),
            general_purpose::STANDARD_NO_PAD.encode(bytes),
            general_purpose::URL_SAFE.encode(bytes),
            general_purpose::URL_SAFE_NO_PAD.encode(bytes),
            general_purpose::STANDARD.encode(bytes).replace('+', " "),
        ] {
            assert_eq!(decode(&encoded).as_deref(), Some(bytes), "{encoded}");
        }
        assert_eq!(decode("not base64!"), None);
    }

    #[test]
    fn parameters() {
        for (query, expected) in [
            ("header=abc", Some("abc")),
            ("payload=x&header=ab%3D%3D", Some("ab==")),
            ("header=a+b", Some("a+b")),
            ("header=a%2Bb%2", Some("a+b%2")),
            ("header=%zz", Some("%zz")),
            ("header=", Some("")),
            ("header=%ff", None),
            ("headers=abc", None),
            ("header", None),
            ("", None),
        ] {
            assert_eq!(
                query_parameter(query, "header").as_deref(),
                expected,
                "{query}"
            );
        }
    }

    #[test]
    fn hosts() {
        let endpoints = Endpoints {
            address: ([127, 0, 0, 1], 4000).into(),
            region: "us-east-1".into(),
            account_id: "000000000000".into(),
            api_id: "local".into(),
        };
        for (host, expected) in [
            ("localhost:4000", true),
            ("LOCALHOST:4000", true),
            ("127.0.0.1:4000", true),
            ("[::1]:4000", true),
            ("api.localhost:4000", true),
            ("local.appsync-api.us-east-1.amazonaws.com", true),
            ("local.appsync-realtime-api.us-east-1.amazonaws.com", false),
            ("localhost:4001", false),
            ("localhost", false),
            ("localhost:", false),
            ("[::1]", false),
            ("example.com:4000", false),
            ("notlocalhost:4000", false),
            ("", false),
        ] {
            assert_eq!(is_graphql_host(host, &endpoints), expected, "{host}");
        }
    }
}
