//! What `Ref` and `Fn::GetAtt` of a resource give on the local stack.

use local_stack::endpoints::WEBSOCKET_API_ID;

use super::document::Resource;
use super::value::Scope;
use super::{function_url, users};

pub(super) fn reference(scope: &Scope<'_>, resource: &Resource<'_>) -> Result<String, String> {
    let attribute_of = |attribute| attribute_of(scope, resource, attribute);
    let found = match resource.kind {
        "AWS::SQS::Queue" => attribute_of("QueueUrl"),
        "AWS::AppSync::GraphQLApi" => attribute_of("Arn"),
        "AWS::DynamoDB::Table" | "AWS::Lambda::Function" => Some(scope.names.name(resource.id)),
        "AWS::ApiGatewayV2::Api" => Some(WEBSOCKET_API_ID.to_owned()),
        "AWS::IAM::Role" | "AWS::Logs::LogGroup" => Some(resource.id.to_owned()),
        "AWS::Cognito::UserPool" => attribute_of("UserPoolId"),
        "AWS::Cognito::UserPoolClient" => attribute_of("ClientId"),
        _ => None,
    };
    found.ok_or_else(|| {
        format!(
            "`Ref` of {}, a {}, has no value here",
            resource.id, resource.kind
        )
    })
}

pub(super) fn attribute(
    scope: &Scope<'_>,
    resource: &Resource<'_>,
    attribute: &str,
) -> Result<String, String> {
    attribute_of(scope, resource, attribute).ok_or_else(|| {
        format!(
            "`{attribute}` of {}, a {}, has no value here",
            resource.id, resource.kind
        )
    })
}

fn attribute_of(scope: &Scope<'_>, resource: &Resource<'_>, attribute: &str) -> Option<String> {
    let endpoints = scope.inputs.endpoints;
    let (region, account) = (&endpoints.region, &endpoints.account_id);
    let name = scope.names.name(resource.id);
    Some(match (resource.kind, attribute) {
        ("AWS::SQS::Queue", "Arn") => endpoints.queue_arn(&name),
        ("AWS::SQS::Queue", "QueueName") => name,
        ("AWS::SQS::Queue", "QueueUrl") => endpoints.queue_url(&name),
        ("AWS::DynamoDB::Table", "Arn") => {
            format!("arn:aws:dynamodb:{region}:{account}:table/{name}")
        }
        ("AWS::Lambda::Function", "Arn") => endpoints.function_arn(&name),
        (function_url::KIND, "FunctionUrl") => endpoints.function_url(&function_url::name(scope)),
        ("AWS::AppSync::GraphQLApi", "ApiId") => endpoints.api_id.clone(),
        ("AWS::AppSync::GraphQLApi", "Arn") => {
            format!(
                "arn:aws:appsync:{region}:{account}:apis/{}",
                endpoints.api_id
            )
        }
        ("AWS::AppSync::GraphQLApi", "GraphQLUrl") => endpoints.graphql_url(),
        ("AWS::AppSync::GraphQLApi", "RealtimeUrl") => {
            endpoints.graphql_url().replacen("http", "ws", 1) + "/realtime"
        }
        ("AWS::AppSync::DataSource", "Name") => resource.property("Name")?.as_str()?.to_owned(),
        ("AWS::IAM::Role", "Arn") => format!("arn:aws:iam::{account}:role/{}", resource.id),
        ("AWS::Cognito::UserPool", "UserPoolId") => users::pool_id(scope),
        ("AWS::Cognito::UserPool", "Arn") => {
            let pool = users::pool_id(scope);
            format!("arn:aws:cognito-idp:{region}:{account}:userpool/{pool}")
        }
        ("AWS::Cognito::UserPoolClient", "ClientId") => scope.inputs.user_pool.client_id.clone(),
        _ => return None,
    })
}
