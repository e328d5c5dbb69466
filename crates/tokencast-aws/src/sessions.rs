//! The session table in DynamoDB: one item a session, written by compare and set on its `version`.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use tokencast_core::id::SessionId;
use tokencast_core::ports::{Conflict, SessionStore, StoreError, Version, Versioned};
use tokencast_core::session::Session;

mod item;

/// The partition key.
pub const KEY: &str = "sessionId";

/// The attribute that DynamoDB's TTL reads: seconds since the Unix epoch.
pub const TTL: &str = "expiresAt";

#[derive(Clone, Debug)]
pub struct SessionTable {
    client: Client,
    name: String,
}

impl SessionTable {
    pub fn new(sdk: &SdkConfig, name: String) -> Self {
        Self {
            client: Client::new(sdk),
            name,
        }
    }
}

impl SessionStore for SessionTable {
    async fn get(&self, id: SessionId) -> Result<Option<Versioned>, StoreError> {
        const OPERATION: &str = "GetItem";
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .consistent_read(true);
        let got = get.key(KEY, AttributeValue::S(id.to_string())).send().await;
        let item = got
            .map_err(|source| StoreError {
                operation: OPERATION,
                source: source.into(),
            })?
            .item;
        item.map(|item| read(OPERATION, &item)).transpose()
    }

    async fn put(
        &self,
        session: &Session,
        expected: Option<Version>,
    ) -> Result<Result<Version, Conflict>, StoreError> {
        const OPERATION: &str = "PutItem";
        let version = Version(expected.map_or(1, |expected| expected.0 + 1));
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item::write(session, version)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match expected {
            None => put
                .condition_expression("attribute_not_exists(#key)")
                .expression_attribute_names("#key", KEY),
            Some(expected) => put
                .condition_expression("#version = :expected")
                .expression_attribute_names("#version", item::VERSION)
                .expression_attribute_values(
                    ":expected",
                    AttributeValue::N(expected.0.to_string()),
                ),
        };
        let Err(error) = put.send().await else {
            return Ok(Ok(version));
        };
        if let Some(PutItemError::ConditionalCheckFailedException(failed)) =
            error.as_service_error()
        {
            let found = failed
                .item()
                .map(|item| read(OPERATION, item))
                .transpose()?;
            return Ok(Err(Conflict(found)));
        }
        Err(StoreError {
            operation: OPERATION,
            source: error.into(),
        })
    }
}

fn read(operation: &'static str, item: &item::Item) -> Result<Versioned, StoreError> {
    item::read(item).map_err(|source| StoreError {
        operation,
        source: source.into(),
    })
}
