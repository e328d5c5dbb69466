//! `AWS::Lambda::Function`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use local_stack::config::{FunctionConfig, ModelConfig};

use super::properties::Properties;
use super::value::{Scope, target};
use super::{Problem, policies, websocket_api};
use crate::stack::{
    AUTHORIZER_FUNCTION, FUNCTION_URL_FUNCTION, REQUEST_FUNCTION, StackOptions, WEBSOCKET_FUNCTION,
    WORKER_FUNCTION,
};

/// What a function has where nothing is reserved for it: Lambda's default for all of a Region.
pub(super) const UNRESERVED_CONCURRENCY: NonZeroU32 =
    NonZeroU32::new(1_000).expect("1,000 is not 0");
const DEFAULT_TIMEOUT_SECONDS: u32 = 3;
const DEFAULT_MEMORY_MB: u32 = 128;

pub(super) fn read(
    scope: &Scope<'_>,
    options: &StackOptions,
    problems: &mut Vec<Problem>,
) -> Vec<FunctionConfig> {
    let mut functions = Vec::new();
    for resource in scope.document.resources_of("AWS::Lambda::Function") {
        let mut properties = Properties::of(scope, resource);
        // Its name was read with everyone's.
        properties.raw("FunctionName");
        only_own_runtime(&mut properties);
        let declared = properties.nested("Environment", |environment| {
            environment.nested("Variables", Properties::texts)
        });
        let timeout = properties.number("Timeout");
        let memory_mb = properties.number("MemorySize");
        let reserved = properties.number("ReservedConcurrentExecutions");
        let role = properties.raw("Role").and_then(target);
        let policy = match role.and_then(|id| scope.document.resource(id)) {
            Some(role) if role.kind == "AWS::IAM::Role" => policies::of_role(scope, role, problems),
            _ => {
                properties.problem("Role", "expected an AWS::IAM::Role of the template");
                Vec::new()
            }
        };
        let Some((part, (program, args))) = program(scope, options, resource.id, &mut properties)
        else {
            problems.extend(properties.finish());
            continue;
        };
        let declared = declared.flatten().unwrap_or_default();
        functions.push(FunctionConfig {
            name: scope.roles.name(resource.id),
            program,
            args,
            environment: environment(scope, options, part, declared),
            timeout: Duration::from_secs(timeout.unwrap_or(DEFAULT_TIMEOUT_SECONDS).into()),
            memory_mb: memory_mb.unwrap_or(DEFAULT_MEMORY_MB),
            policy,
            max_concurrency: match reserved.map(NonZeroU32::new) {
                Some(Some(reserved)) => reserved,
                Some(None) => {
                    let reason = "it is 0, so that the function never runs";
                    properties.problem("ReservedConcurrentExecutions", reason);
                    UNRESERVED_CONCURRENCY
                }
                None => UNRESERVED_CONCURRENCY,
            },
        });
        problems.extend(properties.finish());
    }
    functions
}

fn only_own_runtime(properties: &mut Properties<'_>) {
    properties.only(
        "PackageType",
        &["Zip"],
        "there are no container images here",
    );
    properties.only(
        "RecursiveLoop",
        &["Terminate"],
        "the local Lambda stops loops, as AWS does by default",
    );
    match properties.text("Runtime") {
        Some(runtime) if !runtime.starts_with("provided.") => {
            let reason =
                format!("it is `{runtime}`, and only programs of their own runtime run here");
            properties.problem("Runtime", reason);
        }
        _ => {}
    }
}

type Command = (PathBuf, Vec<OsString>);

/// Which of the project's functions it is, and how it is run.
fn program(
    scope: &Scope<'_>,
    options: &StackOptions,
    id: &str,
    properties: &mut Properties<'_>,
) -> Option<(&'static str, Command)> {
    let Some(part) = scope.roles.function(id) else {
        let reason = "it is not one function of these: the API's data source, the event source's, the function URL's, the \
                      WebSocket API's routes', its authorizer";
        properties.problem("", reason);
        return None;
    };
    // The authorizer is the routes' program.
    let program = match part {
        AUTHORIZER_FUNCTION => WEBSOCKET_FUNCTION,
        part => part,
    };
    match options.functions.command(program) {
        Ok(command) => Some((part, command)),
        Err(error) => {
            properties.problem("Code", error.to_string());
            None
        }
    }
}

/// As declared, but for where AWS answers and whose tokens are taken, and for what was asked for on the command line.
fn environment(
    scope: &Scope<'_>,
    options: &StackOptions,
    part: &str,
    mut environment: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let endpoints = scope.endpoints;
    environment.insert("AWS_ENDPOINT_URL".into(), endpoints.url());
    // A layer's file, and there are no layers here; nor is there TLS between a function and this stack.
    let in_a_layer = |path: &String| path.starts_with("/opt/");
    if environment.get("AWS_CA_BUNDLE").is_some_and(in_a_layer) {
        environment.remove("AWS_CA_BUNDLE");
    }
    let mut instead = |name: &str, value: String| {
        if let Some(declared) = environment.get_mut(name) {
            *declared = value;
        }
    };
    instead("COGNITO_ISSUER", endpoints.issuer(scope.roles.pool_id()));
    instead("COGNITO_CLIENT_ID", scope.roles.client_id().to_owned());
    if let Some(stage) = websocket_api::stage_name(scope) {
        let url = endpoints.websocket_callback_url(&stage);
        instead("WEBSOCKET_CALLBACK_URL", url);
    }
    if let ModelConfig::Bedrock { model_id } = &options.model {
        instead("MODEL_ID", model_id.clone());
    }
    let overrides = match part {
        REQUEST_FUNCTION => Some(&options.request_environment),
        WORKER_FUNCTION => Some(&options.worker_environment),
        FUNCTION_URL_FUNCTION => Some(&options.function_url_environment),
        WEBSOCKET_FUNCTION => Some(&options.websocket_environment),
        _ => None,
    };
    environment.extend(overrides.cloned().unwrap_or_default());
    environment
}
