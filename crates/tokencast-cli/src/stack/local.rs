//! What differs between a deployment and a stack on this machine and can't be said by the template of `cdk/`, each with
//! its reason. What the template can say about a laptop is its variant `local`, in `cdk/scripts/variants.ts`.

use std::time::Duration;

use local_stack::StackConfig;
use local_stack::config::{ModelConfig, UserConfig, UserPoolConfig};
use local_stack::endpoints::Endpoints;

use local_cloudformation::{Part, Template, TemplateError, Trigger};

use crate::cli::UserGroup;

/// `npm run templates` in `cdk/` writes this file. The tests there compare it with what `cdk/` synthesizes.
const TEMPLATE: &str = include_str!("../../../../cdk/templates/local.template.json");

/// A template doesn't say which Region it is deployed to.
pub const REGION: &str = "us-east-1";

// CloudFormation makes up the names of resources. Here they are fixed, because `redrive --local` and other programs
// know them before a stack runs.
pub const QUEUE: &str = "tokencast-jobs";
pub const DEAD_LETTER_QUEUE: &str = "tokencast-jobs-dlq";
pub const TABLE: &str = "tokencast-sessions";
pub const CONVERSATIONS_TABLE: &str = "tokencast-conversations";
pub const CONNECTIONS_TABLE: &str = "tokencast-connections";
pub const QUOTAS_TABLE: &str = "tokencast-quotas";
/// The functions' names are those of their programs as well.
pub const REQUEST_FUNCTION: &str = "request";
pub const WORKER_FUNCTION: &str = "worker";
/// The function behind the function URL. The function URL has the same name.
pub const FUNCTION_URL_FUNCTION: &str = "function-url";
/// The function of the WebSocket API's routes.
pub const WEBSOCKET_FUNCTION: &str = "websocket";
pub const AUTHORIZER_FUNCTION: &str = "websocket-authorizer";

/// The template's own stage, repeated for programs that know it before a stack runs.
pub const WEBSOCKET_STAGE: &str = "dev";

/// The partition keys that tell the tables apart.
pub(super) const SESSIONS_KEY: &str = "sessionId";
pub(super) const CONVERSATIONS_KEY: &str = "conversationId";
const CONNECTIONS_KEY: &str = "connectionId";
pub(super) const QUOTAS_KEY: &str = "owner";

/// Cognito makes up the ids of pools and clients. Here they are fixed, so that a page can be built before its stack
/// runs.
pub const USER_POOL_ID: &str = "us-east-1_Tokencast";
pub const USER_POOL_CLIENT_ID: &str = "tokencastlocalclient000000";

/// Cognito's default, for a template whose app client doesn't set one.
const TOKEN_VALIDITY: Duration = Duration::from_hours(1);

/// Returns the template of every stack that isn't given another: what `cdk/` deploys, with every channel.
///
/// # Errors
///
/// If the template that this program was built with is not valid.
pub fn template() -> Result<Template, TemplateError> {
    Template::parse(TEMPLATE)
}

/// Returns the name of a resource that the template doesn't name.
pub(super) fn name(part: Part<'_>) -> Option<String> {
    let name = match part {
        Part::Queue => QUEUE,
        Part::DeadLetterQueue => DEAD_LETTER_QUEUE,
        Part::Table {
            partition_key: SESSIONS_KEY,
        } => TABLE,
        Part::Table {
            partition_key: CONVERSATIONS_KEY,
        } => CONVERSATIONS_TABLE,
        Part::Table {
            partition_key: CONNECTIONS_KEY,
        } => CONNECTIONS_TABLE,
        Part::Table {
            partition_key: QUOTAS_KEY,
        } => QUOTAS_TABLE,
        Part::Table { .. } => return None,
        Part::Function(trigger) => program(trigger),
    };
    Some(name.to_owned())
}

/// Returns the program of the function that a trigger invokes. A template names an archive of code, which isn't here.
pub(super) fn program(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::DataSource => REQUEST_FUNCTION,
        Trigger::EventSource => WORKER_FUNCTION,
        Trigger::FunctionUrl => FUNCTION_URL_FUNCTION,
        Trigger::Route => WEBSOCKET_FUNCTION,
        Trigger::Authorizer => AUTHORIZER_FUNCTION,
    }
}

/// Returns the local pool. A template's pool is empty, and its users get their passwords by mail.
pub(super) fn user_pool(groups: &[UserGroup]) -> UserPoolConfig {
    let mut users = users();
    for user in &mut users {
        let own = groups.iter().filter(|of| of.user == user.username);
        user.groups.extend(own.map(|of| of.group.clone()));
    }
    UserPoolConfig {
        pool_id: USER_POOL_ID.into(),
        client_id: USER_POOL_CLIENT_ID.into(),
        users,
        token_validity: TOKEN_VALIDITY,
        shares_key: false,
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

/// Points the functions' AWS variables at this stack. A template puts their values together from parts of AWS's host
/// names.
pub(super) fn lead_here(config: &mut StackConfig, endpoints: &Endpoints) {
    let pool = &config.user_pool;
    let mut values = vec![
        // The local pool issues the tokens.
        ("COGNITO_ISSUER", endpoints.issuer(&pool.pool_id)),
        ("COGNITO_CLIENT_ID", pool.client_id.clone()),
    ];
    if let Some(api) = config.websocket_apis.first() {
        let url = endpoints.websocket_callback_url(&api.stage);
        values.push(("WEBSOCKET_CALLBACK_URL", url));
    }
    if let ModelConfig::Bedrock {
        model_id: Some(model_id),
    } = &config.model
    {
        // Bedrock itself answers, so `MODEL_ID` is the model of the command line.
        values.push(("MODEL_ID", model_id.clone()));
    }
    for function in &mut config.functions {
        for (name, value) in &values {
            // A function only gets variables that its template declares.
            if let Some(declared) = function.environment.get_mut(*name) {
                declared.clone_from(value);
            }
        }
    }
}
