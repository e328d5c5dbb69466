//! What differs between a deployment and a stack on this machine, and can't be said by the template of `cdk/`, each with
//! its reason. What the template can say of a laptop is its variant `local`, in `cdk/scripts/variants.ts`.

use std::time::Duration;

use local_stack::StackConfig;
use local_stack::config::{ModelConfig, UserConfig, UserPoolConfig};
use local_stack::endpoints::Endpoints;

use local_cloudformation::{Part, Template, TemplateError, Trigger};

/// `npm run templates` in `cdk/` writes it, and the tests there compare it with what `cdk/` synthesizes.
const TEMPLATE: &str = include_str!("../../../../cdk/templates/local.template.json");

/// A template says nothing of where it is deployed.
pub const REGION: &str = "us-east-1";

// CloudFormation makes up the names of resources. Here they are fixed, since `redrive --local` and programs around a stack
// know them before it runs.
pub const QUEUE: &str = "tokencast-jobs";
pub const DEAD_LETTER_QUEUE: &str = "tokencast-jobs-dlq";
pub const TABLE: &str = "tokencast-sessions";
pub const CONNECTIONS_TABLE: &str = "tokencast-connections";
/// These are the names of the programs as well.
pub const REQUEST_FUNCTION: &str = "request";
pub const WORKER_FUNCTION: &str = "worker";
/// Behind the function URL, and its name.
pub const FUNCTION_URL_FUNCTION: &str = "function-url";
/// Of the routes of the WebSocket API.
pub const WEBSOCKET_FUNCTION: &str = "websocket";
pub const AUTHORIZER_FUNCTION: &str = "websocket-authorizer";

/// The template's own, repeated for those who have to know it before a stack runs.
pub const WEBSOCKET_STAGE: &str = "dev";

/// The partition keys by which the two tables are told apart.
pub(super) const SESSIONS_KEY: &str = "sessionId";
const CONNECTIONS_KEY: &str = "connectionId";

/// Cognito makes up the ids of pools and clients. These are fixed, so that a page may be built before its stack runs.
pub const USER_POOL_ID: &str = "us-east-1_Tokencast";
pub const USER_POOL_CLIENT_ID: &str = "tokencastlocalclient000000";

/// Unless the template has an app client that says otherwise: Cognito's default.
const TOKEN_VALIDITY: Duration = Duration::from_hours(1);

/// The template of every stack that isn't given another: what `cdk/` deploys, with every delivery.
///
/// # Errors
///
/// If the template that this program was built with is not valid.
pub fn template() -> Result<Template, TemplateError> {
    Template::parse(TEMPLATE)
}

/// What a resource is called that the template doesn't name.
pub(super) fn name(part: Part<'_>) -> Option<String> {
    let name = match part {
        Part::Queue => QUEUE,
        Part::DeadLetterQueue => DEAD_LETTER_QUEUE,
        Part::Table {
            partition_key: SESSIONS_KEY,
        } => TABLE,
        Part::Table {
            partition_key: CONNECTIONS_KEY,
        } => CONNECTIONS_TABLE,
        Part::Table { .. } => return None,
        Part::Function(trigger) => program(trigger),
    };
    Some(name.to_owned())
}

/// Which of the project's functions something invokes. A template names an archive of code, which isn't here.
pub(super) fn program(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::DataSource => REQUEST_FUNCTION,
        Trigger::EventSource => WORKER_FUNCTION,
        Trigger::FunctionUrl => FUNCTION_URL_FUNCTION,
        Trigger::Route => WEBSOCKET_FUNCTION,
        Trigger::Authorizer => AUTHORIZER_FUNCTION,
    }
}

/// The local pool. A template's pool is empty, and its users get their passwords by mail.
pub(super) fn user_pool() -> UserPoolConfig {
    UserPoolConfig {
        pool_id: USER_POOL_ID.into(),
        client_id: USER_POOL_CLIENT_ID.into(),
        users: users(),
        token_validity: TOKEN_VALIDITY,
    }
}

/// The two users of every local stack.
pub fn users() -> Vec<UserConfig> {
    ["alice", "bob"]
        .map(|name| UserConfig {
            username: name.to_owned(),
            password: format!("Tokencast-{name}-1"),
            email: format!("{name}@example.com"),
            groups: Vec::new(),
        })
        .into()
}

/// Has the functions' variables that lead to AWS lead to this stack. A template puts their values together from parts of
/// AWS's host names.
pub(super) fn lead_here(config: &mut StackConfig, endpoints: &Endpoints) {
    let pool = &config.user_pool;
    let mut values = vec![
        // The tokens are the local pool's.
        ("COGNITO_ISSUER", endpoints.issuer(&pool.pool_id)),
        ("COGNITO_CLIENT_ID", pool.client_id.clone()),
    ];
    if let Some(api) = config.websocket_apis.first() {
        let url = endpoints.websocket_callback_url(&api.stage);
        values.push(("WEBSOCKET_CALLBACK_URL", url));
    }
    if let ModelConfig::Bedrock { model_id } = &config.model {
        // Bedrock itself answers, so its model is the one that was asked for on the command line.
        values.push(("MODEL_ID", model_id.clone()));
    }
    for function in &mut config.functions {
        for (name, value) in &values {
            // A function isn't told what it doesn't read.
            if let Some(declared) = function.environment.get_mut(*name) {
                declared.clone_from(value);
            }
        }
    }
}
