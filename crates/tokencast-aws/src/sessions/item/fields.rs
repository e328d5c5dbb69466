//! The attributes of an item that have fields of their own.

use serde::{Deserialize, Deserializer, Serialize};
use tokencast_core::event::Usage;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::{Attempt, Position, Sequence};
use tokencast_core::session::Follower;

#[derive(Serialize, Deserialize)]
pub(super) struct FollowerRecord {
    address: String,
    attempt: Attempt,
    sequence: Sequence,
}

#[derive(Serialize, Deserialize)]
pub(super) struct FailureRecord {
    #[serde(deserialize_with = "failure_code")]
    code: FailureCode,
    message: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct UsageRecord {
    input: u32,
    output: u32,
    total: u32,
}

/// Reads an unknown code, which a newer function may have written, as [`FailureCode::Internal`].
fn failure_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FailureCode, D::Error> {
    let code = String::deserialize(deserializer)?;
    Ok(code.parse().unwrap_or(FailureCode::Internal))
}

impl From<&Follower> for FollowerRecord {
    fn from(follower: &Follower) -> Self {
        let Position { attempt, sequence } = follower.position;
        Self {
            address: follower.address.clone(),
            attempt,
            sequence,
        }
    }
}

impl From<FollowerRecord> for Follower {
    fn from(record: FollowerRecord) -> Self {
        Self {
            address: record.address,
            position: Position {
                attempt: record.attempt,
                sequence: record.sequence,
            },
        }
    }
}

impl From<Failure> for FailureRecord {
    fn from(failure: Failure) -> Self {
        let Failure { code, message } = failure;
        Self { code, message }
    }
}

impl From<FailureRecord> for Failure {
    fn from(record: FailureRecord) -> Self {
        Self::new(record.code, record.message)
    }
}

impl From<Usage> for UsageRecord {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.input_tokens,
            output: usage.output_tokens,
            total: usage.total_tokens,
        }
    }
}

impl From<UsageRecord> for Usage {
    fn from(record: UsageRecord) -> Self {
        Self {
            input_tokens: record.input,
            output_tokens: record.output,
            total_tokens: record.total,
            ..Self::default()
        }
    }
}
