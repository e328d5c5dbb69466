//! The function's environment variables.

use tokencast_aws::config::{ConfigError, Reader};
use tokencast_aws::jwt::JwtIssuer;
use tokencast_aws::settings;
use tokencast_core::requests::Rules;

/// Which part the function is: that of the routes if `CONNECTIONS_TABLE` is set, else the authorizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Config {
    /// `COGNITO_ISSUER`, `COGNITO_CLIENT_ID`: whose tokens are taken.
    Authorizer(JwtIssuer),
    Routes(Box<RoutesConfig>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutesConfig {
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
    pub fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let config = match reader.optional("CONNECTIONS_TABLE") {
            None => Self::Authorizer(JwtIssuer::read(&mut reader)),
            Some(connections_table) => Self::Routes(Box::new(RoutesConfig {
                connections_table,
                sessions_table: reader.required("SESSIONS_TABLE", "the name of a DynamoDB table"),
                queue_url: reader.url("QUEUE_URL", "the URL of an SQS queue"),
                callback_url: reader.url(
                    "WEBSOCKET_CALLBACK_URL",
                    "the callback URL of a WebSocket API's stage",
                ),
                rules: settings::rules(&mut reader),
            })),
        };
        reader.finish(config)
    }
}
