//! The authorizer's event, and what its policy allows.

use std::time::Instant;

use local_iam::matches;
use local_kit::invoke::InvokeError;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::connections::Connection;
use super::event::{self, ConnectRequest};
use super::integration::{self, IntegrationError};
use super::{Api, CONNECT};
use crate::config::RequestAuthorizerConfig;

const INVOKE: &str = "execute-api:Invoke";

/// Why a client may not connect.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// An identity source is missing, or the function failed with `Unauthorized`.
    Unauthorized,
    Policy {
        is_explicit: bool,
    },
    /// The function failed otherwise, or its response is no policy.
    Broken(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthorizerResponse {
    principal_id: String,
    policy_document: Policy,
    #[serde(default)]
    context: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    statement: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: Effect,
    action: OneOrMore,
    resource: OneOrMore,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// Where an identity source is read from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source<'a> {
    Query(&'a str),
    Header(&'a str),
}

pub(super) fn source(text: &str) -> Option<Source<'_>> {
    let name = text.strip_prefix("route.request.")?;
    let source = match name.split_once('.')? {
        ("querystring", name) if !name.is_empty() => Source::Query(name),
        ("header", name) if !name.is_empty() => Source::Header(name),
        _ => return None,
    };
    Some(source)
}

/// Invokes the authorizer. Returns the context that it passes on to the integrations.
pub(super) async fn authorize(
    api: &Api,
    config: &RequestAuthorizerConfig,
    connection: &Connection,
    request_id: &str,
    asked: &ConnectRequest,
) -> Result<Map<String, Value>, Denied> {
    if !config
        .identity_sources
        .iter()
        .all(|text| is_there(text, asked))
    {
        return Err(Denied::Unauthorized);
    }
    let event = event::authorizer(api, connection, request_id, asked);
    let started = Instant::now();
    let answer = match integration::invoke(api, &config.function, event).await {
        Ok(answer) => answer,
        Err(IntegrationError::Invoke(InvokeError::Function { message, .. }))
            if message == "Unauthorized" =>
        {
            return Err(Denied::Unauthorized);
        }
        Err(error) => return Err(Denied::Broken(error.to_string())),
    };
    let arn = api.endpoints().websocket_arn(&api.config.stage, CONNECT);
    let mut context = evaluate(&answer, &arn)?;
    let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    context.insert("integrationLatency".to_owned(), latency_ms.into());
    Ok(context)
}

fn is_there(text: &str, asked: &ConnectRequest) -> bool {
    let values = match source(text) {
        Some(Source::Query(name)) => asked.query.get(name),
        Some(Source::Header(name)) => asked
            .headers
            .iter()
            .find_map(|(known, values)| known.eq_ignore_ascii_case(name).then_some(values)),
        None => None,
    };
    values.is_some_and(|values| values.iter().any(|value| !value.is_empty()))
}

fn evaluate(answer: &[u8], arn: &str) -> Result<Map<String, Value>, Denied> {
    let answer: AuthorizerResponse =
        serde_json::from_slice(answer).map_err(|error| Denied::Broken(error.to_string()))?;
    let statements = answer.policy_document.statement.iter();
    let mut fitting = statements.filter(|statement| {
        statement.action.any(|pattern| matches(pattern, INVOKE))
            && statement.resource.any(|pattern| matches(pattern, arn))
    });
    if fitting.clone().any(|it| it.effect == Effect::Deny) {
        return Err(Denied::Policy { is_explicit: true });
    }
    if !fitting.any(|it| it.effect == Effect::Allow) {
        return Err(Denied::Policy { is_explicit: false });
    }
    let mut context = Map::new();
    context.insert("principalId".to_owned(), answer.principal_id.into());
    for (name, value) in answer.context.into_iter().flatten() {
        // The integration gets every value as text.
        let text = match value {
            Value::String(text) => text,
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            _ => {
                let what = format!("`context.{name}` is neither text, number nor boolean");
                return Err(Denied::Broken(what));
            }
        };
        context.insert(name, text.into());
    }
    Ok(context)
}

impl OneOrMore {
    fn any(&self, mut fits: impl FnMut(&str) -> bool) -> bool {
        match self {
            Self::One(one) => fits(one),
            Self::More(more) => more.iter().any(|one| fits(one)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:execute-api:us-east-1:000000000000:websocket/dev/$connect";

    fn check(statements: &Value, expected: &str) {
        let answer = json!({
            "principalId": "ada",
            "policyDocument": { "Version": "2012-10-17", "Statement": statements },
        });
        let got = match evaluate(answer.to_string().as_bytes(), ARN) {
            Ok(_) => "allowed",
            Err(Denied::Policy { is_explicit: true }) => "denied",
            Err(Denied::Policy { is_explicit: false }) => "not allowed",
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(got, expected, "{statements}");
    }

    fn statement(effect: &str, action: &str, resource: &Value) -> Value {
        json!({ "Effect": effect, "Action": action, "Resource": resource })
    }

    #[test]
    fn a_policy_allows_what_it_says_unless_it_denies_it() {
        let allow = |resource| statement("Allow", INVOKE, &resource);
        let all = "arn:aws:execute-api:*";
        check(&json!([allow(json!(ARN))]), "allowed");
        check(&json!([allow(json!(["x", all]))]), "allowed");
        let other = json!("arn:aws:execute-api:*:other/*");
        check(&json!([allow(other)]), "not allowed");
        let s3 = statement("Allow", "s3:*", &json!("*"));
        check(&json!([s3]), "not allowed");
        check(&json!([]), "not allowed");
        let deny = statement("Deny", "execute-api:*", &json!("*"));
        check(&json!([allow(json!("*")), deny]), "denied");
    }

    #[test]
    fn the_context_is_passed_on_as_texts() {
        let answer = |context: Value| {
            let policy = json!({ "Statement": [statement("Allow", "*", &json!("*"))] });
            let answer =
                json!({ "principalId": "ada", "policyDocument": policy, "context": context });
            evaluate(answer.to_string().as_bytes(), ARN)
        };
        let context = answer(json!({ "owner": "x", "n": 1, "b": true })).expect("allowed");
        let expected = json!({ "principalId": "ada", "owner": "x", "n": "1", "b": "true" });
        assert_eq!(Value::from(context), expected);
        assert!(matches!(answer(json!({ "a": [] })), Err(Denied::Broken(_))));
    }

    #[test]
    fn an_answer_that_is_no_policy_is_the_authorizers_failure() {
        for answer in ["null", "{}", r#"{"principalId":"ada"}"#, "nonsense"] {
            let got = evaluate(answer.as_bytes(), ARN);
            assert!(matches!(got, Err(Denied::Broken(_))), "{answer}: {got:?}");
        }
    }

    #[test]
    fn identity_sources() {
        let query = source("route.request.querystring.token");
        assert_eq!(query, Some(Source::Query("token")));
        let header = source("route.request.header.Authorization");
        assert_eq!(header, Some(Source::Header("Authorization")));
        for wrong in ["", "token", "route.request.header.", "route.request.body.a"] {
            assert_eq!(source(wrong), None, "{wrong}");
        }
    }
}
