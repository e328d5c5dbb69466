//! The local user pool in the place of the template's.

use std::time::Duration;

use local_stack::config::UserPoolConfig;

use super::Problem;
use super::value::Scope;

const KIND: &str = "AWS::Cognito::UserPoolClient";

/// The pool that is given, with the id of one that the template names, and the tokens' lifetime of its app client.
pub(super) fn read(scope: &Scope<'_>, problems: &mut Vec<Problem>) -> UserPoolConfig {
    let documents = std::iter::once(scope.document).chain(scope.beside);
    let client = documents
        .flat_map(|document| document.resources_of(KIND))
        .next();
    let validity = client.and_then(|client| {
        let number = client.property("AccessTokenValidity")?.as_u64()?;
        let unit = client
            .property("TokenValidityUnits")
            .and_then(|units| units.get("AccessToken")?.as_str())
            .unwrap_or("hours");
        let seconds = match unit {
            "seconds" => 1,
            "minutes" => 60,
            "hours" => 3_600,
            "days" => 86_400,
            _ => {
                let reason = format!("it is `{unit}`, expected seconds, minutes, hours or days");
                problems.push(client.problem("TokenValidityUnits.AccessToken", reason));
                1
            }
        };
        Some(Duration::from_secs(number * seconds))
    });
    let given = &scope.inputs.user_pool;
    UserPoolConfig {
        pool_id: pool_id(scope),
        token_validity: validity.unwrap_or(given.token_validity),
        ..given.clone()
    }
}

/// Of a pool that the template doesn't make, or else of the one that is given.
pub(super) fn pool_id(scope: &Scope<'_>) -> String {
    let mut apis = scope.document.resources_of("AWS::AppSync::GraphQLApi");
    let named = apis.find_map(|api| api.property("UserPoolConfig")?.get("UserPoolId")?.as_str());
    named.unwrap_or(&scope.inputs.user_pool.pool_id).to_owned()
}
