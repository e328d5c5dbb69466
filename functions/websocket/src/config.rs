//! The function's environment variables.

use tokencast_aws::config::{ConfigError, Reader};
use tokencast_aws::settings;
use tokencast_core::requests::Rules;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `CONNECTIONS_TABLE`: the DynamoDB table of connections.
    pub connections_table: String,
    /// `SESSIONS_TABLE`: the DynamoDB table of sessions.
    pub sessions_table: String,
    /// `QUEUE_URL`: where jobs go.
    pub queue_url: String,
    /// `WEBSOCKET_CALLBACK_URL`: where connections are posted to.
    pub callback_url: String,
    /// `MAX_PROMPT_BYTES`, `SESSION_TTL_HOURS`, `START_WITHIN_SECONDS`.
    pub rules: Rules,
}

impl Config {
    /// Reads the variables by `lookup`.
    ///
    /// # Errors
    ///
    /// If one is missing or not as expected: all of them are told at once.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let config = Self {
            connections_table: reader.required("CONNECTIONS_TABLE", "the name of a DynamoDB table"),
            sessions_table: reader.required("SESSIONS_TABLE", "the name of a DynamoDB table"),
            queue_url: reader.url("QUEUE_URL", "the URL of an SQS queue"),
            callback_url: reader.url(
                "WEBSOCKET_CALLBACK_URL",
                "the callback URL of a WebSocket API's stage",
            ),
            rules: settings::rules(&mut reader),
        };
        reader.finish(config)
    }
}
