//! What a table is made of.

#[derive(Clone, Debug)]
pub struct TableConfig {
    pub name: String,
    /// Name of the partition key, a string.
    pub partition_key: String,
    pub ttl_attribute: Option<String>,
}
