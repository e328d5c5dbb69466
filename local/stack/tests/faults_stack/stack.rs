//! A whole stack with a small API of its own, and clients of every service.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::{BehaviorVersion, Region};
use local_appsync::realtime::RealtimeLimits;
use local_faults::{Fault, FaultPlan, FaultService, Rule};
use local_stack::config::{
    AccessConfig, ApiConfig, ApiLimits, AuthMode, DataSource, FunctionConfig, ModelConfig,
    QueueConfig, ResolverConfig, ScriptConfig, TableConfig, UserConfig, UserPoolConfig,
};
use local_stack::{BoundStack, Stack as Local, StackConfig};
use serde_json::{Value, json};

const SCHEMA: &str = r#"
schema { query: Query mutation: Mutation subscription: Subscription }
type Query { ping: String }
type Mutation { publish(sessionId: ID!, token: String!): Event other(token: String!): Event }
type Subscription { onEvent(sessionId: ID!): Event @aws_subscribe(mutations: ["publish"]) }
type Event { sessionId: ID token: String }
"#;
const RESOLVER: &str = "
export function request(ctx) {
  return { payload: ctx.args };
}
export function response(ctx) {
  return ctx.result;
}
";
/// Longer than anything in a test takes.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Stack {
    pub(crate) local: Local,
    pub(crate) url: String,
    pub(crate) queue_url: String,
    pub(crate) http: reqwest::Client,
}

impl Stack {
    pub(crate) async fn start() -> Self {
        Self::start_with(FaultPlan::default(), false).await
    }

    /// A stack with one rule in force.
    pub(crate) async fn with(rule: Rule) -> Self {
        Self::start_with(FaultPlan::seeded(1).with(rule), false).await
    }

    pub(crate) async fn start_with(faults: FaultPlan, control: bool) -> Self {
        let bound = BoundStack::bind(0, "us-east-1", None)
            .await
            .expect("a port");
        let local = bound
            .start(config(faults, control), None)
            .await
            .expect("a stack");
        // Another test may have installed a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            url: local.endpoints().url(),
            queue_url: local.endpoints().queue_url("jobs"),
            http: reqwest::Client::new(),
            local,
        }
    }

    pub(crate) async fn stop(self) {
        within(self.local.shutdown()).await;
    }

    pub(crate) fn set(&self, rule: Rule) {
        let plan = FaultPlan::seeded(1).with(rule);
        self.local.faults().set(plan).expect("a valid plan");
    }

    /// `[matched, fired]` of the plan's first rule.
    pub(crate) fn counts(&self) -> [u64; 2] {
        let report = self.local.faults().report();
        [report[0].matched, report[0].fired]
    }

    fn credentials(&self) -> Credentials {
        let key = self.local.developer();
        let (id, secret) = (&key.access_key_id, &key.secret_access_key);
        Credentials::new(id, secret, None, None, "test")
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(self.credentials())
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&self.url);
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(self.credentials())
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&self.url);
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    pub(crate) fn bedrock(&self) -> aws_sdk_bedrockruntime::Client {
        let config = aws_sdk_bedrockruntime::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(self.credentials())
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&self.url);
        aws_sdk_bedrockruntime::Client::from_conf(config.build())
    }

    pub(crate) async fn send(&self, body: &str) -> Result<(), aws_sdk_sqs::Error> {
        let send = self.sqs().send_message().queue_url(&self.queue_url);
        send.message_body(body).send().await?;
        Ok(())
    }

    pub(crate) async fn token(&self) -> String {
        let cognito = self.local.cognito().clone();
        let tokens = tokio::task::spawn_blocking(move || cognito.issue_tokens("ada"));
        let tokens = tokens.await.expect("no panic").expect("tokens");
        tokens.access_token
    }

    /// Sends a GraphQL request with this token.
    pub(crate) async fn graphql(
        &self,
        token: &str,
        body: &Value,
    ) -> reqwest::Result<reqwest::Response> {
        let post = self.http.post(format!("{}/graphql", self.url));
        post.header("authorization", token).json(body).send().await
    }

    pub(crate) async fn publish(&self, token: &str, text: &str) -> Value {
        let query =
            "mutation($t: String!) { publish(sessionId: \"s\", token: $t) { sessionId token } }";
        let body = json!({ "query": query, "variables": { "t": text } });
        let answer = self.graphql(token, &body).await.expect("answered");
        answer.json().await.expect("JSON")
    }
}

/// A rule that applies `fault` to every such operation.
pub(crate) fn rule(service: FaultService, operation: &str, fault: Fault) -> Rule {
    Rule::new(service, operation, fault)
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("in time")
}

/// Calls `look` again and again until it returns a value.
pub(crate) async fn eventually<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    within(async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

fn config(faults: FaultPlan, control: bool) -> StackConfig {
    StackConfig {
        queues: vec![QueueConfig {
            name: "jobs".to_owned(),
            visibility_timeout: Duration::from_secs(30),
            retention: Duration::from_hours(1),
            receive_wait: Duration::ZERO,
            redrive: None,
        }],
        tables: vec![TableConfig::new("things", "id")],
        functions: vec![FunctionConfig {
            name: "worker".to_owned(),
            program: std::env::current_exe().expect("this executable"),
            args: ["--exact", "function::function_process", "--nocapture"]
                .map(OsString::from)
                .to_vec(),
            environment: BTreeMap::new(),
            timeout: Duration::from_secs(30),
            memory_mb: 256,
            policy: Vec::new(),
            max_concurrency: 10.try_into().expect("not zero"),
        }],
        event_sources: Vec::new(),
        function_urls: Vec::new(),
        websocket_apis: Vec::new(),
        api: ApiConfig {
            schema: SCHEMA.to_owned(),
            default_auth: AuthMode::UserPools,
            additional_auth: Vec::new(),
            introspection: true,
            limits: ApiLimits::default(),
            resolvers: [
                ("Mutation", "publish"),
                ("Mutation", "other"),
                ("Query", "ping"),
            ]
            .map(|(type_name, field_name)| ResolverConfig {
                type_name: type_name.to_owned(),
                field_name: field_name.to_owned(),
                data_source: DataSource::None {
                    code: RESOLVER.to_owned(),
                },
            })
            .to_vec(),
        },
        realtime: RealtimeLimits::default(),
        user_pool: UserPoolConfig {
            pool_id: "us-east-1_Faults".to_owned(),
            client_id: "client".to_owned(),
            users: vec![UserConfig {
                username: "ada".to_owned(),
                password: "Password-1".to_owned(),
                email: "ada@example.com".to_owned(),
                groups: Vec::new(),
            }],
            token_validity: Duration::from_hours(1),
            shares_key: false,
        },
        model: ModelConfig::Scripted(ScriptConfig {
            tokens: Some(["a", "b", "c", "d"].map(str::to_owned).to_vec()),
            time_to_first_token: Duration::ZERO,
            time_between_tokens: Duration::ZERO,
            ..ScriptConfig::default()
        }),
        guardrails: Vec::new(),
        faults,
        control,
        access: AccessConfig::default(),
    }
}
