//! What a role may do: `AWS::IAM::Role`, and each `AWS::IAM::Policy` that names it.

use local_stack::iam::Statement;
use serde_json::Value;

use super::document::Resource;
use super::properties::Properties;
use super::value::{Scope, target};
use super::{Problem, absent};

pub(super) fn of_role(
    scope: &Scope<'_>,
    role: Resource<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Statement> {
    let mut properties = Properties::of(scope, role);
    properties.raw("RoleName");
    let managed = properties.value("ManagedPolicyArns");
    for arn in managed
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let arn = arn.as_str().unwrap_or_default();
        let absent = absent::MANAGED_POLICIES;
        if !absent
            .iter()
            .any(|(end, _)| arn.ends_with(&format!(":policy/{end}")))
        {
            let reason = format!("what `{arn}` allows is not known here");
            properties.problem("ManagedPolicyArns", reason);
        }
    }
    let mut statements: Vec<Statement> = properties
        .each("Policies", |policy| {
            policy.raw("PolicyName");
            document(policy)
        })
        .into_iter()
        .flatten()
        .collect();
    problems.extend(properties.finish());

    for policy in scope.document.resources_of("AWS::IAM::Policy") {
        let names_role = |roles: &Value| {
            let roles = roles.as_array();
            roles.is_some_and(|roles| roles.iter().any(|it| target(it) == Some(role.id)))
        };
        if policy.property("Roles").is_some_and(names_role) {
            let mut properties = Properties::of(scope, policy);
            properties.raw("Roles");
            statements.extend(document(&mut properties));
            problems.extend(properties.finish());
        }
    }
    statements
}

fn document(policy: &mut Properties<'_>) -> Vec<Statement> {
    let statements = policy.nested("PolicyDocument", |document| {
        document.raw("Version");
        document.each("Statement", statement)
    });
    statements
        .unwrap_or_default()
        .into_iter()
        .flatten()
        .collect()
}

fn statement(statement: &mut Properties<'_>) -> Option<Statement> {
    statement.raw("Sid");
    statement.only(
        "Effect",
        &["Allow"],
        "the local credentials have nothing but what is allowed",
    );
    let actions = texts(statement, "Action");
    if actions.iter().all(|action| is_absent(action)) {
        statement.raw("Resource");
        statement.raw("Condition");
        return None;
    }
    if !actions.iter().any(|action| is_checked(action)) {
        statement.raw("Condition");
    }
    if statement.open("Resource").is_some() {
        // Nothing is allowed on what isn't known.
        statement.raw("Resource");
        return None;
    }
    let resources = texts(statement, "Resource");
    Some(Statement { actions, resources })
}

/// About a service that doesn't exist here.
fn is_absent(action: &str) -> bool {
    let service = action.split(':').next();
    absent::ACTIONS
        .iter()
        .any(|(absent, _)| Some(*absent) == service)
}

/// The local APIs check their callers' credentials; queues, tables and models take any of this machine's.
fn is_checked(action: &str) -> bool {
    action.starts_with("appsync:") || action.starts_with("execute-api:") || !action.contains(':')
}

/// A text, or a list of them.
fn texts(statement: &mut Properties<'_>, name: &str) -> Vec<String> {
    let texts: Option<Vec<String>> = match statement.value(name) {
        Some(Value::String(text)) => Some(vec![text]),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    };
    texts.unwrap_or_else(|| {
        statement.problem(name, "expected a text, or a list of them");
        Vec::new()
    })
}
