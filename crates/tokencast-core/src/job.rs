//! What the request function asks of the worker, as it stands in the queue.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::{Owner, SessionId};

/// The version that this code writes, and the only one that it reads.
pub const VERSION: u32 = 1;

/// How an answer reaches whoever asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Delivery {
    /// It is published, and whoever subscribed gets it.
    #[default]
    Subscription,
    /// It is pushed to the connections that follow the session.
    Connection,
    /// Whoever took the request streams it as its response. The job is in the queue only for the case that this fails.
    Response,
}

/// One prompt to answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    version: u32,
    pub session_id: SessionId,
    pub owner: Owner,
    pub prompt: String,
    /// How the answer reaches whoever asked.
    #[serde(default)]
    pub delivery: Delivery,
    /// When the client asked, in milliseconds since the Unix epoch.
    pub requested_at_ms: i64,
    /// A worker that comes later ends the session, unless its record says otherwise; in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_by_ms: Option<i64>,
}

/// Why a message's body is not a job. Its text is never in the error: it may hold a prompt.
#[derive(Debug, Error)]
pub enum JobError {
    #[error("the body is not a job: at line {line}, column {column}")]
    Malformed { line: usize, column: usize },
    #[error("the job's version is {found}, expected {VERSION}")]
    UnknownVersion { found: u32 },
}

impl Job {
    pub fn new(session_id: SessionId, owner: Owner, prompt: String, requested_at_ms: i64) -> Self {
        Self {
            version: VERSION,
            session_id,
            owner,
            prompt,
            delivery: Delivery::default(),
            requested_at_ms,
            start_by_ms: None,
        }
    }

    #[must_use]
    pub fn start_by(self, start_by_ms: i64) -> Self {
        let start_by_ms = Some(start_by_ms);
        Self {
            start_by_ms,
            ..self
        }
    }

    #[must_use]
    pub fn via(self, delivery: Delivery) -> Self {
        Self { delivery, ..self }
    }

    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers always serialize")
    }

    pub fn from_json(body: &str) -> Result<Self, JobError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let malformed = |error: serde_json::Error| JobError::Malformed {
            line: error.line(),
            column: error.column(),
        };
        let Versioned { version: found } = serde_json::from_str(body).map_err(malformed)?;
        if found != VERSION {
            return Err(JobError::UnknownVersion { found });
        }
        serde_json::from_str(body).map_err(malformed)
    }
}

impl std::fmt::Debug for Job {
    /// Without the prompt, so that no log can hold it.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Job")
            .field("version", &self.version)
            .field("session_id", &self.session_id)
            .field("delivery", &self.delivery)
            .field("prompt_bytes", &self.prompt.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        let owner = Owner::new("owner").expect("not empty");
        Job::new(
            SessionId::random(),
            owner,
            "A \"prompt\"\n with ünïcode".to_owned(),
            1_700_000_000_000,
        )
    }

    #[test]
    fn a_job_reads_back_as_written() {
        let job = job();
        assert_eq!(Job::from_json(&job.to_json()).expect("reads"), job);
    }

    #[test]
    fn what_is_no_job_is_refused_without_showing_it() {
        let other_version = job().to_json().replace("\"version\":1", "\"version\":2");
        for (body, expected) in [
            ("", "the body is not a job: at line 1, column 0"),
            (
                "{\"prompt\":\"secret\"}",
                "the body is not a job: at line 1, column 19",
            ),
            ("secret", "the body is not a job: at line 1, column 1"),
            (
                "{\"version\":1,\"prompt\":\"secret\"}",
                "the body is not a job: at line 1, column 31",
            ),
            (&other_version, "the job's version is 2, expected 1"),
        ] {
            assert_eq!(
                Job::from_json(body).expect_err("refused").to_string(),
                expected
            );
        }
        assert!(!format!("{:?}", job()).contains("prompt\""));
    }
}
