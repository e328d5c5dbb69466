//! The configuration of a GraphQL API.

use std::num::NonZeroU32;

#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// The schema in SDL, with AWS's directives.
    pub schema: String,
    pub default_auth: AuthMode,
    pub additional_auth: Vec<AuthMode>,
    pub introspection: bool,
    pub limits: ApiLimits,
    pub resolvers: Vec<ResolverConfig>,
}

/// Limits of a single request. By default AppSync has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiLimits {
    /// The number of nested levels. A root field is on the first.
    pub query_depth: Option<NonZeroU32>,
    /// The number of fields with a resolver.
    pub resolver_count: Option<NonZeroU32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    UserPools,
    Iam,
}

#[derive(Clone, Debug)]
pub struct ResolverConfig {
    pub type_name: String,
    pub field_name: String,
    pub data_source: DataSource,
}

#[derive(Clone, Debug)]
pub enum DataSource {
    /// A direct Lambda resolver.
    Lambda { function: String },
    /// An `APPSYNC_JS` resolver on a Lambda data source, with its code.
    LambdaWithCode { function: String, code: String },
    /// An `APPSYNC_JS` resolver on a NONE data source, with its code.
    None { code: String },
}
