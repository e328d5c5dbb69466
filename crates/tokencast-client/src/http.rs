//! Calls over HTTP, GraphQL's above all. Every operation here is idempotent, so a call that got lost is sent again.

use std::time::Duration;

use graphql_client::QueryBody;
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backoff::Backoff;
use crate::bounds::{CALL_RETRY_FIRST, CALL_RETRY_MAX, CALL_TRIES};
use crate::credentials::TokenProvider;
use crate::error::Error;
use crate::operations::Response;

/// Where calls go, and as whom.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) http: reqwest::Client,
    /// The channel's: AppSync's GraphQL endpoint, or the function's.
    pub(crate) url: reqwest::Url,
    pub(crate) tokens: TokenProvider,
    /// For one try.
    pub(crate) timeout: Duration,
}

impl Caller {
    pub(crate) async fn token(&self) -> Result<String, Error> {
        self.tokens.token(&self.http).await
    }

    /// For an `Authorization` of the scheme `Bearer`.
    pub(crate) async fn bearer(&self) -> Result<String, Error> {
        let token = self.token().await?;
        let bare = token.strip_prefix("Bearer ").map(str::to_owned);
        Ok(bare.unwrap_or(token))
    }

    /// Sends a GraphQL operation.
    pub(crate) async fn call<V, T>(&self, body: &QueryBody<V>) -> Result<T, Error>
    where
        V: Serialize + Sync,
        T: DeserializeOwned,
    {
        self.retry(body.operation_name, || self.call_once(body))
            .await
    }

    /// Tries up to three times if the trouble may pass, once more with a new token if the old one was refused.
    pub(crate) async fn retry<T, F>(
        &self,
        operation: &str,
        once: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut backoff = Backoff::new(CALL_RETRY_FIRST, CALL_RETRY_MAX);
        loop {
            let token = self.tokens.generation();
            let error = match once().await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            if self.tokens.renews_after(&error, token) {
                continue;
            }
            let pause = backoff.next();
            if !error.is_transient() || backoff.tries() >= CALL_TRIES {
                return Err(error);
            }
            tracing::debug!(operation, %error, ?pause, "calling again");
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends a GraphQL operation once.
    pub(crate) async fn call_once<V, T>(&self, body: &QueryBody<V>) -> Result<T, Error>
    where
        V: Serialize + Sync,
        T: DeserializeOwned,
    {
        let response = self
            .http
            .post(self.url.clone())
            .timeout(self.timeout)
            .header(http::header::AUTHORIZATION, self.token().await?)
            .json(body)
            .send()
            .await
            .map_err(Error::Request)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(Error::Request)?;
        read(status, &bytes)
    }
}

fn read<T: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<T, Error> {
    if !status.is_success() {
        return Err(refusal(status, body));
    }
    // Errors first: beside one, `data` need not have the shape of a success.
    let outline: Response<serde::de::IgnoredAny> =
        serde_json::from_slice(body).map_err(|_| Error::Protocol("no GraphQL answer".into()))?;
    if let Some(error) = outline.errors.unwrap_or_default().into_iter().next() {
        return Err(error.into());
    }
    let response: Response<T> =
        serde_json::from_slice(body).map_err(|error| Error::Protocol(place(&error)))?;
    response
        .data
        .ok_or_else(|| Error::Protocol("neither data nor errors".into()))
}

/// Without serde's own words, which may quote the text.
fn place(error: &serde_json::Error) -> String {
    format!(
        "data of another shape, at column {} of line {}",
        error.column(),
        error.line()
    )
}

fn refusal(status: StatusCode, body: &[u8]) -> Error {
    let said = serde_json::from_slice::<Response<serde::de::IgnoredAny>>(body)
        .ok()
        .and_then(|response| response.errors)
        .and_then(|errors| errors.into_iter().next());
    match (status, said) {
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, said) => {
            let message = said.map_or_else(
                || format!("HTTP {}", status.as_u16()),
                |error| error.message(),
            );
            Error::Unauthorized { message }
        }
        // The status says better than the body whether it may pass.
        (status, None) => Error::Http {
            status: status.as_u16(),
        },
        (status, Some(_))
            if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() =>
        {
            Error::Http {
                status: status.as_u16(),
            }
        }
        (_, Some(error)) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expected: &str) {
        let status = StatusCode::from_u16(status).expect("a status");
        let result: Result<serde_json::Value, Error> = read(status, body.as_bytes());
        let got = match result {
            Ok(data) => data.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected, "{status} {body}");
    }

    #[test]
    fn an_answer_is_data_or_a_typed_error() {
        check(200, r#"{"data":{"a":1}}"#, r#"{"a":1}"#);
        check(
            200,
            r#"{"data":null,"errors":[{"errorType":"INVALID_PROMPT","message":"empty"}]}"#,
            "INVALID_PROMPT: empty",
        );
        check(
            200,
            r#"{"data":{"a":null},"errors":[{"errorType":"Unauthorized","message":"no"}]}"#,
            "not authorized: no",
        );
        check(
            401,
            r#"{"errors":[{"errorType":"UnauthorizedException","message":"Token has expired."}]}"#,
            "not authorized: Token has expired.",
        );
        check(403, "<html>", "not authorized: HTTP 403");
        check(
            400,
            r#"{"errors":[{"errorType":"MalformedHttpRequestException","message":"bad"}]}"#,
            "MalformedHttpRequestException: bad",
        );
        check(503, r#"{"message":"down"}"#, "the API answered HTTP 503");
        check(404, "not here", "the API answered HTTP 404");
        check(
            200,
            "{}",
            "the API's answer makes no sense: neither data nor errors",
        );
    }
}
