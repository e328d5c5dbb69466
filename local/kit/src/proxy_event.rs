//! The fields that function URL events and WebSocket API events share.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use chrono::DateTime;
use serde_json::{Map, Value, json};

/// A time as both events write it: `12/Mar/2020:19:03:58 +0000`.
pub fn request_time(now_ms: i64) -> String {
    let at = DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
    at.format("%d/%b/%Y:%H:%M:%S +0000").to_string()
}

/// The value of an X-Ray header that samples nothing: `Root=1-…`.
pub fn trace_id(now_ms: i64) -> String {
    let seconds = now_ms / 1_000;
    format!("Root=1-{seconds:08x}-{:024x}", fastrand::u128(..) >> 32)
}

/// Each query parameter with its decoded values, in their order.
pub fn query(query: &str) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    // The parser needs a whole URL; this host has no meaning.
    let Ok(url) = reqwest::Url::parse(&format!("http://localhost/?{query}")) else {
        return all;
    };
    for (name, value) in url.query_pairs() {
        all.entry(name.into_owned())
            .or_default()
            .push(value.into_owned());
    }
    all
}

/// Each header with its values as text.
pub fn headers(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        all.entry(name.as_str().to_owned()).or_default().push(value);
    }
    all
}

/// Each name with its values joined: `{"name": "first,second"}`.
pub fn joined(all: &BTreeMap<String, Vec<String>>) -> Value {
    let object: Map<String, Value> = all
        .iter()
        .map(|(name, values)| (name.clone(), values.join(",").into()))
        .collect();
    object.into()
}

/// Each name with the list of its values: `{"name": ["first", "second"]}`.
pub fn multiple(all: &BTreeMap<String, Vec<String>>) -> Value {
    json!(all)
}

/// Each name with its last value: `{"name": "second"}`.
pub fn last(all: &BTreeMap<String, Vec<String>>) -> Value {
    let object: Map<String, Value> = all
        .iter()
        .map(|(name, values)| (name.clone(), values.last().cloned().into()))
        .collect();
    object.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_in_a_log() {
        assert_eq!(
            request_time(1_584_039_838_390),
            "12/Mar/2020:19:03:58 +0000"
        );
    }

    #[test]
    fn parameters_are_decoded_and_may_repeat() {
        let all = query("a=1&b=x%20y+z&a=2&c");
        assert_eq!(joined(&all), json!({ "a": "1,2", "b": "x y z", "c": "" }));
        assert_eq!(multiple(&all)["a"], json!(["1", "2"]));
        assert_eq!(last(&all)["a"], "2");
        assert_eq!(query(""), BTreeMap::new());
    }
}
