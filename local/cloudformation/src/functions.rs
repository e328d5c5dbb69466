//! `AWS::Lambda::Function`.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use super::properties::Properties;
use super::value::{Scope, target};
use super::{Problem, Program, policies};
use local_stack::config::FunctionConfig;

/// What a function has where nothing is reserved for it: Lambda's default for all of a Region.
pub(super) const UNRESERVED_CONCURRENCY: NonZeroU32 =
    NonZeroU32::new(1_000).expect("1,000 is not 0");
const DEFAULT_TIMEOUT_SECONDS: u32 = 3;
const DEFAULT_MEMORY_MB: u32 = 128;

pub(super) fn read(scope: &Scope<'_>, problems: &mut Vec<Problem>) -> Vec<FunctionConfig> {
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
        let Some(Program { program, args }) = program(scope, resource.id, &mut properties) else {
            problems.extend(properties.finish());
            continue;
        };
        let declared = declared.flatten().unwrap_or_default();
        functions.push(FunctionConfig {
            name: scope.names.name(resource.id),
            program,
            args,
            environment: environment(scope, declared),
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

/// How it is run, by what invokes it.
fn program(scope: &Scope<'_>, id: &str, properties: &mut Properties<'_>) -> Option<Program> {
    let Some(trigger) = scope.names.trigger(id) else {
        let reason = "it is not one function of these: the API's data source, the event source's, the function URL's, the \
                      WebSocket API's routes', its authorizer";
        properties.problem("", reason);
        return None;
    };
    match (scope.inputs.program)(trigger) {
        Ok(program) => Some(program),
        Err(reason) => {
            properties.problem("Code", reason);
            None
        }
    }
}

/// As declared, but for where AWS answers.
fn environment(
    scope: &Scope<'_>,
    mut environment: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    environment.insert("AWS_ENDPOINT_URL".into(), scope.inputs.endpoints.url());
    // A layer's file, and there are no layers here; nor is there TLS between a function and this stack.
    let in_a_layer = |path: &String| path.starts_with("/opt/");
    if environment.get("AWS_CA_BUNDLE").is_some_and(in_a_layer) {
        environment.remove("AWS_CA_BUNDLE");
    }
    environment
}
