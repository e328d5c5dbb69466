//! The schema, and the execution of an operation against it.
//!
//! | module | what |
//! | --- | --- |
//! | `schema`, `access` | the schema with what AppSync attaches to it, and who may access a field |
//! | `document`, `validation`, `position` | parsing and validating, with AppSync's messages |
//! | `coerce`, `leaf` | coercion of input and of results |
//! | `operation`, `subscribe`, `introspection`, `limits` | the kinds of requests, and their limits |
//! | `execute`, `completed`, `selection` | the execution of its fields |

mod access;
mod coerce;
mod completed;
mod document;
mod execute;
mod introspection;
mod leaf;
mod limits;
mod operation;
mod position;
mod schema;
mod selection;
mod subscribe;
mod validation;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;
use local_kit::invoke::Invoke;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use self::document::DocumentCache;
use self::schema::ApiSchema;
use super::caller::Caller;
use super::errors::{ApiConfigError, GraphqlError};
use super::resolvers::{Resolver, Scripts};
use super::subscriptions::Subscription;
use crate::config::{ApiConfig, ApiLimits, AuthMode, DataSource};

/// AppSync's limit on a request. A resolver that takes longer has failed.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Called after each mutation that a subscription is for, with the mutation's field and its result as subscribers see
/// it.
pub type Publish = dyn Fn(&str, &Value) + Send + Sync;

/// The body of a GraphQL request over HTTP, and the `data` of a subscription's `start`.
#[derive(Clone, Debug, Deserialize)]
pub struct GraphqlRequest {
    pub query: String,
    #[serde(default, rename = "operationName")]
    pub operation_name: Option<String>,
    #[serde(default)]
    pub variables: Option<Map<String, Value>>,
}

/// The response to a request over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphqlResponse {
    pub status: u16,
    /// `{"data": …}`, with `errors` if there are any.
    pub body: Value,
}

/// One GraphQL API.
#[derive(Clone)]
pub struct Api {
    core: Arc<Core>,
    timeout: Duration,
}

pub(crate) struct Core {
    pub(crate) schema: ApiSchema,
    pub(crate) documents: DocumentCache,
    pub(crate) scripts: Scripts,
    pub(crate) invoke: Arc<dyn Invoke>,
    pub(crate) publish: Arc<Publish>,
    pub(crate) endpoints: Endpoints,
    pub(crate) auth_modes: Vec<AuthMode>,
    pub(crate) introspection: bool,
    pub(crate) limits: ApiLimits,
}

impl Api {
    /// Reads the schema, attaches the resolvers and loads their code.
    ///
    /// # Errors
    ///
    /// The schema, a resolver or its code isn't valid.
    pub fn new(
        config: &ApiConfig,
        endpoints: &Endpoints,
        invoke: Arc<dyn Invoke>,
        publish: Arc<Publish>,
        clock: Clock,
    ) -> Result<Self, ApiConfigError> {
        let mut schema = ApiSchema::new(&config.schema, config.default_auth)?;
        let mut codes = Vec::new();
        let mut attached = HashSet::new();
        for resolver in &config.resolvers {
            let (type_name, field_name) = (resolver.type_name.clone(), resolver.field_name.clone());
            let Some(settings) = schema.field_mut(&type_name, &field_name) else {
                return Err(ApiConfigError::UnknownField {
                    type_name,
                    field_name,
                });
            };
            if !attached.insert((type_name.clone(), field_name.clone())) {
                return Err(ApiConfigError::DuplicateResolver {
                    type_name,
                    field_name,
                });
            }
            settings.resolver = Some(match &resolver.data_source {
                DataSource::Lambda { function } => Resolver::Lambda {
                    function: function.clone(),
                },
                DataSource::LambdaWithCode { function, code } => {
                    codes.push((type_name, field_name, code.clone()));
                    Resolver::LambdaWithCode {
                        function: function.clone(),
                        script: codes.len() - 1,
                    }
                }
                DataSource::None { code } => {
                    codes.push((type_name, field_name, code.clone()));
                    Resolver::Script {
                        index: codes.len() - 1,
                    }
                }
            });
        }
        let mut auth_modes = config.additional_auth.clone();
        auth_modes.push(config.default_auth);
        let core = Core {
            schema,
            documents: DocumentCache::default(),
            scripts: Scripts::start(codes, clock)?,
            invoke,
            publish,
            endpoints: endpoints.clone(),
            auth_modes,
            introspection: config.introspection,
            limits: config.limits,
        };
        Ok(Self {
            core: Arc::new(core),
            timeout: REQUEST_TIMEOUT,
        })
    }

    /// Sets another limit than [`REQUEST_TIMEOUT`].
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Executes a query or a mutation.
    pub async fn execute(&self, request: GraphqlRequest, caller: &Caller) -> GraphqlResponse {
        operation::execute(&self.core, self.deadline(), request, caller).await
    }

    /// Admits a subscription.
    ///
    /// # Errors
    ///
    /// The response that refuses it.
    pub async fn subscribe(
        &self,
        request: GraphqlRequest,
        caller: &Caller,
    ) -> Result<Subscription, Vec<GraphqlError>> {
        subscribe::subscribe(&self.core, self.deadline(), request, caller).await
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }
}

impl GraphqlResponse {
    /// Refuses a request as a whole: `{"errors":[{"errorType":…,"message":…}]}`.
    pub fn refused(status: u16, error_type: &str, message: &str) -> Self {
        let body = serde_json::json!({"errors": [{"errorType": error_type, "message": message}]});
        Self { status, body }
    }

    fn answered(data: Option<Value>, errors: &[GraphqlError]) -> Self {
        let mut body = Map::new();
        body.insert("data".into(), data.unwrap_or_default());
        if !errors.is_empty() {
            body.insert(
                "errors".into(),
                errors.iter().map(GraphqlError::to_json).collect(),
            );
        }
        Self {
            status: 200,
            body: Value::Object(body),
        }
    }
}
