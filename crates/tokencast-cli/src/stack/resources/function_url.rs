//! The function URL, and the function behind it.

use std::time::Duration;

use local_stack::config::{CorsConfig, FunctionConfig, FunctionUrlConfig};
use local_stack::endpoints::Endpoints;

use super::{
    MAX_REQUESTS_AT_ONCE, SESSIONS, allow, common_environment, insert_trust, model_id, table_arn,
};
use crate::stack::{FUNCTION_URL_FUNCTION, QUEUE, StackError, StackOptions, TABLE};

pub(super) fn function(
    options: &StackOptions,
    endpoints: &Endpoints,
) -> Result<FunctionConfig, StackError> {
    let (program, args) = options.functions.command(FUNCTION_URL_FUNCTION)?;
    let mut environment = common_environment(endpoints);
    insert_trust(&mut environment, endpoints);
    environment.insert("MODEL_ID".into(), model_id(&options.model));
    environment.extend(options.function_url_environment.clone());
    Ok(FunctionConfig {
        name: FUNCTION_URL_FUNCTION.into(),
        program,
        args,
        environment,
        timeout: options.worker_timeout,
        memory_mb: 256,
        policy: vec![
            allow(&["sqs:SendMessage"], endpoints.queue_arn(QUEUE)),
            allow(&SESSIONS, table_arn(endpoints, TABLE)),
            allow(&["bedrock:InvokeModelWithResponseStream"], "*".into()),
        ],
        max_concurrency: MAX_REQUESTS_AT_ONCE,
    })
}

/// As `cdk/` configures it, but for any origin.
pub(super) fn url() -> FunctionUrlConfig {
    let list = |items: &[&str]| items.iter().map(ToString::to_string).collect();
    FunctionUrlConfig {
        name: FUNCTION_URL_FUNCTION.into(),
        function: FUNCTION_URL_FUNCTION.into(),
        cors: Some(CorsConfig {
            allow_credentials: false,
            allow_headers: list(&[
                "authorization",
                "content-type",
                "last-event-id",
                "x-amz-content-sha256",
            ]),
            allow_methods: list(&["GET", "POST", "DELETE"]),
            allow_origins: list(&["*"]),
            expose_headers: list(&["x-tokencast-session-id"]),
            max_age: Some(Duration::from_hours(1)),
        }),
    }
}
