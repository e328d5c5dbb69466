//! The WebSocket API: its table, its two functions, its routes.

use std::collections::BTreeMap;
use std::time::Duration;

use local_stack::config::{
    FunctionConfig, RequestAuthorizerConfig, RouteConfig, TableConfig, WebSocketApiConfig,
};
use local_stack::endpoints::Endpoints;
use local_stack::iam::Statement;

use super::{MAX_REQUESTS_AT_ONCE, SESSIONS, allow, common_environment, insert_trust, table_arn};
use crate::stack::{
    AUTHORIZER_FUNCTION, CONNECTIONS_TABLE, QUEUE, StackError, StackOptions, TABLE,
    WEBSOCKET_FUNCTION, WEBSOCKET_STAGE,
};

/// API Gateway waits 29 s; a session that is over is pushed within 8 s.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Those whose answer goes back to the client.
const MESSAGE_ROUTES: [&str; 4] = ["stream", "stop", "resume", "$default"];

pub(super) fn table() -> TableConfig {
    TableConfig {
        name: CONNECTIONS_TABLE.into(),
        partition_key: "connectionId".into(),
        ttl_attribute: Some("expiresAt".into()),
    }
}

/// Where the worker and the routes post to connections.
pub(super) fn callback(endpoints: &Endpoints) -> (String, String) {
    let url = endpoints.websocket_callback_url(WEBSOCKET_STAGE);
    ("WEBSOCKET_CALLBACK_URL".into(), url)
}

/// To push to any connection, but neither look at one nor end it.
pub(super) fn may_push(endpoints: &Endpoints) -> Statement {
    let connections = endpoints.websocket_arn(WEBSOCKET_STAGE, "POST/@connections/*");
    allow(&["execute-api:ManageConnections"], connections)
}

pub(super) fn functions(
    options: &StackOptions,
    endpoints: &Endpoints,
) -> Result<[FunctionConfig; 2], StackError> {
    let function = |name: &str, environment, policy| {
        let (program, args) = options.functions.command(WEBSOCKET_FUNCTION)?;
        Ok::<_, StackError>(FunctionConfig {
            name: name.into(),
            program,
            args,
            environment,
            timeout: TIMEOUT,
            memory_mb: 256,
            policy,
            max_concurrency: MAX_REQUESTS_AT_ONCE,
        })
    };
    let mut authorizer = BTreeMap::new();
    insert_trust(&mut authorizer, endpoints);
    let mut environment = common_environment(endpoints);
    environment.insert("CONNECTIONS_TABLE".into(), CONNECTIONS_TABLE.into());
    environment.extend([callback(endpoints)]);
    environment.extend(options.websocket_environment.clone());
    let policy = vec![
        allow(&["sqs:SendMessage"], endpoints.queue_arn(QUEUE)),
        allow(&SESSIONS, table_arn(endpoints, TABLE)),
        allow(
            &[
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "dynamodb:DeleteItem",
            ],
            table_arn(endpoints, CONNECTIONS_TABLE),
        ),
        may_push(endpoints),
    ];
    Ok([
        function(AUTHORIZER_FUNCTION, authorizer, Vec::new())?,
        function(WEBSOCKET_FUNCTION, environment, policy)?,
    ])
}

pub(super) fn api(options: &StackOptions) -> WebSocketApiConfig {
    let route = |key: &str, route_response| {
        let function = WEBSOCKET_FUNCTION.into();
        (
            key.to_owned(),
            RouteConfig {
                function,
                route_response,
            },
        )
    };
    let silent = ["$connect", "$disconnect"].map(|key| route(key, false));
    let answering = MESSAGE_ROUTES.map(|key| route(key, true));
    WebSocketApiConfig {
        stage: WEBSOCKET_STAGE.into(),
        authorizer: Some(RequestAuthorizerConfig {
            function: AUTHORIZER_FUNCTION.into(),
            // The token may be in either place.
            identity_sources: Vec::new(),
        }),
        routes: silent.into_iter().chain(answering).collect(),
        limits: options.websocket,
    }
}
