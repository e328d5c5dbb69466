//! Creates the tables.

use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::update_time_to_live::{TimeToLiveSpecification, UpdateTimeToLiveRequest};
use dynoxide::types::{
    AttributeDefinition, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use dynoxide::{Database, DynoxideError};

use crate::config::{IndexConfig, KeyAttributeType, TableConfig};

/// Creates the table if it doesn't exist yet.
pub(crate) fn ensure(database: &Database, table: &TableConfig) -> Result<(), DynoxideError> {
    if database.get_table_metadata(&table.name)?.is_some() {
        return Ok(());
    }
    let sort_key = table.sort_key.as_ref().map(|key| key.name.as_str());
    let indexes: Vec<_> = table.indexes.iter().map(global_index).collect();
    database.create_table(CreateTableRequest {
        table_name: table.name.clone(),
        key_schema: key_schema(&table.partition_key, sort_key),
        attribute_definitions: attribute_definitions(table),
        global_secondary_indexes: (!indexes.is_empty()).then_some(indexes),
        billing_mode: Some("PAY_PER_REQUEST".into()),
        ..CreateTableRequest::default()
    })?;
    if let Some(attribute) = &table.ttl_attribute {
        database.update_time_to_live(UpdateTimeToLiveRequest {
            table_name: table.name.clone(),
            time_to_live_specification: TimeToLiveSpecification {
                attribute_name: attribute.clone(),
                enabled: true,
            },
        })?;
    }
    Ok(())
}

fn global_index(index: &IndexConfig) -> GlobalSecondaryIndex {
    let sort_key = index.sort_key.as_ref().map(|key| key.name.as_str());
    GlobalSecondaryIndex {
        index_name: index.name.clone(),
        key_schema: key_schema(&index.partition_key.name, sort_key),
        projection: Projection {
            projection_type: Some(ProjectionType::ALL),
            ..Projection::default()
        },
        ..GlobalSecondaryIndex::default()
    }
}

fn key_schema(partition_key: &str, sort_key: Option<&str>) -> Vec<KeySchemaElement> {
    let element = |name: &str, key_type| KeySchemaElement {
        attribute_name: name.to_owned(),
        key_type,
    };
    let mut schema = vec![element(partition_key, KeyType::HASH)];
    schema.extend(sort_key.map(|name| element(name, KeyType::RANGE)));
    schema
}

fn attribute_definitions(table: &TableConfig) -> Vec<AttributeDefinition> {
    let attributes = table.key_attributes().into_iter();
    attributes
        .map(|attribute| AttributeDefinition {
            attribute_name: attribute.name,
            attribute_type: match attribute.key_type {
                KeyAttributeType::String => ScalarAttributeType::S,
                KeyAttributeType::Number => ScalarAttributeType::N,
                KeyAttributeType::Binary => ScalarAttributeType::B,
            },
        })
        .collect()
}
