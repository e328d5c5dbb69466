//! Quotas from outside: what they refuse over each channel, what is left, and what is settled.

mod ledgers;
mod refusals;

use std::time::Duration;

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
