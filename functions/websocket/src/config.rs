//! The function's environment variables.

use tokencast_aws::config::{ConfigError, Reader};
use tokencast_aws::requests::RequestSettings;

#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `CONNECTIONS_TABLE`: the DynamoDB table of connections.
    pub connections_table: String,
    /// `WEBSOCKET_CALLBACK_URL`: the endpoint that posts to connections.
    pub callback_url: String,
    /// `QUEUE_URL`, `SESSIONS_TABLE`, `CONVERSATIONS_TABLE`, `APPSYNC_API_URL`, `QUOTAS`,
    /// `QUOTAS_TABLE`, and the rules of requests.
    pub requests: RequestSettings,
}

impl Config {
    /// Reads the variables by `lookup`.
    ///
    /// # Errors
    ///
    /// If a variable is missing or not valid. The error lists all such variables.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let config = Self {
            connections_table: reader.required("CONNECTIONS_TABLE", "the name of a DynamoDB table"),
            callback_url: reader.url(
                "WEBSOCKET_CALLBACK_URL",
                "the callback URL of a WebSocket API's stage",
            ),
            requests: RequestSettings::read(&mut reader),
        };
        reader.finish(config)
    }
}
