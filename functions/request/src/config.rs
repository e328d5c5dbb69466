//! The function's environment variables.

use std::time::Duration;

use tokencast_aws::config::{ConfigError, Reader};
use tokencast_core::requests::Rules;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `QUEUE_URL`: where jobs go.
    pub queue_url: String,
    /// `SESSIONS_TABLE`: the DynamoDB table of sessions.
    pub sessions_table: String,
    /// `MAX_PROMPT_BYTES`, `SESSION_TTL_HOURS`.
    pub rules: Rules,
}

impl Config {
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let config = Self {
            queue_url: reader.url("QUEUE_URL", "the URL of an SQS queue"),
            sessions_table: reader.required("SESSIONS_TABLE", "the name of a DynamoDB table"),
            rules: Rules {
                // SQS takes 1 MiB in all.
                max_prompt_bytes: reader.number("MAX_PROMPT_BYTES", 1..=500_000, 100_000),
                session_ttl: Duration::from_hours(reader.number("SESSION_TTL_HOURS", 1..=8760, 24)),
            },
        };
        reader.finish(config)
    }
}
