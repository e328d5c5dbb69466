//! Quotas from outside: what they refuse over each channel, what is left, and what is settled.

mod front_ends;
mod groups;
mod ledgers;
mod redrive;
mod refusals;

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use system_tests::stack::script;
use system_tests::{Channel, TestStack};

/// The tokens of an answer.
const TOKENS: usize = 20;

/// A stack with quotas, whose answers have a price.
async fn stack(channel: Channel, quotas: &str) -> TestStack {
    TestStack::start_over(channel, |options| {
        options.script = script(TOKENS, Duration::ZERO);
        options.stack.quotas = Some(quotas.to_owned());
    })
    .await
}

const USAGE: &str = "{ usage {
    day resetsAt cost
    startsPerMinute { used limit left } startsPerDay { used limit left }
    tokensPerDay { used limit left } sessionsAtOnce { used limit left }
} }";

/// What GraphQL tells of a user's quota.
async fn usage(stack: &TestStack, user: &str) -> Value {
    let answer = stack.graphql(user, USAGE, Value::Null).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"]["usage"].clone()
}

/// Runs `tokencast quota` for a user. Returns how they stand then.
async fn quota(stack: &TestStack, user: &str, action: &[&str]) -> Value {
    let port = stack.running.info.endpoints.address.port().to_string();
    let sub = sub(&stack.access_token(user));
    let target = ["--user", &sub, "--local", &port, "--json"];
    let arguments = [&["quota"], action, &target].concat();
    let output = stack.command(&arguments).await;
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The `sub` of a token's user.
fn sub(token: &str) -> String {
    let claims = token.split('.').nth(1).expect("claims");
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).expect("Base64");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    claims["sub"].as_str().expect("a `sub`").to_owned()
}
