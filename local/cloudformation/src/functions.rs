//! Reads `AWS::Lambda::Function`.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use super::layers::Laid;
use super::properties::Properties;
use super::value::{Scope, target};
use super::{Problem, Program, layers, policies};
use local_stack::config::FunctionConfig;

/// The concurrency of a function that reserves none: Lambda's default for a whole Region.
pub(super) const UNRESERVED_CONCURRENCY: NonZeroU32 =
    NonZeroU32::new(1_000).expect("1,000 is not 0");
const DEFAULT_TIMEOUT_SECONDS: u32 = 3;
const DEFAULT_MEMORY_MB: u32 = 128;

pub(super) fn read(scope: &Scope<'_>, problems: &mut Vec<Problem>) -> Vec<FunctionConfig> {
    let mut functions = Vec::new();
    for resource in scope.document.resources_of("AWS::Lambda::Function") {
        let mut properties = Properties::of(scope, resource);
        // `names` has read the name already.
        properties.raw("FunctionName");
        only_own_runtime(&mut properties);
        let declared = properties.nested("Environment", |environment| {
            environment.nested("Variables", Properties::texts)
        });
        let declared = declared.flatten().unwrap_or_default();
        let environment = environment(scope, declared, &mut properties);
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
        functions.push(FunctionConfig {
            name: scope.names.name(resource.id),
            program,
            args,
            environment,
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

/// Returns how to run the function, by what invokes it.
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

/// Returns the environment as declared, but for the variables that say where AWS answers, and for files of layers.
fn environment(
    scope: &Scope<'_>,
    mut environment: BTreeMap<String, String>,
    properties: &mut Properties<'_>,
) -> BTreeMap<String, String> {
    let folders = layers::folders(scope, properties);
    environment.retain(|name, value| {
        match layers::laid_file(&folders, value) {
            Laid::Elsewhere => {}
            Laid::At(file) => *value = file.display().to_string(),
            // There is no TLS between a function and this stack.
            Laid::Missing if name == "AWS_CA_BUNDLE" => return false,
            Laid::Missing => {
                let reason =
                    format!("it is `{value}`, and no layer of the function has such a file");
                properties.problem(&format!("Environment.Variables.{name}"), reason);
            }
        }
        true
    });
    environment.insert("AWS_ENDPOINT_URL".into(), scope.inputs.endpoints.url());
    environment
}
