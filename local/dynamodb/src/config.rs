//! The configuration of a table.

#[derive(Clone, Debug)]
pub struct TableConfig {
    pub name: String,
    /// The name of the partition key, which is a string.
    pub partition_key: String,
    pub ttl_attribute: Option<String>,
}
