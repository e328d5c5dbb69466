//! Jobs: what the request function asks of the worker, as a message in the queue.
//!
//! While a deployment runs, old functions write jobs for new ones, and new functions for old ones. So a reader takes
//! the version before its own and the one after it, and ignores fields that it doesn't know. A version may add fields
//! that have a default. A field with another meaning needs another name.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::assistant::AssistantName;
use crate::brought::Brought;
use crate::id::{ConversationId, Owner, SessionId};
use crate::time::Timestamp;

/// The version that this code writes.
pub const VERSION: u32 = 4;

/// The versions that this code reads.
pub const READABLE: RangeInclusive<u32> = VERSION - 1..=VERSION + 1;

/// The longest job that a queue takes.
pub const MAX_JOB_BYTES: usize = 1024 * 1024;

/// The channel by which an answer reaches whoever asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Channel {
    /// The answer is published to the session's subscribers.
    #[default]
    Subscription,
    /// The answer is pushed to the connections that follow the session.
    Connection,
    /// The function that took the request streams the answer as its response. The job is in the queue only in case that
    /// fails.
    Response,
}

/// One prompt to answer.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    version: u32,
    pub session_id: SessionId,
    pub owner: Owner,
    pub prompt: String,
    #[serde(rename = "delivery", default)]
    pub channel: Channel,
    /// When the client asked.
    #[serde(rename = "requestedAtMs")]
    pub requested_at: Timestamp,
    /// A worker that comes later ends the session, unless its record says otherwise.
    #[serde(rename = "startByMs", default, skip_serializing_if = "Option::is_none")]
    pub start_by: Option<Timestamp>,
    /// The conversation that the session is a turn of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// The session that it continues there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<SessionId>,
    /// What the client brought with the prompt.
    #[serde(default, skip_serializing_if = "Brought::is_empty")]
    pub brought: Brought,
    /// The assistant that answers. A job of a function that knew of none has `None`: the default one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assistant: Option<AssistantName>,
}

/// A conversation whose sessions' remains are to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Purge {
    version: u32,
    kind: PurgeKind,
    pub conversation_id: ConversationId,
    pub owner: Owner,
    #[serde(rename = "requestedAtMs")]
    pub requested_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum PurgeKind {
    Purge,
}

/// What a message in the queue asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    Answer(Box<Job>),
    Purge(Purge),
}

/// Why a message's body is not a job. The error never quotes the body, which may hold a prompt.
#[derive(Debug, Error)]
pub enum JobError {
    #[error("the body is not a job: at line {line}, column {column}")]
    Malformed { line: usize, column: usize },
    #[error("the job's version is {found}, expected {} to {}", READABLE.start(), READABLE.end())]
    UnknownVersion { found: u32 },
}

impl Job {
    pub fn new(
        session_id: SessionId,
        owner: Owner,
        prompt: String,
        requested_at: Timestamp,
    ) -> Self {
        Self {
            version: VERSION,
            session_id,
            owner,
            prompt,
            channel: Channel::default(),
            requested_at,
            start_by: None,
            conversation_id: None,
            parent_id: None,
            brought: Brought::default(),
            assistant: None,
        }
    }

    /// Makes it the job of an assistant.
    #[must_use]
    pub fn of_assistant(self, assistant: Option<AssistantName>) -> Self {
        Self { assistant, ..self }
    }

    /// Makes it the job of a turn of a conversation.
    #[must_use]
    pub fn within(self, conversation_id: ConversationId, parent_id: Option<SessionId>) -> Self {
        Self {
            conversation_id: Some(conversation_id),
            parent_id,
            ..self
        }
    }

    #[must_use]
    pub fn start_by(self, start_by: Timestamp) -> Self {
        let start_by = Some(start_by);
        Self { start_by, ..self }
    }

    #[must_use]
    pub fn with(self, brought: Brought) -> Self {
        Self { brought, ..self }
    }

    #[must_use]
    pub fn over(self, channel: Channel) -> Self {
        Self { channel, ..self }
    }

    /// The job as JSON, in characters that every queue takes. SQS refuses U+FFFE and U+FFFF, which JSON does not
    /// require to be escaped. JSON has neither outside of strings.
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string(self).expect("strings and numbers always serialize");
        if json.contains(['\u{fffe}', '\u{ffff}']) {
            json.replace('\u{fffe}', "\\ufffe")
                .replace('\u{ffff}', "\\uffff")
        } else {
            json
        }
    }

    /// # Errors
    ///
    /// [`JobError`] if the body is not a job, or is of a version that this code does not read.
    pub fn from_json(body: &str) -> Result<Self, JobError> {
        check_version(body)?;
        serde_json::from_str(body).map_err(malformed)
    }
}

impl Purge {
    pub fn new(conversation_id: ConversationId, owner: Owner, requested_at: Timestamp) -> Self {
        Self {
            version: VERSION,
            kind: PurgeKind::Purge,
            conversation_id,
            owner,
            requested_at,
        }
    }

    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers always serialize")
    }
}

