//! GraphQL over HTTP.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Wire, chain};
use crate::doctor::probe::{Found, Judged, Wrong};

/// The error of a start beyond a quota.
pub const QUOTA_EXCEEDED: &str = "QUOTA_EXCEEDED";

/// How long one request may take: AppSync itself gives up after 30 s.
const CALL_TIMEOUT: Duration = Duration::from_secs(35);

/// The response to one request.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    pub body: Value,
    pub sent_at: Instant,
    pub took: Duration,
}

impl Reply {
    /// The data of a root field; null if there is none.
    pub fn field(&self, name: &str) -> &Value {
        &self.body["data"][name]
    }

    /// The type and the message of the first error.
    pub fn error(&self) -> Option<(&str, &str)> {
        let error = self.body["errors"].get(0)?;
        Some((
            error["errorType"].as_str().unwrap_or_default(),
            error["message"].as_str().unwrap_or_default(),
        ))
    }

    /// The data of a root field, or what came in its place.
    ///
    /// # Errors
    ///
    /// There is an error, or another status than 200.
    pub fn ok(&self, name: &str) -> Result<&Value, String> {
        if self.status == 200 && self.error().is_none() {
            return Ok(self.field(name));
        }
        Err(self.as_text())
    }

    /// The data of `startStream`, or why there is none.
    ///
    /// # Errors
    ///
    /// The start is refused: by the user's quota, or otherwise.
    pub fn started(&self) -> Found<&Value> {
        match self.beyond_quota() {
            Some(wrong) => Err(wrong),
            None => self.ok("startStream").map_err(Wrong::Failed),
        }
    }

    /// Whether the call was refused with this type.
    ///
    /// # Errors
    ///
    /// What came in place of the refusal. A start may be refused by the user's quota before anything else is looked at.
    pub fn refused_as(&self, expected: &str) -> Judged {
        match self.error() {
            Some((kind, _)) if kind == expected => Ok(self.as_text()),
            _ => Err(self
                .beyond_quota()
                .unwrap_or_else(|| Wrong::Failed(self.as_text()))),
        }
    }

    /// That a start was refused by the user's quota.
    fn beyond_quota(&self) -> Option<Wrong> {
        let (kind, _) = self.error()?;
        let told = &self.body["errors"][0]["errorInfo"];
        let refused = || Wrong::beyond_quota(&told["limit"], &told["resetsAt"]);
        (kind == QUOTA_EXCEEDED).then(refused)
    }

    /// The response in one line. Its data isn't quoted, because it may be somebody's.
    pub fn as_text(&self) -> String {
        match self.error() {
            Some((kind, message)) => format!("HTTP {}, {kind}: {message}", self.status),
            None if self.body["data"].is_object() => format!("HTTP {}, data", self.status),
            None => format!("HTTP {}, neither data nor errors", self.status),
        }
    }
}

impl Wire {
    /// Sends an operation.
    ///
    /// # Errors
    ///
    /// There is no response.
    pub async fn graphql(
        &self,
        url: &str,
        token: &str,
        document: &str,
        variables: Value,
    ) -> Result<Reply, String> {
        let body = json!({ "query": document, "variables": variables }).to_string();
        self.graphql_text(url, token, body).await
    }

    /// Sends a body, whatever it is.
    ///
    /// # Errors
    ///
    /// There is no response.
    pub async fn graphql_text(
        &self,
        url: &str,
        token: &str,
        body: String,
    ) -> Result<Reply, String> {
        let sent_at = Instant::now();
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json")
            .header("authorization", token)
            .timeout(CALL_TIMEOUT)
            .body(body);
        let response = request.send().await.map_err(|error| chain(&error))?;
        let (status, version) = (response.status().as_u16(), response.version());
        let text = response.text().await.map_err(|error| chain(&error))?;
        Ok(Reply {
            status,
            version: format!("{version:?}"),
            body: serde_json::from_str(&text).unwrap_or_default(),
            sent_at,
            took: sent_at.elapsed(),
        })
    }
}
