//! The resources: queues, table, functions, API and users.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use local_stack::bedrock::model_id::SCRIPTED_MODEL_ID;
use local_stack::config::{
    ApiConfig, ApiLimits, AuthMode, DataSource, EventSourceConfig, FunctionConfig,
    FunctionUrlConfig, ModelConfig, QueueConfig, RedrivePolicy, ResolverConfig, TableConfig,
    UserPoolConfig, WebSocketApiConfig,
};
use local_stack::endpoints::Endpoints;
use local_stack::iam::Statement;

use super::{
    DEAD_LETTER_QUEUE, Names, QUEUE, REQUEST_FUNCTION, StackError, StackOptions, TABLE,
    USER_POOL_CLIENT_ID, USER_POOL_ID, WORKER_FUNCTION, users,
};

mod function_url;
mod websocket;

const SCHEMA: &str = include_str!("../../../../schema.graphql");
const PUBLISH_TOKEN: &str = include_str!("../../../../cdk/resolvers/publishToken.js");
const ASK_REQUEST_FUNCTION: &str = include_str!("../../../../cdk/resolvers/requestFunction.js");

/// Well below AppSync's 30 s, and far above what the function takes.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// SQS's maximum, a backstop: attempts are counted in the session's record.
const MAX_RECEIVE_COUNT: NonZeroU32 = NonZeroU32::new(1_000).expect("1,000 is not 0");
const MAX_REQUESTS_AT_ONCE: NonZeroU32 = NonZeroU32::new(100).expect("100 is not 0");
const QUEUE_RETENTION: Duration = Duration::from_hours(4 * 24);
const DEAD_LETTER_RETENTION: Duration = Duration::from_hours(14 * 24);
/// What each function does to the table that starts, reads or answers sessions.
const SESSIONS: [&str; 3] = [
    "dynamodb:GetItem",
    "dynamodb:BatchGetItem",
    "dynamodb:PutItem",
];
/// The deployment's, for an API that shows its schema: cdk/lib/stream-api.ts says why.
const LIMITS: ApiLimits = ApiLimits {
    query_depth: NonZeroU32::new(20),
    resolver_count: NonZeroU32::new(25),
};
const TOKEN_VALIDITY: Duration = Duration::from_hours(1);

/// Everything that a stack is made of, but its model.
#[derive(Clone, Debug)]
pub struct Resources {
    pub names: Names,
    pub queues: Vec<QueueConfig>,
    pub tables: Vec<TableConfig>,
    pub functions: Vec<FunctionConfig>,
    pub event_sources: Vec<EventSourceConfig>,
    pub api: ApiConfig,
    /// A template may have none of these.
    pub function_url: Option<FunctionUrlConfig>,
    pub websocket_api: Option<WebSocketApiConfig>,
    pub user_pool: UserPoolConfig,
}

impl Resources {
    /// `endpoints` are where the stack answers: the functions' environments and policies name them.
    pub fn new(options: &StackOptions, endpoints: &Endpoints) -> Result<Self, StackError> {
        let mut functions = vec![
            request_function(options, endpoints)?,
            worker_function(options, endpoints)?,
            function_url::function(options, endpoints)?,
        ];
        functions.extend(websocket::functions(options, endpoints)?);
        Ok(Self {
            names: Names::default(),
            queues: queues(options),
            tables: vec![
                TableConfig {
                    name: TABLE.into(),
                    partition_key: "sessionId".into(),
                    ttl_attribute: Some("expiresAt".into()),
                },
                websocket::table(),
            ],
            functions,
            event_sources: vec![EventSourceConfig {
                queue: QUEUE.into(),
                function: WORKER_FUNCTION.into(),
                batch_size: options.batch_size,
                batching_window: Duration::ZERO,
                maximum_concurrency: options.max_concurrency,
                report_batch_item_failures: true,
            }],
            api: api(),
            function_url: Some(function_url::url()),
            websocket_api: Some(websocket::api(options)),
            user_pool: UserPoolConfig {
                pool_id: USER_POOL_ID.into(),
                client_id: USER_POOL_CLIENT_ID.into(),
                users: users(),
                token_validity: TOKEN_VALIDITY,
            },
        })
    }
}

impl Resources {
    /// Where the function URL answers.
    pub fn function_url(&self, endpoints: &Endpoints) -> Option<String> {
        let url = self.function_url.as_ref()?;
        Some(endpoints.function_url(&url.name))
    }

