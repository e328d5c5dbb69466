//! Invokes an integration's function.

use bytes::Bytes;
use local_kit::invoke::InvokeError;
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use super::Api;

#[derive(Debug, Error)]
pub(super) enum IntegrationError {
    /// The function goes on running, as on AWS.
    #[error("the function didn't answer in time")]
    TimedOut,
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    #[error("its answer is not a proxy integration's: `statusCode`, `headers` and `body`")]
    InvalidResponse(#[source] serde_json::Error),
}

/// The response of a Lambda proxy integration.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProxyResponse {
    pub(super) status_code: u16,
    #[serde(default)]
    pub(super) headers: Option<Map<String, Value>>,
    #[serde(default)]
    pub(super) body: Option<String>,
}

/// Invokes a function, and waits for as long as an integration may take.
pub(super) async fn invoke(
    api: &Api,
    function: &str,
    event: Bytes,
) -> Result<Bytes, IntegrationError> {
    let limit_ms = i64::try_from(api.config.limits.integration_timeout.as_millis());
    let until_ms = api
        .clock
        .now_ms()
        .saturating_add(limit_ms.unwrap_or(i64::MAX));
    tokio::select! {
        biased;
        answer = api.functions.invoke(function, event) => Ok(answer?),
        () = api.clock.sleep_until(until_ms) => Err(IntegrationError::TimedOut),
    }
}

pub(super) async fn proxy(
    api: &Api,
    function: &str,
    event: Bytes,
) -> Result<ProxyResponse, IntegrationError> {
    let answer = invoke(api, function, event).await?;
    serde_json::from_slice(&answer).map_err(IntegrationError::InvalidResponse)
}

impl ProxyResponse {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status_code)
    }

    /// The value of a header, whatever the case of its name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let headers = self.headers.as_ref()?;
        let (_, value) = headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        value.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_needs_a_status() {
        let read = |text| serde_json::from_str::<ProxyResponse>(text);
        let answer = read(r#"{"statusCode":201,"headers":{"Sec-WebSocket-Protocol":"a"}}"#);
        let answer = answer.expect("an answer");
        assert!(answer.is_success());
        assert_eq!(answer.header("sec-websocket-protocol"), Some("a"));
        assert_eq!(answer.body, None);
        for wrong in [
            "null",
            "{}",
            r#"{"body":"x"}"#,
            r#"{"statusCode":200,"body":{}}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
