//! The function's environment variables.

use tokencast_aws::config::{ConfigError, Reader};
use tokencast_aws::settings;
use tokencast_core::requests::Rules;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `QUEUE_URL`: where jobs go.
    pub queue_url: String,
    /// `SESSIONS_TABLE`: the DynamoDB table of sessions.
    pub sessions_table: String,
    /// `MAX_PROMPT_BYTES`, `SESSION_TTL_HOURS`, `START_WITHIN_SECONDS`.
    pub rules: Rules,
}

impl Config {
    /// # Errors
    ///
    /// A variable is missing or malformed; the error names each of them, what it is, and what was expected.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let config = Self {
            queue_url: reader.url("QUEUE_URL", "the URL of an SQS queue"),
            sessions_table: reader.required("SESSIONS_TABLE", "the name of a DynamoDB table"),
            rules: settings::rules(&mut reader),
        };
        reader.finish(config)
    }
}