    /// Where clients connect to the WebSocket API.
    pub fn websocket_url(&self, endpoints: &Endpoints) -> Option<String> {
        let api = self.websocket_api.as_ref()?;
        Some(endpoints.websocket_url(&api.stage))
    }
}

fn queues(options: &StackOptions) -> Vec<QueueConfig> {
    let jobs = QueueConfig {
        name: QUEUE.into(),
        visibility_timeout: options.worker_timeout,
        retention: QUEUE_RETENTION,
        receive_wait: Duration::ZERO,
        redrive: Some(RedrivePolicy {
            dead_letter_queue: DEAD_LETTER_QUEUE.into(),
            max_receive_count: MAX_RECEIVE_COUNT,
        }),
    };
    let dead_letters = QueueConfig {
        name: DEAD_LETTER_QUEUE.into(),
        visibility_timeout: Duration::from_secs(30),
        retention: DEAD_LETTER_RETENTION,
        receive_wait: Duration::ZERO,
        redrive: None,
    };
    vec![dead_letters, jobs]
}

fn request_function(
    options: &StackOptions,
    endpoints: &Endpoints,
) -> Result<FunctionConfig, StackError> {
    let (program, args) = options.functions.command(REQUEST_FUNCTION)?;
    let mut environment = common_environment(endpoints);
    environment.extend(options.request_environment.clone());
    Ok(FunctionConfig {
        name: REQUEST_FUNCTION.into(),
        program,
        args,
        environment,
        timeout: REQUEST_TIMEOUT,
        memory_mb: 256,
        policy: vec![
            allow(&["sqs:SendMessage"], endpoints.queue_arn(QUEUE)),
            allow(&SESSIONS, table_arn(endpoints, TABLE)),
        ],
        max_concurrency: MAX_REQUESTS_AT_ONCE,
    })
}

fn worker_function(
    options: &StackOptions,
    endpoints: &Endpoints,
) -> Result<FunctionConfig, StackError> {
    let (program, args) = options.functions.command(WORKER_FUNCTION)?;
    let mut environment = common_environment(endpoints);
    environment.insert("APPSYNC_API_URL".into(), endpoints.graphql_url());
    let dead_letters = endpoints.queue_url(DEAD_LETTER_QUEUE);
    environment.insert("DEAD_LETTER_QUEUE_URL".into(), dead_letters);
    environment.insert("MODEL_ID".into(), model_id(&options.model));
    environment.extend([websocket::callback(endpoints)]);
    environment.extend(options.worker_environment.clone());
    Ok(FunctionConfig {
        name: WORKER_FUNCTION.into(),
        program,
        args,
        environment,
        timeout: options.worker_timeout,
        memory_mb: 256,
        policy: vec![
            allow(
                &[
                    "sqs:ReceiveMessage",
                    "sqs:DeleteMessage",
                    "sqs:ChangeMessageVisibility",
                    "sqs:GetQueueAttributes",
                ],
                endpoints.queue_arn(QUEUE),
            ),
            // Where it moves what nobody can answer.
            allow(&["sqs:SendMessage"], endpoints.queue_arn(DEAD_LETTER_QUEUE)),
            allow(&SESSIONS, table_arn(endpoints, TABLE)),
            allow(&["bedrock:InvokeModelWithResponseStream"], "*".into()),
            allow(
                &["appsync:GraphQL"],
                endpoints.field_arn("Mutation", "publishToken"),
            ),
            websocket::may_push(endpoints),
        ],
        max_concurrency: options.max_concurrency,
    })
}

fn common_environment(endpoints: &Endpoints) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("AWS_ENDPOINT_URL".into(), endpoints.url()),
        ("QUEUE_URL".into(), endpoints.queue_url(QUEUE)),
        ("SESSIONS_TABLE".into(), TABLE.into()),
    ])
}

/// Whose tokens the functions verify that have no AppSync before them.
fn insert_trust(environment: &mut BTreeMap<String, String>, endpoints: &Endpoints) {
    environment.insert("COGNITO_ISSUER".into(), endpoints.issuer(USER_POOL_ID));
    environment.insert("COGNITO_CLIENT_ID".into(), USER_POOL_CLIENT_ID.into());
}

