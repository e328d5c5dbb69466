//! The table of WebSocket connections in DynamoDB. Each connection is an item, with the sessions that are pushed to it.

use std::collections::HashMap;
use std::fmt;
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

/// The beginning of the attributes that note requests.
const REQUEST: &str = "request ";

#[derive(Clone, Debug)]
pub struct ConnectionTable {
    client: Client,
    name: String,
}

/// What is known of a request of the AI SDK's `WebSocketChatTransport`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotedRequest {
    /// Its id is taken. What it is of isn't known yet.
    Taken,
    /// It asked for this session's answer.
    Sent(SessionId),
    /// It resumed this session's answer.
    Resumed(SessionId),
    Aborted,
}

impl NotedRequest {
    fn read(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            Some(("sent", id)) => id.parse().ok().map(Self::Sent),
            Some(("resumed", id)) => id.parse().ok().map(Self::Resumed),
            None if text == "taken" => Some(Self::Taken),
            None if text == "aborted" => Some(Self::Aborted),
            _ => None,
        }
    }
}

impl fmt::Display for NotedRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => formatter.write_str("taken"),
            Self::Sent(id) => write!(formatter, "sent {id}"),
            Self::Resumed(id) => write!(formatter, "resumed {id}"),
            Self::Aborted => formatter.write_str("aborted"),
        }
    }
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

    /// Writes what is known of a request of the connection's, and returns what was known before. Does nothing if the
    /// connection is gone.
    ///
    /// # Errors
    ///
    /// DynamoDB does not answer.
    pub async fn note_request(
        &self,
        id: &str,
        request_id: &str,
        noted: NotedRequest,
    ) -> Result<Option<NotedRequest>, ConnectionError> {
        let expression = "SET #request = :noted";
        self.update_request(id, request_id, noted, expression).await
    }

    /// Takes the id of a request, unless something is known of it, which is returned. Does nothing if the connection is
    /// gone.
    ///
    /// # Errors
    ///
    /// DynamoDB does not answer.
    pub async fn take_request(
        &self,
        id: &str,
        request_id: &str,
    ) -> Result<Option<NotedRequest>, ConnectionError> {
        let expression = "SET #request = if_not_exists(#request, :noted)";
        self.update_request(id, request_id, NotedRequest::Taken, expression)
            .await
    }

    async fn update_request(
        &self,
        id: &str,
        request_id: &str,
        noted: NotedRequest,
        expression: &str,
    ) -> Result<Option<NotedRequest>, ConnectionError> {
        // Each request has an attribute of its own, so that two that come at once don't overwrite each other.
        let name = format!("{REQUEST}{request_id}");
        let update = self.client.update_item().table_name(&self.name);
        let updated = update
            .key(KEY, AttributeValue::S(id.to_owned()))
            .update_expression(expression)
            .condition_expression("attribute_exists(#key)")
            .expression_attribute_names("#request", &name)
            .expression_attribute_names("#key", KEY)
            .expression_attribute_values(":noted", AttributeValue::S(noted.to_string()))
            .return_values(ReturnValue::UpdatedOld)
            .send()
            .await;
        match updated {
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(None)
            }
            updated => {
                let updated = updated.map_err(failed("UpdateItem"))?;
                let old = updated.attributes.and_then(|mut old| old.remove(&name));
                Ok(match old {
                    Some(AttributeValue::S(noted)) => NotedRequest::read(&noted),
                    _ => None,
                })
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_of_a_request_reads_back() {
        let id = SessionId::random();
        for noted in [
            NotedRequest::Taken,
            NotedRequest::Sent(id),
            NotedRequest::Resumed(id),
            NotedRequest::Aborted,
        ] {
            assert_eq!(NotedRequest::read(&noted.to_string()), Some(noted));
        }
        for other in ["", "sent", "sent x", "other"] {
            assert_eq!(NotedRequest::read(other), None, "{other}");
        }
    }
}