impl Work {
    /// # Errors
    ///
    /// [`JobError`] if the body is neither a job nor a purge, or is of a version that this code does not read.
    pub fn from_json(body: &str) -> Result<Self, JobError> {
        match check_version(body)?.as_deref() {
            None => serde_json::from_str(body)
                .map(|job| Self::Answer(Box::new(job)))
                .map_err(malformed),
            Some(_) => serde_json::from_str(body)
                .map(Self::Purge)
                .map_err(malformed),
        }
    }
}

/// The body's `kind`, if it is of a version that this code reads.
fn check_version(body: &str) -> Result<Option<String>, JobError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
        #[serde(default)]
        kind: Option<String>,
    }
    let Versioned {
        version: found,
        kind,
    } = serde_json::from_str(body).map_err(malformed)?;
    if !READABLE.contains(&found) {
        return Err(JobError::UnknownVersion { found });
    }
    Ok(kind)
}

#[expect(clippy::needless_pass_by_value, reason = "it maps an error")]
fn malformed(error: serde_json::Error) -> JobError {
    JobError::Malformed {
        line: error.line(),
        column: error.column(),
    }
}

impl std::fmt::Debug for Job {
    /// Without the prompt, so that no log can hold it.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Job")
            .field("version", &self.version)
            .field("session_id", &self.session_id)
            .field("channel", &self.channel)
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
            Timestamp::from_millis(1_700_000_000_000),
        )
    }

    #[test]
    fn a_job_reads_back_as_written() {
        let job = job();
        assert_eq!(Job::from_json(&job.to_json()).expect("reads"), job);
    }

    #[test]
    fn a_purge_is_told_from_a_job() {
        let job = job().within(ConversationId::random(), Some(SessionId::random()));
        let read = Work::from_json(&job.to_json()).expect("reads");
        assert_eq!(read, Work::Answer(Box::new(job.clone())));
        let purge = Purge::new(ConversationId::random(), job.owner, Timestamp::EPOCH);
        let read = Work::from_json(&purge.to_json()).expect("reads");
        assert_eq!(read, Work::Purge(purge.clone()));
        Job::from_json(&purge.to_json()).expect_err("no job");
        let other = purge.to_json().replace("\"purge\"", "\"other\"");
        Work::from_json(&other).expect_err("unknown");
    }

    /// `tests/fixtures/jobs.json`: what an older and a newer function write.
    #[test]
    fn jobs_of_the_versions_beside_this_one_are_read() {
        let jobs = include_str!("../../../tests/fixtures/jobs.json");
        let jobs: Vec<serde_json::Value> = serde_json::from_str(jobs).expect("the fixture");
        let mut versions = Vec::new();
        for case in jobs {
            let job = Job::from_json(&case["job"].to_string()).expect("reads");
            let expected = &case["expected"];
            assert_eq!(serde_json::json!(job.session_id), expected["sessionId"]);
            assert_eq!(serde_json::json!(job.owner), expected["owner"]);
            assert_eq!(serde_json::json!(job.prompt), expected["prompt"]);
            assert_eq!(serde_json::json!(job.channel), expected["delivery"]);
            let brought = expected.get("brought").cloned();
            let brought = brought.unwrap_or_else(|| serde_json::json!({}));
            assert_eq!(serde_json::json!(job.brought), brought);
            versions.push(job.version);
        }
        assert_eq!(versions, [VERSION - 1, VERSION, VERSION + 1]);
    }

    #[test]
    fn every_character_is_one_that_a_queue_takes() {
        let all: String = ('\0'..=char::MAX).collect();
        let mut job = job();
        job.prompt = all;
        let json = job.to_json();
        let takes = |character: char| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        assert_eq!(json.chars().find(|character| !takes(*character)), None);
        assert!(Job::from_json(&json).expect("reads") == job);
    }

    #[test]
    fn what_is_no_job_is_refused_without_showing_it() {
        let other_version = |version: u32| {
            let other = format!("\"version\":{version}");
            job().to_json().replace("\"version\":4", &other)
        };
        for (body, expected) in [
            ("", "the body is not a job: at line 1, column 0"),
            (
                "{\"prompt\":\"secret\"}",
                "the body is not a job: at line 1, column 19",
            ),
            ("secret", "the body is not a job: at line 1, column 1"),
            (
                "{\"version\":3,\"prompt\":\"secret\"}",
                "the body is not a job: at line 1, column 31",
            ),
            (&other_version(2), "the job's version is 2, expected 3 to 5"),
            (&other_version(6), "the job's version is 6, expected 3 to 5"),
        ] {
            assert_eq!(
                Job::from_json(body).expect_err("refused").to_string(),
                expected
            );
        }
        assert!(!format!("{:?}", job()).contains("prompt\""));
    }
}