/// What the model is asked for. The local Bedrock answers with its one model to every id that Bedrock could have.
fn model_id(model: &ModelConfig) -> String {
    match model {
        ModelConfig::Scripted(_) | ModelConfig::OpenAi { .. } => SCRIPTED_MODEL_ID.into(),
        ModelConfig::Bedrock { model_id } => model_id.clone(),
    }
}

fn api() -> ApiConfig {
    let lambda = |type_name: &str, field_name: &str| ResolverConfig {
        type_name: type_name.into(),
        field_name: field_name.into(),
        data_source: DataSource::LambdaWithCode {
            function: REQUEST_FUNCTION.into(),
            code: ASK_REQUEST_FUNCTION.into(),
        },
    };
    ApiConfig {
        schema: SCHEMA.into(),
        default_auth: AuthMode::UserPools,
        additional_auth: vec![AuthMode::Iam],
        introspection: true,
        limits: LIMITS,
        resolvers: vec![
            lambda("Query", "getStream"),
            lambda("Query", "getStreamStatus"),
            lambda("Mutation", "startStream"),
            lambda("Mutation", "stopStream"),
            lambda("Subscription", "onTokenReceived"),
            ResolverConfig {
                type_name: "Mutation".into(),
                field_name: "publishToken".into(),
                data_source: DataSource::None {
                    code: PUBLISH_TOKEN.into(),
                },
            },
        ],
    }
}

fn table_arn(endpoints: &Endpoints, table: &str) -> String {
    format!(
        "arn:aws:dynamodb:{}:{}:table/{table}",
        endpoints.region, endpoints.account_id
    )
}

fn allow(actions: &[&str], resource: String) -> Statement {
    Statement {
        actions: actions.iter().map(ToString::to_string).collect(),
        resources: vec![resource],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::Functions;

    fn endpoints() -> Endpoints {
        Endpoints {
            address: ([127, 0, 0, 1], 4680).into(),
            region: "us-east-1".into(),
            account_id: "000000000000".into(),
            api_id: "local".into(),
        }
    }

    #[test]
    fn tests_may_override_a_functions_environment() {
        let overridden = BTreeMap::from([("MODEL_ID".to_owned(), "other".to_owned())]);
        let options = StackOptions {
            worker_environment: overridden,
            ..StackOptions::default()
        };
        let resources = Resources::new(&options, &endpoints()).expect("resources");
        let [request, worker, ..] = &resources.functions[..] else {
            panic!("two functions and more")
        };
        assert_eq!(worker.environment["MODEL_ID"], "other");
        assert_eq!(
            worker.environment["APPSYNC_API_URL"],
            "http://localhost:4680/graphql"
        );
        assert!(!request.environment.contains_key("APPSYNC_API_URL"));
        assert_eq!(request.args, ["function", "request"]);
    }

    #[test]
    fn the_worker_alone_may_publish_and_nothing_else_of_the_api() {
        let resources = Resources::new(&StackOptions::default(), &endpoints()).expect("resources");
        let may_publish: Vec<&str> = resources
            .functions
            .iter()
            .filter(|function| {
                function
                    .policy
                    .iter()
                    .any(|statement| statement.actions == ["appsync:GraphQL"])
            })
            .map(|function| function.name.as_str())
            .collect();
        assert_eq!(may_publish, ["worker"]);
    }

    #[test]
    fn every_root_field_of_the_schema_has_a_resolver() {
        let resolvers = api().resolvers;
        for (type_name, field) in [
            ("Query", "getStream"),
            ("Query", "getStreamStatus"),
            ("Mutation", "startStream"),
            ("Mutation", "stopStream"),
            ("Mutation", "publishToken"),
            ("Subscription", "onTokenReceived"),
        ] {
            assert!(
                SCHEMA.contains(&format!("  {field}(")),
                "{field} is in the schema"
            );
            let found = resolvers
                .iter()
                .any(|resolver| resolver.type_name == type_name && resolver.field_name == field);
            assert!(found, "{type_name}.{field}");
        }
    }

    #[test]
    fn a_missing_bootstrap_is_named() {
        let options = StackOptions {
            functions: Functions::Packaged("nowhere".into()),
            ..StackOptions::default()
        };
        let error = Resources::new(&options, &endpoints())
            .expect_err("refused")
            .to_string();
        assert!(error.contains("nowhere/request/bootstrap"), "{error}");
    }
}
