//! The local user pool in the place of the template's.

use std::time::Duration;

use local_stack::config::UserPoolConfig;

use super::Problem;
use super::value::Scope;
use crate::stack::users;

const TOKEN_VALIDITY: Duration = Duration::from_hours(1);
const KIND: &str = "AWS::Cognito::UserPoolClient";

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
    UserPoolConfig {
        pool_id: scope.roles.pool_id().to_owned(),
        client_id: scope.roles.client_id().to_owned(),
        users: users(),
        token_validity: validity.unwrap_or(TOKEN_VALIDITY),
    }
}
