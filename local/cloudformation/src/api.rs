//! `AWS::AppSync::GraphQLApi`, its schema, data sources and resolvers.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use local_stack::config::{ApiConfig, ApiLimits, AuthMode, DataSource, ResolverConfig};

use super::Problem;
use super::document::Resource;
use super::properties::Properties;
use super::value::{Scope, target};

/// A data source, by what a resolver on it does.
enum Source {
    Lambda { function: String },
    None,
}

pub(super) fn read(scope: &Scope<'_>, problems: &mut Vec<Problem>) -> Option<ApiConfig> {
    let api = only_one(scope, "AWS::AppSync::GraphQLApi", problems)?;
    let schema = only_one(scope, "AWS::AppSync::GraphQLSchema", problems)?;
    let mut config = settings(scope, api, problems);
    config.schema = definition(scope, schema, problems);
    let sources = data_sources(scope, problems);
    config.resolvers = resolvers(scope, &sources, problems);
    Some(config)
}

fn only_one<'a>(
    scope: &Scope<'a>,
    kind: &str,
    problems: &mut Vec<Problem>,
) -> Option<Resource<'a>> {
    let all: Vec<_> = scope.document.resources_of(kind).collect();
    match all[..] {
        [one] => Some(one),
        [] => {
            problems.push(Problem {
                logical_id: String::new(),
                property: String::new(),
                reason: format!("there is no {kind} in the template"),
            });
            None
        }
        [_, second, ..] => {
            let reason = format!("it is a second {kind}, and the local stack has one");
            problems.push(second.problem("", reason));
            None
        }
    }
}

fn settings(scope: &Scope<'_>, api: Resource<'_>, problems: &mut Vec<Problem>) -> ApiConfig {
    let mut properties = Properties::of(scope, api);
    let default_auth = auth_mode(&mut properties);
    let additional_auth = properties.each("AdditionalAuthenticationProviders", |provider| {
        let mode = auth_mode(provider);
        provider.nested("UserPoolConfig", user_pool);
        mode
    });
    properties.nested("UserPoolConfig", user_pool);
    properties.only("ApiType", &["GRAPHQL"], "there are no merged APIs here");
    properties.only("Visibility", &["GLOBAL"], "there is no VPC here");
    let introspection = properties.text("IntrospectionConfig");
    let limit = |number: Option<u32>| number.and_then(NonZeroU32::new);
    let limits = ApiLimits {
        query_depth: limit(properties.number("QueryDepthLimit")),
        resolver_count: limit(properties.number("ResolverCountLimit")),
    };
    problems.extend(properties.finish());
    ApiConfig {
        schema: String::new(),
        default_auth: default_auth.unwrap_or(AuthMode::Iam),
        additional_auth: additional_auth.into_iter().flatten().collect(),
        introspection: introspection.is_none_or(|setting| setting == "ENABLED"),
        limits,
        resolvers: Vec::new(),
    }
}

fn auth_mode(properties: &mut Properties<'_>) -> Option<AuthMode> {
    match properties.required("AuthenticationType").as_str() {
        "AMAZON_COGNITO_USER_POOLS" => Some(AuthMode::UserPools),
        "AWS_IAM" => Some(AuthMode::Iam),
        other => {
            let reason = format!("it is `{other}`, and there are user pools and IAM here");
            properties.problem("AuthenticationType", reason);
            None
        }
    }
}

/// The local pool stands in for it, wherever it is.
fn user_pool(config: &mut Properties<'_>) {
    config.raw("AwsRegion");
    config.raw("UserPoolId");
    // The local pool has one app client, which the API takes.
    config.raw("AppIdClientRegex");
    config.only(
        "DefaultAction",
        &["ALLOW"],
        "a field without a directive is open to the pool's users",
    );
}

fn definition(scope: &Scope<'_>, schema: Resource<'_>, problems: &mut Vec<Problem>) -> String {
    let mut properties = Properties::of(scope, schema);
    properties.raw("ApiId");
    let definition = properties.required("Definition");
    problems.extend(properties.finish());
    definition
}

fn data_sources(scope: &Scope<'_>, problems: &mut Vec<Problem>) -> BTreeMap<String, Source> {
    let mut sources = BTreeMap::new();
    for resource in scope.document.resources_of("AWS::AppSync::DataSource") {
        let mut properties = Properties::of(scope, resource);
        properties.raw("ApiId");
        let name = properties.required("Name");
        let source = match properties.required("Type").as_str() {
            "NONE" => Some(Source::None),
            "AWS_LAMBDA" => properties
                .nested("LambdaConfig", |lambda| {
                    let id = lambda.raw("LambdaFunctionArn").and_then(target);
                    let function = id.and_then(|id| scope.document.resource(id));
                    let function = function.filter(|it| it.kind == "AWS::Lambda::Function");
                    if function.is_none() {
                        let reason = "expected an AWS::Lambda::Function of the template";
                        lambda.problem("LambdaFunctionArn", reason);
                    }
                    function
                })
                .flatten()
                .map(|function| Source::Lambda {
                    function: scope.names.name(function.id),
                }),
            other => {
                let reason = format!("it is `{other}`, and there are AWS_LAMBDA and NONE here");
                properties.problem("Type", reason);
                None
            }
        };
        if let Some(source) = source {
            sources.insert(name, source);
        }
        problems.extend(properties.finish());
    }
    sources
}

fn resolvers(
    scope: &Scope<'_>,
    sources: &BTreeMap<String, Source>,
    problems: &mut Vec<Problem>,
) -> Vec<ResolverConfig> {
    let mut resolvers = Vec::new();
    for resource in scope.document.resources_of("AWS::AppSync::Resolver") {
        let mut properties = Properties::of(scope, resource);
        properties.raw("ApiId");
        properties.only("Kind", &["UNIT"], "there are no pipeline resolvers here");
        properties.only("MaxBatchSize", &["0"], "there is no batching here");
        let runtime = properties.nested("Runtime", |runtime| {
            runtime.only("RuntimeVersion", &["1.0.0"], "APPSYNC_JS 1.0.0 runs here");
            runtime.only("Name", &["APPSYNC_JS"], "APPSYNC_JS 1.0.0 runs here");
        });
        let source_name = properties.required("DataSourceName");
        let code = properties.text("Code");
        if code.is_some() && runtime.is_none() {
            properties.problem("Runtime", "it is missing, and the resolver has code");
        }
        let data_source = match (sources.get(&source_name), code) {
            (Some(Source::Lambda { function }), None) => Some(DataSource::Lambda {
                function: function.clone(),
            }),
            (Some(Source::Lambda { function }), Some(code)) => Some(DataSource::LambdaWithCode {
                function: function.clone(),
                code,
            }),
            (Some(Source::None), Some(code)) => Some(DataSource::None { code }),
            (Some(Source::None), None) => {
                properties.problem("Code", "it is missing, and a NONE data source needs it");
                None
            }
            (None, _) => {
                let reason = format!("there is no data source `{source_name}` in the template");
                properties.problem("DataSourceName", reason);
                None
            }
        };
        let (type_name, field_name) = (
            properties.required("TypeName"),
            properties.required("FieldName"),
        );
        if let Some(data_source) = data_source {
            resolvers.push(ResolverConfig {
                type_name,
                field_name,
                data_source,
            });
        }
        problems.extend(properties.finish());
    }
    resolvers
}
