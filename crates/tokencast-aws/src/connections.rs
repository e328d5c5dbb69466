//! The table of WebSocket connections in DynamoDB. Each connection is an item, with the sessions that are pushed to it.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use thiserror::Error;
use tokencast_core::id::{Owner, SessionId};
use tokencast_core::time::Timestamp;

/// The partition key.
pub const KEY: &str = "connectionId";

/// The attribute that DynamoDB's TTL reads: seconds since the Unix epoch.
pub const TTL: &str = "expiresAt";

/// How long a connection lives at most: API Gateway ends it after two hours.
pub const MAX_LIFE: Duration = Duration::from_hours(2);

const SESSIONS: &str = "sessions";

#[derive(Clone, Debug)]
pub struct ConnectionTable {
    client: Client,
    name: String,
}

#[derive(Debug, Error)]
#[error("connection table: {operation} failed")]
pub struct ConnectionError {
    pub operation: &'static str,
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl ConnectionTable {
    pub fn new(sdk: &SdkConfig, name: String) -> Self {
        Self {
            client: Client::new(sdk),
            name,
        }
    }

    /// Writes a new connection.
    ///
    /// # Errors
    ///
    /// DynamoDB does not answer.
    pub async fn put(
        &self,
        id: &str,
        owner: &Owner,
        now: Timestamp,
    ) -> Result<(), ConnectionError> {
        let put = self.client.put_item().table_name(&self.name);
        let put = put
            .item(KEY, AttributeValue::S(id.to_owned()))
            .item("owner", AttributeValue::S(owner.as_str().to_owned()))
            .item(TTL, expires_at(now));
        put.send().await.map(drop).map_err(failed("PutItem"))
    }

    /// Writes down that a session is pushed to a connection. Does nothing if the connection is gone.
    ///
    /// # Errors
    ///
    /// DynamoDB does not answer.
    pub async fn add_session(&self, id: &str, session: SessionId) -> Result<(), ConnectionError> {
        let update = self.client.update_item().table_name(&self.name);
        let sessions = AttributeValue::Ss(vec![session.to_string()]);
        let updated = update
            .key(KEY, AttributeValue::S(id.to_owned()))
            .update_expression("ADD #sessions :session")
            .condition_expression("attribute_exists(#key)")
            .expression_attribute_names("#sessions", SESSIONS)
            .expression_attribute_names("#key", KEY)
            .expression_attribute_values(":session", sessions)
            .send()
            .await;
        match updated {
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            updated => updated.map(drop).map_err(failed("UpdateItem")),
        }
    }

    /// Deletes a connection. Returns the sessions that were pushed to it.
    ///
    /// # Errors
    ///
    /// DynamoDB does not answer.
    pub async fn delete(&self, id: &str) -> Result<Vec<SessionId>, ConnectionError> {
        let delete = self.client.delete_item().table_name(&self.name);
        let deleted = delete
            .key(KEY, AttributeValue::S(id.to_owned()))
            .return_values(ReturnValue::AllOld)
            .send()
            .await
            .map_err(failed("DeleteItem"))?;
        Ok(sessions(&deleted.attributes.unwrap_or_default()))
    }
}

fn sessions(item: &HashMap<String, AttributeValue>) -> Vec<SessionId> {
    let Some(AttributeValue::Ss(sessions)) = item.get(SESSIONS) else {
        return Vec::new();
    };
    sessions.iter().filter_map(|id| id.parse().ok()).collect()
}

fn expires_at(now: Timestamp) -> AttributeValue {
    AttributeValue::N((now + MAX_LIFE).as_secs().to_string())
}

fn failed<E: std::error::Error + Send + Sync + 'static>(
    operation: &'static str,
) -> impl FnOnce(E) -> ConnectionError {
    move |source| ConnectionError {
        operation,
        source: source.into(),
    }
}
