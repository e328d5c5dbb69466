//! The function's environment variables.

use std::time::Duration;

use tokencast_aws::bedrock::ModelSettings;
use tokencast_aws::config::{ConfigError, Reader};
use tokencast_aws::settings;
use tokencast_core::deliver::Policy;
use tokencast_core::pipeline::Settings;

#[derive(Clone, Debug)]
pub struct Config {
    /// `APPSYNC_API_URL`: the API's GraphQL endpoint.
    pub appsync_api_url: String,
    /// `WEBSOCKET_CALLBACK_URL`: where a WebSocket API's connections are posted to, if there is one.
    pub websocket_callback_url: Option<String>,
    /// `QUEUE_URL`: the queue that the messages are from.
    pub queue_url: String,
    /// `DEAD_LETTER_QUEUE_URL`: where messages go that nobody can answer.
    pub dead_letter_queue_url: String,
    /// `SESSIONS_TABLE`: the DynamoDB table of sessions.
    pub sessions_table: String,
    /// `CONVERSATIONS_TABLE`: the DynamoDB table of conversations.
    pub conversations_table: String,
    /// `QUOTAS_TABLE`: the DynamoDB table of quotas, if there is one.
    pub quotas_table: Option<String>,
    /// `CONVERSATION_TTL_DAYS`: how long a conversation is kept after its last turn.
    pub conversation_ttl: Duration,
    /// `TITLE_MODEL_ID`: the model that makes titles, if one does.
    pub title_model_id: Option<String>,
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
}

impl Config {
    /// # Errors
    ///
    /// A variable is missing or malformed; the error names each of them, what it is, and what was expected.
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
            dead_letter_queue_url: reader.url(
                "DEAD_LETTER_QUEUE_URL",
                "the URL of an SQS queue that triggers nothing",
            ),
            sessions_table: reader.required("SESSIONS_TABLE", "the name of a DynamoDB table"),
            conversations_table: settings::conversations_table(&mut reader),
            quotas_table: settings::quotas_table(&mut reader),
            conversation_ttl: settings::conversation_ttl(&mut reader),
            title_model_id: reader.optional("TITLE_MODEL_ID"),
            model: settings::model(&mut reader),
            pipeline: settings::pipeline(&mut reader),
            policy: settings::policy(&mut reader),
            deadline_reserve: settings::deadline_reserve(&mut reader),
        };
        reader.finish(config)
    }
}
