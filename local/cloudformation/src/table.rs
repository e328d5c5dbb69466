//! `AWS::DynamoDB::Table`.

use local_stack::config::TableConfig;

use super::Problem;
use super::properties::Properties;
use super::value::Scope;

pub(super) fn read(scope: &Scope<'_>, problems: &mut Vec<Problem>) -> Vec<TableConfig> {
    let mut tables = Vec::new();
    for resource in scope.document.resources_of("AWS::DynamoDB::Table") {
        let mut properties = Properties::of(scope, resource);
        // Its name was read with everyone's.
        properties.raw("TableName");
        let keys = properties.each("KeySchema", |key| {
            (key.required("AttributeName"), key.required("KeyType"))
        });
        let types = properties.each("AttributeDefinitions", |attribute| {
            (
                attribute.required("AttributeName"),
                attribute.required("AttributeType"),
            )
        });
        let partition_key = match &keys[..] {
            [(name, kind)] if kind == "HASH" => name.clone(),
            _ => {
                let reason = "the local tables have a partition key and no other";
                properties.problem("KeySchema", reason);
                String::new()
            }
        };
        if !types
            .iter()
            .all(|(name, kind)| *name == partition_key && kind == "S")
        {
            let reason = "the local tables have a partition key that is a string, and no index";
            properties.problem("AttributeDefinitions", reason);
        }
        let ttl = properties.nested("TimeToLiveSpecification", |ttl| {
            let enabled = ttl.text("Enabled").is_none_or(|enabled| enabled == "true");
            let attribute = ttl.required("AttributeName");
            enabled.then_some(attribute)
        });
        tables.push(TableConfig {
            name: scope.names.name(resource.id),
            partition_key,
            ttl_attribute: ttl.flatten(),
        });
        problems.extend(properties.finish());
    }
    tables
}
