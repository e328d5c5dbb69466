//! `AWS::Lambda::Url`.

use std::time::Duration;

use local_stack::config::{CorsConfig, FunctionUrlConfig};

use super::Problem;
use super::names::{Part, Trigger};
use super::properties::Properties;
use super::value::{Scope, target};

pub(super) const KIND: &str = "AWS::Lambda::Url";

/// The template's function URL, if it has one.
pub(super) fn read(scope: &Scope<'_>, problems: &mut Vec<Problem>) -> Option<FunctionUrlConfig> {
    let mut resources = scope.document.resources_of(KIND);
    let resource = resources.next()?;
    for second in resources {
        problems.push(second.problem("", "it is a second function URL, and there is one here"));
    }
    let mut properties = Properties::of(scope, resource);
    properties.only(
        "AuthType",
        &["NONE"],
        "a local function URL asks for no signature",
    );
    properties.only(
        "InvokeMode",
        &["RESPONSE_STREAM"],
        "a local function URL streams",
    );
    let cors = properties.nested("Cors", cors);
    let id = properties.raw("TargetFunctionArn").and_then(target);
    let function = id.and_then(|id| scope.document.resource(id));
    let function = function.filter(|it| it.kind == "AWS::Lambda::Function");
    if function.is_none() {
        let reason = "expected an AWS::Lambda::Function of the template";
        properties.problem("TargetFunctionArn", reason);
    }
    problems.extend(properties.finish());
    Some(FunctionUrlConfig {
        name: name(scope),
        function: scope.names.name(function?.id),
        cors,
    })
}

/// What stands for the URL's id here: its function's name, unless that is the template's, which may be no part of a URL.
pub(super) fn name(scope: &Scope<'_>) -> String {
    let part = Part::Function(Trigger::FunctionUrl);
    (scope.inputs.name)(part).unwrap_or_else(|| "function-url".to_owned())
}

fn cors(cors: &mut Properties<'_>) -> CorsConfig {
    CorsConfig {
        allow_credentials: cors
            .text("AllowCredentials")
            .is_some_and(|allowed| allowed == "true"),
        allow_headers: cors.list("AllowHeaders"),
        allow_methods: cors.list("AllowMethods"),
        allow_origins: cors.list("AllowOrigins"),
        expose_headers: cors.list("ExposeHeaders"),
        max_age: cors
            .number("MaxAge")
            .map(|seconds| Duration::from_secs(seconds.into())),
    }
}
