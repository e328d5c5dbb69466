//! Reads `AWS::DynamoDB::Table`.

use std::collections::BTreeMap;

use local_stack::config::{IndexConfig, KeyAttribute, KeyAttributeType, TableConfig};

use super::Problem;
use super::properties::Properties;
use super::value::Scope;

/// The types of the attributes that are part of a key, by name.
type Types = BTreeMap<String, String>;

pub(super) fn read(scope: &Scope<'_>, problems: &mut Vec<Problem>) -> Vec<TableConfig> {
    let mut tables = Vec::new();
    for resource in scope.document.resources_of("AWS::DynamoDB::Table") {
        let mut properties = Properties::of(scope, resource);
        // `names` has read the name already.
        properties.raw("TableName");
        let types: Types = properties
            .each("AttributeDefinitions", |attribute| {
                (
                    attribute.required("AttributeName"),
                    attribute.required("AttributeType"),
                )
            })
            .into_iter()
            .collect();
        let (partition_key, sort_key) = key(&mut properties, &types);
        if partition_key.key_type != KeyAttributeType::String {
            let reason = "the local tables have a partition key that is a string";
            properties.problem("AttributeDefinitions", reason);
        }
        let indexes = properties.each("GlobalSecondaryIndexes", |index| {
            global_index(index, &types)
        });
        let ttl = properties.nested("TimeToLiveSpecification", |ttl| {
            let enabled = ttl.text("Enabled").is_none_or(|enabled| enabled == "true");
            let attribute = ttl.required("AttributeName");
            enabled.then_some(attribute)
        });
        tables.push(TableConfig {
            name: scope.names.name(resource.id),
            partition_key: partition_key.name,
            sort_key,
            indexes,
            ttl_attribute: ttl.flatten(),
        });
        problems.extend(properties.finish());
    }
    tables
}

fn global_index(index: &mut Properties<'_>, types: &Types) -> IndexConfig {
    let name = index.required("IndexName");
    let (partition_key, sort_key) = key(index, types);
    index.nested("Projection", |projection| {
        let reason = "the indexes of the local tables have all attributes of their items";
        projection.only("ProjectionType", &["ALL"], reason);
    });
    IndexConfig {
        name,
        partition_key,
        sort_key,
    }
}

/// Reads the key of a table or of an index.
fn key(properties: &mut Properties<'_>, types: &Types) -> (KeyAttribute, Option<KeyAttribute>) {
    let keys = properties.each("KeySchema", |key| {
        (key.required("AttributeName"), key.required("KeyType"))
    });
    let keys: Vec<_> = keys
        .iter()
        .map(|(name, kind)| (name.as_str(), kind.as_str()))
        .collect();
    let (partition_key, sort_key) = match keys[..] {
        [(partition_key, "HASH")] => (partition_key, None),
        [(partition_key, "HASH"), (sort_key, "RANGE")] => (partition_key, Some(sort_key)),
        _ => {
            let reason =
                "expected a partition key (`HASH`), and behind it a sort key (`RANGE`) or nothing";
            properties.problem("KeySchema", reason);
            ("", None)
        }
    };
    let mut attribute = |name: &str| {
        let key_type = match types.get(name).map(String::as_str) {
            Some("N") => KeyAttributeType::Number,
            Some("B") => KeyAttributeType::Binary,
            Some("S") => KeyAttributeType::String,
            _ => {
                let reason = format!(
                    "the type of `{name}` is not given as `S`, `N` or `B` in `AttributeDefinitions`"
                );
                properties.problem("KeySchema", reason);
                KeyAttributeType::String
            }
        };
        KeyAttribute {
            name: name.to_owned(),
            key_type,
        }
    };
    (attribute(partition_key), sort_key.map(attribute))
}
