//! `AWS::ApiGatewayV2::*`: a WebSocket API with its routes, integrations, authorizer and stage.

use std::collections::{BTreeMap, BTreeSet};

use local_stack::config::{
    RequestAuthorizerConfig, RouteConfig, WebSocketApiConfig, WebSocketLimits,
};

use super::Problem;
use super::document::Resource;
use super::properties::Properties;
use super::value::{Scope, mentioned, target};

const API: &str = "AWS::ApiGatewayV2::Api";
const STAGE: &str = "AWS::ApiGatewayV2::Stage";
const FUNCTION: &str = "AWS::Lambda::Function";

/// The template's WebSocket API, if it has one.
pub(super) fn read(scope: &Scope<'_>, problems: &mut Vec<Problem>) -> Option<WebSocketApiConfig> {
    let api = first(scope, API, problems)?;
    let mut properties = Properties::of(scope, api);
    properties.only(
        "ProtocolType",
        &["WEBSOCKET"],
        "there are no HTTP APIs of API Gateway here",
    );
    properties.only(
        "RouteSelectionExpression",
        &["$request.body.action"],
        "a local API goes by the message's `action`",
    );
    problems.extend(properties.finish());
    let functions = integrations(scope, problems);
    let mut authorizers = authorizers(scope, problems);
    let answering = route_responses(scope, problems);
    let mut config = WebSocketApiConfig {
        stage: stage(scope, problems)?,
        authorizer: None,
        routes: BTreeMap::new(),
        limits: WebSocketLimits::default(),
    };
    for resource in scope.document.resources_of("AWS::ApiGatewayV2::Route") {
        let mut properties = Properties::of(scope, resource);
        properties.raw("ApiId");
        let key = properties.required("RouteKey");
        let responds = properties
            .text("RouteResponseSelectionExpression")
            .is_some();
        let authorizer = properties.raw("AuthorizerId").and_then(target);
        match properties.text("AuthorizationType").as_deref() {
            Some("CUSTOM") => {
                config.authorizer = authorizer.and_then(|id| authorizers.remove(id));
                if config.authorizer.is_none() {
                    let reason = "expected an AWS::ApiGatewayV2::Authorizer of the template";
                    properties.problem("AuthorizerId", reason);
                }
                if key != "$connect" {
                    properties.problem("AuthorizationType", "only $connect has an authorizer");
                }
            }
            None | Some("NONE") => {}
            Some(other) => {
                let reason = format!("it is `{other}`, and there are CUSTOM and NONE here");
                properties.problem("AuthorizationType", reason);
            }
        }
        let integration = properties
            .raw("Target")
            .and_then(|it| mentioned(scope.document, it, "AWS::ApiGatewayV2::Integration"));
        match integration.and_then(|it| functions.get(it.id)) {
            Some(function) => {
                let route = RouteConfig {
                    function: function.clone(),
                    route_response: responds && answering.contains(resource.id),
                };
                config.routes.insert(key, route);
            }
            None => properties.problem("Target", "expected an integration of the template"),
        }
        problems.extend(properties.finish());
    }
    Some(config)
}

fn stage(scope: &Scope<'_>, problems: &mut Vec<Problem>) -> Option<String> {
    let Some(stage) = first(scope, STAGE, problems) else {
        problems.push(Problem {
            logical_id: String::new(),
            property: String::new(),
            reason: format!("there is no {STAGE} in the template, so its API is nowhere"),
        });
        return None;
    };
    let mut properties = Properties::of(scope, stage);
    properties.raw("ApiId");
    let name = properties.required("StageName");
    properties.only(
        "AutoDeploy",
        &["true"],
        "what the template says is deployed here",
    );
    problems.extend(properties.finish());
    Some(name)
}

/// The functions' names, by integration.
fn integrations(scope: &Scope<'_>, problems: &mut Vec<Problem>) -> BTreeMap<String, String> {
    let mut functions = BTreeMap::new();
    let kind = "AWS::ApiGatewayV2::Integration";
    for resource in scope.document.resources_of(kind) {
        let mut properties = Properties::of(scope, resource);
        properties.raw("ApiId");
        properties.only(
            "IntegrationType",
            &["AWS_PROXY"],
            "a local route runs a function, with nothing between",
        );
        if let Some(function) = function(scope, &mut properties, "IntegrationUri") {
            functions.insert(resource.id.to_owned(), function);
        }
        problems.extend(properties.finish());
    }
    functions
}

fn authorizers(
    scope: &Scope<'_>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, RequestAuthorizerConfig> {
    let mut authorizers = BTreeMap::new();
    for resource in scope.document.resources_of("AWS::ApiGatewayV2::Authorizer") {
        let mut properties = Properties::of(scope, resource);
        properties.raw("ApiId");
        properties.only(
            "AuthorizerType",
            &["REQUEST"],
            "a WebSocket API has no other",
        );
        let identity_sources = properties.list("IdentitySource");
        if let Some(function) = function(scope, &mut properties, "AuthorizerUri") {
            let authorizer = RequestAuthorizerConfig {
                function,
                identity_sources,
            };
            authorizers.insert(resource.id.to_owned(), authorizer);
        }
        problems.extend(properties.finish());
    }
    authorizers
}

/// The routes that have a response.
fn route_responses<'a>(scope: &Scope<'a>, problems: &mut Vec<Problem>) -> BTreeSet<&'a str> {
    let mut routes = BTreeSet::new();
    let kind = "AWS::ApiGatewayV2::RouteResponse";
    for resource in scope.document.resources_of(kind) {
        let mut properties = Properties::of(scope, resource);
        properties.raw("ApiId");
        properties.only(
            "RouteResponseKey",
            &["$default"],
            "a WebSocket API has no other",
        );
        routes.extend(properties.raw("RouteId").and_then(target));
        problems.extend(properties.finish());
    }
    routes
}

/// What a function is called here that a URI of API Gateway names.
fn function(scope: &Scope<'_>, properties: &mut Properties<'_>, name: &str) -> Option<String> {
    let uri = properties.raw(name);
    let function = uri.and_then(|uri| mentioned(scope.document, uri, FUNCTION));
    if function.is_none() {
        properties.problem(
            name,
            format!("expected the URI of an {FUNCTION} of the template"),
        );
    }
    function.map(|function| scope.names.name(function.id))
}

fn first<'a>(scope: &Scope<'a>, kind: &str, problems: &mut Vec<Problem>) -> Option<Resource<'a>> {
    let mut all = scope.document.resources_of(kind);
    let first = all.next();
    for second in all {
        let reason = format!("it is a second {kind}, and the local stack has one");
        problems.push(second.problem("", reason));
    }
    first
}
