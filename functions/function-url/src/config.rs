//! The function's environment variables.

use std::time::Duration;

use tokencast_aws::bedrock::ModelSettings;
use tokencast_aws::config::{ConfigError, Reader};
use tokencast_aws::jwt::JwtIssuer;
use tokencast_aws::requests::RequestSettings;
use tokencast_aws::settings;
use tokencast_core::deliver::Policy;
use tokencast_core::pipeline::Settings;

/// What a client gets that has all events of a session that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NothingLeft {
    /// 204.
    NoContent,
    /// 200, and a stream without events, for accounts on which Lambda keeps a response without a body open.
    EventStream,
}

#[derive(Clone, Debug)]
pub struct Config {
    /// `QUEUE_URL`, where the job goes that takes over from a function that died; `SESSIONS_TABLE`, `CONVERSATIONS_TABLE`,
    /// `APPSYNC_API_URL`, and the rules of requests.
    pub requests: RequestSettings,
    /// `COGNITO_ISSUER`, `COGNITO_CLIENT_ID`.
    pub jwt_issuer: JwtIssuer,
    /// `ASSISTANTS_FILE`, or else `MODEL_ID`, `SYSTEM_PROMPT`, `MAX_TOKENS`, `TEMPERATURE`, `PROMPT_CACHING`;
    /// `LOG_MODEL_ERRORS`.
    pub model: ModelSettings,
    /// `FLUSH_INTERVAL_MS`, `PUBLISH_MODE`, `CHECKPOINT_INTERVAL_MS`, `LEASE_SECONDS`, `MODEL_FIRST_TOKEN_TIMEOUT_MS`,
    /// `MODEL_IDLE_TIMEOUT_MS`, `THROTTLE_PATIENCE_SECONDS`.
    pub pipeline: Settings,
    /// `MAX_ATTEMPTS`, `SESSION_TTL_HOURS`, `MAX_HISTORY_TOKENS`.
    pub policy: Policy,
    /// `DEADLINE_RESERVE_MS`: how long before Lambda's deadline an answer is ended, to end it properly.
    pub deadline_reserve: Duration,
    /// `NOTHING_LEFT`: what a client gets that has all events already.
    pub nothing_left: NothingLeft,
}

impl Config {
    /// # Errors
    ///
    /// A variable is missing or malformed; the error names each of them, what it is, and what was expected.
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let config = Self {
            requests: RequestSettings::read(&mut reader),
            jwt_issuer: JwtIssuer::read(&mut reader),
            model: settings::model(&mut reader),
            pipeline: settings::pipeline(&mut reader),
            policy: settings::policy(&mut reader),
            deadline_reserve: settings::deadline_reserve(&mut reader),
            nothing_left: reader.choice(
                "NOTHING_LEFT",
                &[
                    ("no-content", NothingLeft::NoContent),
                    ("event-stream", NothingLeft::EventStream),
                ],
            ),
        };
        reader.finish(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let lookup = |name: &str| match name {
            "LEASE_SECONDS" => Some("soon".to_owned()),
            "NOTHING_LEFT" => Some("204".to_owned()),
            "QUEUE_URL" => Some("http://localhost/queue".to_owned()),
            _ => None,
        };
        let error = Config::read(&lookup).expect_err("refused").to_string();
        for expected in [
            "`SESSIONS_TABLE` is not set",
            "`CONVERSATIONS_TABLE` is not set",
            "`APPSYNC_API_URL` is not set",
            "`COGNITO_ISSUER` is not set",
            "`COGNITO_CLIENT_ID` is not set",
            "`MODEL_ID` is not set",
            "`LEASE_SECONDS` is `soon`, expected 1 to 900",
            "`NOTHING_LEFT` is `204`, expected `no-content` or `event-stream`",
        ] {
            assert!(error.contains(expected), "{expected}: {error}");
        }
        assert!(!error.contains("QUEUE_URL"), "{error}");
    }
}
