//! The function's environment variables.

use tokencast_aws::config::{ConfigError, Reader};
use tokencast_aws::requests::RequestSettings;

#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `QUEUE_URL`, `SESSIONS_TABLE`, `CONVERSATIONS_TABLE`, `APPSYNC_API_URL`, `ASSISTANTS_FILE`, `QUOTAS`, `QUOTAS_TABLE`,
    /// and the rules of requests.
    pub requests: RequestSettings,
}

impl Config {
    /// # Errors
    ///
    /// A variable is missing or malformed; the error names each of them, what it is, and what was expected.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let config = Self {
            requests: RequestSettings::read(&mut reader),
        };
        reader.finish(config)
    }
}
