//! What API Gateway sends, as far as it is read here, and what it gets.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokencast_core::quota::Caller;

/// Somebody connects. It holds a token: it has no `Debug`, so that it can't be logged.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizeEvent {
    /// What the policy is about.
    pub method_arn: String,
    #[serde(default)]
    headers: Option<HashMap<String, String>>,
    /// Every value of a header; `headers` has the last of them only.
    #[serde(default)]
    multi_value_headers: Option<HashMap<String, Vec<String>>>,
    #[serde(default)]
    query_string_parameters: Option<HashMap<String, String>>,
}

impl AuthorizeEvent {
    /// Whether the `Authorization` header came more than once: which one is meant, no two readers need agree on.
    pub fn has_several_tokens(&self) -> bool {
        let headers = self.multi_value_headers.iter().flatten();
        let given = headers
            .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            .map(|(_, values)| values.len());
        given.sum::<usize>() > 1
    }

    /// The token: in the `Authorization` header, or for browsers, which can't set one, in the query string.
    pub fn token(&self) -> Option<&str> {
        let headers = self.headers.iter().flatten();
        let header = headers
            .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            .map(|(_, value)| value);
        let query = self.query_string_parameters.as_ref();
        let token = query.and_then(|parameters| parameters.get("token"));
        header.chain(token).next().map(String::as_str)
    }
}

/// Lets a user connect.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    principal_id: String,
    #[serde(rename = "policyDocument")]
    document: Document,
    context: Context,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    version: &'static str,
    statement: [Statement; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    action: &'static str,
    effect: &'static str,
    resource: String,
}

#[derive(Debug, Serialize)]
struct Context {
    owner: String,
    /// The user's groups as a JSON array, for a context holds no list. Absent without groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<String>,
}

impl Policy {
    /// Allows one call, and gives the routes the owner and their groups as context.
    pub fn allow(caller: &Caller, method_arn: &str) -> Self {
        let Caller { owner, groups } = caller;
        Self {
            principal_id: owner.as_str().to_owned(),
            document: Document {
                version: "2012-10-17",
                statement: [Statement {
                    action: "execute-api:Invoke",
                    effect: "Allow",
                    resource: method_arn.to_owned(),
                }],
            },
            context: Context {
                owner: owner.as_str().to_owned(),
                groups: (!groups.is_empty()).then(|| json!(groups).to_string()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use tokencast_core::id::Owner;

    use super::*;

    fn event(event: Value) -> AuthorizeEvent {
        serde_json::from_value(event).expect("an event")
    }

    fn check_token(headers: &Value, query: &Value, expected: Option<&str>) {
        let event = event(json!({
            "type": "REQUEST",
            "methodArn": "arn:aws:execute-api:us-east-1:1:api/dev/$connect",
            "headers": headers,
            "queryStringParameters": query,
            "requestContext": { "routeKey": "$connect", "connectionId": "a=" },
        }));
        assert_eq!(event.token(), expected);
    }

    #[test]
    fn a_token_is_in_a_header_or_in_the_query_string() {
        let (none, empty, query) = (Value::Null, json!({}), json!({"token": "y"}));
        check_token(&empty, &empty, None);
        check_token(&none, &none, None);
        check_token(
            &json!({"Authorization": "Bearer x"}),
            &none,
            Some("Bearer x"),
        );
        check_token(&json!({"authorization": "x"}), &query, Some("x"));
        check_token(&json!({"Host": "x"}), &query, Some("y"));
    }

    #[test]
    fn a_second_token_is_seen() {
        for (headers, expected) in [
            (Value::Null, false),
            (json!({"Authorization": ["x"]}), false),
            (json!({"Authorization": ["x", "x"]}), true),
            (
                json!({"Authorization": ["x"], "authorization": ["y"]}),
                true,
            ),
            (json!({"Host": ["x", "y"]}), false),
        ] {
            let event = event(json!({
                "type": "REQUEST",
                "methodArn": "arn:aws:execute-api:us-east-1:1:api/dev/$connect",
                "headers": {"Authorization": "x"},
                "multiValueHeaders": headers,
            }));
            assert_eq!(event.has_several_tokens(), expected, "{headers}");
        }
    }

    #[test]
    fn a_policy_has_the_shape_that_api_gateway_reads() {
        let owner = Owner::new("me").expect("not empty");
        let mut caller = Caller::from(owner);
        let policy = serde_json::to_value(Policy::allow(&caller, "arn")).expect("JSON");
        let expected = json!({
            "principalId": "me",
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [{ "Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "arn" }],
            },
            "context": { "owner": "me" },
        });
        assert_eq!(policy, expected);
        caller.groups = vec!["pro".to_owned(), "a,b".to_owned()];
        let policy = serde_json::to_value(Policy::allow(&caller, "arn")).expect("JSON");
        assert_eq!(policy["context"]["groups"], r#"["pro","a,b"]"#);
    }
}
