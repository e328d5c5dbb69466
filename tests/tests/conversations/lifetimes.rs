//! How long a conversation is kept.

use std::time::Duration;

use serde_json::Value;
use system_tests::conversations::Talk;
use system_tests::stack::script;
use system_tests::{TestStack, eventually};
use tokencast::stack::CONVERSATIONS_TABLE;

const DAY: Duration = Duration::from_hours(24);

async fn stack() -> TestStack {
    TestStack::start_with(|options| {
        options.script = script(1, Duration::ZERO);
        options.worker_variable("CONVERSATION_TTL_DAYS", "2");
        let environment = &mut options.stack.request_environment;
        environment.insert("CONVERSATION_TTL_DAYS".to_owned(), "2".to_owned());
    })
    .await
}

/// Moves the clock of the stack's functions.
fn advance(stack: &TestStack, by: Duration) {
    stack.running.local.clock().advance(by);
}

#[tokio::test]
async fn a_conversation_ends_after_its_last_turn() {
    let stack = stack().await;
    let talk = Talk::new(&stack);
    let first = talk.ask("One", None).await;
    stack.queue_is_empty().await;
    advance(&stack, DAY + DAY / 2);
    talk.ask("Two", None).await;
    stack.queue_is_empty().await;
    // The first turn is kept with the second.
    eventually("an extension", || async {
        let record = stack
            .dynamodb()
            .get_item()
            .table_name(CONVERSATIONS_TABLE)
            .key(
                "conversationId",
                aws_sdk_dynamodb::types::AttributeValue::S(talk.id.clone()),
            )
            .key(
                "item",
                aws_sdk_dynamodb::types::AttributeValue::S("conversation".to_owned()),
            );
        let record = record.send().await.expect("read").item.expect("there");
        let seconds = |name: &str| {
            record[name]
                .as_n()
                .expect("a number")
                .parse::<i64>()
                .expect("whole")
        };
        (seconds("extendedTo") >= seconds("expiresAt")).then_some(())
    })
    .await;
    advance(&stack, DAY + DAY / 2);
    let read = talk.read().await;
    assert_eq!(read["turns"].as_array().map(Vec::len), Some(2), "{read}");
    assert_eq!(read["turns"][0]["sessionId"], first.as_str());
    assert_eq!(read["turns"][0]["stream"]["text"], "1:0 ");
    talk.ask("Three", None).await;
    assert_eq!(stack.told(), ["One", "1:0 ", "Two", "2:0 ", "Three"]);
    advance(&stack, DAY * 2);
    assert_eq!(talk.read().await, Value::Null);
    stack.shutdown().await;
}
