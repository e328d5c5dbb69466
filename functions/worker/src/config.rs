//! The function's environment variables.

use std::time::Duration;

use tokencast_aws::bedrock::ModelSettings;
use tokencast_aws::config::{ConfigError, Reader};
use tokencast_core::deliver::Policy;
use tokencast_core::pipeline::{PublishMode, Settings};

#[derive(Clone, Debug)]
pub struct Config {
    /// `APPSYNC_API_URL`: the API's GraphQL endpoint.
    pub appsync_api_url: String,
    /// `WEBSOCKET_CALLBACK_URL`: where a WebSocket API's connections are posted to, if there is one.
    pub websocket_callback_url: Option<String>,
    /// `QUEUE_URL`: the queue that the messages are from.
    pub queue_url: String,
    /// `SESSIONS_TABLE`: the DynamoDB table of sessions.
    pub sessions_table: String,
    /// `MODEL_ID`, `SYSTEM_PROMPT`, `MAX_TOKENS`, `TEMPERATURE`.
    pub model: ModelSettings,
    /// `FLUSH_INTERVAL_MS`, `PUBLISH_MODE`, `CHECKPOINT_INTERVAL_MS`, `LEASE_SECONDS`, `MODEL_IDLE_TIMEOUT_MS`.
    pub pipeline: Settings,
    /// `MAX_ATTEMPTS`, `SESSION_TTL_HOURS`.
    pub policy: Policy,
    /// `DEADLINE_RESERVE_MS`: how long before Lambda's deadline an answer is ended, to end it properly.
    pub deadline_reserve: Duration,
}

impl Config {
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let config = Self {
            appsync_api_url: reader
                .url("APPSYNC_API_URL", "the GraphQL endpoint of an AppSync API"),
            websocket_callback_url: reader.optional_url(
                "WEBSOCKET_CALLBACK_URL",
                "the callback URL of a WebSocket API's stage",
            ),
            queue_url: reader.url("QUEUE_URL", "the URL of an SQS queue"),
            sessions_table: reader.required("SESSIONS_TABLE", "the name of a DynamoDB table"),
            model: ModelSettings {
                model_id: reader
                    .required("MODEL_ID", "the id of a Bedrock model or inference profile"),
                system_prompt: reader.optional("SYSTEM_PROMPT"),
                max_tokens: reader.number("MAX_TOKENS", 1..=200_000, 4096),
                temperature: reader.optional_number("TEMPERATURE", 0.0..=1.0),
            },
            pipeline: Settings {
                publish_mode: reader.choice(
                    "PUBLISH_MODE",
                    &[
                        ("joined", PublishMode::Joined),
                        ("token", PublishMode::Token),
                    ],
                ),
                flush_interval: reader.millis("FLUSH_INTERVAL_MS", 0..=1000, 0),
                checkpoint_interval: reader.millis("CHECKPOINT_INTERVAL_MS", 50..=5000, 500),
                lease: Duration::from_secs(reader.number("LEASE_SECONDS", 1..=900, 30)),
                model_idle_timeout: reader.millis("MODEL_IDLE_TIMEOUT_MS", 100..=300_000, 30_000),
            },
            policy: Policy {
                max_attempts: reader.number("MAX_ATTEMPTS", 1..=100, 3),
                session_ttl: Duration::from_hours(reader.number("SESSION_TTL_HOURS", 1..=8760, 24)),
            },
            deadline_reserve: reader.millis("DEADLINE_RESERVE_MS", 100..=60_000, 10_000),
        };
        reader.finish(config)
    }
}
