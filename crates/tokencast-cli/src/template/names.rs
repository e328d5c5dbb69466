//! What each queue, table and function is called here.
//!
//! A template leaves the naming to `CloudFormation`. Here, what has a part in the project has the name that the other
//! commands know it by; a name that the template gives stays.

use std::collections::BTreeMap;

use super::Problem;
use super::document::{Document, Resource};
use super::function_url;
use super::value::{mentioned, target};
use crate::stack::{
    AUTHORIZER_FUNCTION, CONNECTIONS_TABLE, DEAD_LETTER_QUEUE, FUNCTION_URL_FUNCTION, Names, QUEUE,
    REQUEST_FUNCTION, TABLE, USER_POOL_CLIENT_ID, USER_POOL_ID, WEBSOCKET_FUNCTION,
    WORKER_FUNCTION,
};

/// The parts that resources have in the project, by logical id.
#[derive(Clone, Debug, Default)]
pub(super) struct Roles {
    names: BTreeMap<String, String>,
    jobs: Option<String>,
    dead_letters: Option<String>,
    table: Option<String>,
    request: Option<String>,
    worker: Option<String>,
    function_url: Option<String>,
    websocket: Option<String>,
    authorizer: Option<String>,
    connections: Option<String>,
    /// A pool of the user's own, which the local pool stands in for.
    pool_id: Option<String>,
}

impl Roles {
    pub(super) fn find(document: &Document) -> Self {
        let mapping = document
            .resources_of("AWS::Lambda::EventSourceMapping")
            .next();
        let named_by = |resource: Option<Resource<'_>>, property: &str| -> Option<String> {
            resource?
                .property(property)
                .and_then(target)
                .map(str::to_owned)
        };
        let jobs = named_by(mapping, "EventSourceArn");
        let worker = named_by(mapping, "FunctionName");
        let dead_letters = jobs
            .as_deref()
            .and_then(|id| document.resource(id)?.property("RedrivePolicy"))
            .and_then(|policy| target(policy.get("deadLetterTargetArn")?))
            .map(str::to_owned);
        let request = document
            .resources_of("AWS::AppSync::DataSource")
            .find_map(|source| target(source.property("LambdaConfig")?.get("LambdaFunctionArn")?))
            .map(str::to_owned);
        let function_url = named_by(
            document.resources_of(function_url::KIND).next(),
            "TargetFunctionArn",
        );
        let called_by = |kind: &str, property: &str| {
            let uri = document.resources_of(kind).next()?.property(property)?;
            mentioned(document, uri, "AWS::Lambda::Function").map(|function| function.id.to_owned())
        };
        let websocket = called_by("AWS::ApiGatewayV2::Integration", "IntegrationUri");
        let authorizer = called_by("AWS::ApiGatewayV2::Authorizer", "AuthorizerUri");
        let connections = websocket.as_deref().and_then(|id| {
            let environment = document.resource(id)?.property("Environment")?;
            let table = environment.get("Variables")?.get("CONNECTIONS_TABLE")?;
            target(table).map(str::to_owned)
        });
        let table = document
            .resources_of("AWS::DynamoDB::Table")
            .find(|table| Some(table.id) != connections.as_deref())
            .map(|table| table.id.to_owned());
        let pool_id = document
            .resources_of("AWS::AppSync::GraphQLApi")
            .find_map(|api| {
                api.property("UserPoolConfig")?
                    .get("UserPoolId")?
                    .as_str()
                    .map(str::to_owned)
            });
        let mut roles = Self {
            names: BTreeMap::new(),
            jobs,
            dead_letters,
            table,
            request,
            worker,
            function_url,
            websocket,
            authorizer,
            connections,
            pool_id,
        };
        roles.names = [
            ("AWS::SQS::Queue", "QueueName"),
            ("AWS::DynamoDB::Table", "TableName"),
            ("AWS::Lambda::Function", "FunctionName"),
        ]
        .into_iter()
        .flat_map(|(kind, property)| {
            document
                .resources_of(kind)
                .map(move |resource| (resource, property))
        })
        .map(|(resource, property)| {
            let given = resource
                .property(property)
                .and_then(serde_json::Value::as_str);
            let name = given.or_else(|| roles.known_name(resource.id));
            (
                resource.id.to_owned(),
                name.unwrap_or(resource.id).to_owned(),
            )
        })
        .collect();
        roles
    }

    /// What a queue, table or function is called here.
    pub(super) fn name(&self, id: &str) -> String {
        self.names.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    /// Which of the project's functions it is: one of the names that they have here.
    pub(super) fn function(&self, id: &str) -> Option<&'static str> {
        let functions = self.functions();
        let mut parts = functions
            .into_iter()
            .filter(|(role, _)| role.as_deref() == Some(id));
        match (parts.next(), parts.next()) {
            (Some((_, part)), None) => Some(part),
            _ => None,
        }
    }

    fn functions(&self) -> [(&Option<String>, &'static str); 5] {
        [
            (&self.request, REQUEST_FUNCTION),
            (&self.worker, WORKER_FUNCTION),
            (&self.function_url, FUNCTION_URL_FUNCTION),
            (&self.websocket, WEBSOCKET_FUNCTION),
            (&self.authorizer, AUTHORIZER_FUNCTION),
        ]
    }

    pub(super) fn pool_id(&self) -> &str {
        self.pool_id.as_deref().unwrap_or(USER_POOL_ID)
    }

    #[expect(
        clippy::unused_self,
        reason = "as its neighbour, which is the template's to tell"
    )]
    pub(super) fn client_id(&self) -> &'static str {
        USER_POOL_CLIENT_ID
    }

    /// What the commands and people have to know.
    pub(super) fn names(&self, problems: &mut Vec<Problem>) -> Option<Names> {
        let mut name = |role: &Option<String>, what: &str| {
            if let Some(id) = role {
                return self.name(id);
            }
            problems.push(Problem {
                logical_id: String::new(),
                property: String::new(),
                reason: format!("there is no {what} in the template"),
            });
            String::new()
        };
        let names = Names {
            queue: name(&self.jobs, "queue that an event source reads"),
            dead_letter_queue: name(&self.dead_letters, "dead-letter queue of that queue"),
            table: name(&self.table, "table"),
            request_function: name(&self.request, "function that is an API's data source"),
            worker_function: name(&self.worker, "function that an event source runs"),
        };
        problems.is_empty().then_some(names)
    }

    fn known_name(&self, id: &str) -> Option<&'static str> {
        let id = Some(id);
        [
            (&self.jobs, QUEUE),
            (&self.dead_letters, DEAD_LETTER_QUEUE),
            (&self.table, TABLE),
            (&self.connections, CONNECTIONS_TABLE),
        ]
        .into_iter()
        .chain(self.functions())
        .find(|(role, _)| role.as_deref() == id)
        .map(|(_, name)| name)
    }
}
