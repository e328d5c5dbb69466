//! The configuration of a table.

#[derive(Clone, Debug)]
pub struct TableConfig {
    pub name: String,
    /// The name of the partition key, which is a string.
    pub partition_key: String,
    pub sort_key: Option<KeyAttribute>,
    /// The global secondary indexes. Each has all attributes of its items.
    pub indexes: Vec<IndexConfig>,
    pub ttl_attribute: Option<String>,
}

/// A global secondary index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexConfig {
    pub name: String,
    pub partition_key: KeyAttribute,
    pub sort_key: Option<KeyAttribute>,
}

/// An attribute that is part of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAttribute {
    pub name: String,
    pub key_type: KeyAttributeType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAttributeType {
    String,
    Number,
    Binary,
}

impl TableConfig {
    /// A table without a sort key, indexes and expiry.
    pub fn new(name: impl Into<String>, partition_key: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            partition_key: partition_key.into(),
            sort_key: None,
            indexes: Vec::new(),
            ttl_attribute: None,
        }
    }

    /// Every attribute that is part of a key, once.
    pub(crate) fn key_attributes(&self) -> Vec<KeyAttribute> {
        let partition_key = KeyAttribute {
            name: self.partition_key.clone(),
            key_type: KeyAttributeType::String,
        };
        let mut attributes = vec![partition_key];
        let of_indexes = self
            .indexes
            .iter()
            .flat_map(|index| [Some(&index.partition_key), index.sort_key.as_ref()]);
        for attribute in of_indexes.chain([self.sort_key.as_ref()]).flatten() {
            if !attributes.contains(attribute) {
                attributes.push(attribute.clone());
            }
        }
        attributes
    }
}
