//! Old and new functions work side by side while a deployment runs. Jobs and records have the version before or after
//! this one, and functions are replaced in the middle of answers.
//!
//! All functions here are of one version. `tests/fixtures` has what another version writes. The tests put it where that
//! version would have written it: into the queue, and into the table between two writes of an answer.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use system_tests::stack::{script, text, text_of};
use system_tests::{Channel, TestStack, collect, eventually, over_each_channel};
use tokencast::stack::{
    FUNCTION_URL_FUNCTION, REQUEST_FUNCTION, TABLE, WEBSOCKET_FUNCTION, WORKER_FUNCTION,
};
use uuid::Uuid;

type Item = HashMap<String, AttributeValue>;

const TOKENS: usize = 250;

async fn stack(channel: Channel) -> TestStack {
    TestStack::start_over(channel, |options| {
        options.script = script(TOKENS, Duration::from_millis(10));
        options.function_url_variable("LEASE_SECONDS", "2");
    })
    .await
}

fn fixture(name: &str) -> Vec<Value> {
    let path = format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the fixture");
    serde_json::from_str(&text).expect("cases")
}

async fn record(stack: &TestStack, id: &str) -> Option<Item> {
    let get = stack.dynamodb().get_item().table_name(TABLE);
    let get = get.key("sessionId", AttributeValue::S(id.to_owned()));
    get.consistent_read(true).send().await.expect("read").item
}

fn is_completed(item: &Item) -> bool {
    item.get("status") == Some(&AttributeValue::S("COMPLETED".to_owned()))
}

/// Writes as a newer function would while an old one answers: it marks the item, and increments the record's version.
async fn write_as_a_newer_function(stack: &TestStack, id: &str) {
    let update = stack.dynamodb().update_item().table_name(TABLE);
    let blocks = AttributeValue::L(vec![AttributeValue::S("new".to_owned())]);
    update
        .key("sessionId", AttributeValue::S(id.to_owned()))
        .update_expression("SET itemVersion = :newer, #blocks = :blocks ADD #version :one")
        .expression_attribute_names("#blocks", "blocks")
        .expression_attribute_names("#version", "version")
        .expression_attribute_values(":newer", AttributeValue::N("4".to_owned()))
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
        .expression_attribute_values(":blocks", blocks)
        .send()
        .await
        .expect("written");
}

/// Replaces the functions. Idle processes end, and the next invocation starts a new one. Busy processes go on to the
/// end.
fn change_over(stack: &TestStack) {
    let lambda = stack.running.local.lambda();
    let functions = [
        REQUEST_FUNCTION,
        WORKER_FUNCTION,
        FUNCTION_URL_FUNCTION,
        WEBSOCKET_FUNCTION,
    ];
    for function in functions {
        for process in lambda.processes(function) {
            if process.request_id.is_none() {
                lambda.kill(process.pid);
            }
        }
    }
}

async fn check_changed_over(channel: Channel, old_one_dies: bool) {
    let stack = stack(channel).await;
    let id = Uuid::new_v4();
    let id_text = id.to_string();
    let stream = stack
        .client("alice")
        .stream_as(id, "Why do rivers meander?");
    let (answer, ()) = tokio::join!(collect(stream), async {
        stack.model_said(20).await;
        let old = stack.busy_function().await;
        write_as_a_newer_function(&stack, &id_text).await;
        change_over(&stack);
        if old_one_dies {
            assert!(stack.running.local.lambda().kill(old.pid));
        }
        // The new functions serve at once, beside the old one that still answers.
        let session = stack.get_stream("alice", &id_text).await;
        assert_eq!(session["sessionId"], json!(id_text));
    });
    let (attempt, said) = if old_one_dies {
        (2, text_of(2, TOKENS))
    } else {
        (1, text(TOKENS))
    };
    let answer = answer.expect("an answer");
    assert_eq!((answer.text, answer.attempt), (said.clone(), attempt));
    let session = stack.get_stream("alice", &id_text).await;
    assert_eq!(
        (&session["status"], &session["text"]),
        (&json!("COMPLETED"), &json!(said))
    );
    // The newer function's attribute is still there, although an older function wrote after it.
    let item = record(&stack, &id_text).await.expect("a record");
    assert_eq!(item["itemVersion"], AttributeValue::N("4".to_owned()));
    let blocks = item["blocks"].as_l().expect("a list");
    assert_eq!(blocks, &[AttributeValue::S("new".to_owned())]);
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

over_each_channel! {
    async fn an_answer_goes_on_while_the_functions_change_over(channel) {
        check_changed_over(channel, false).await;
    }

    async fn a_new_function_takes_over_from_an_old_one_that_dies(channel) {
        check_changed_over(channel, true).await;
    }
}

#[tokio::test]
async fn jobs_of_the_versions_beside_this_one_are_answered() {
    let stack = stack(Channel::AppSync).await;
    for case in fixture("jobs.json") {
        let id = Uuid::new_v4().to_string();
        let mut job = case["job"].clone();
        job["sessionId"] = json!(id);
        let body = job.to_string();
        // The body is escaped as its writer escapes it.
        let body = body
            .replace('\u{fffe}', "\\ufffe")
            .replace('\u{ffff}', "\\uffff");
        stack.send(&body).await;
        eventually("the answer", || async {
            record(&stack, &id).await.filter(is_completed)
        })
        .await;
        let calls = stack.running.local.bedrock().calls();
        // What a client brought with its prompt comes before it.
        let asked = &calls.last().expect("a call").prompt;
        let prompt = case["expected"]["prompt"].as_str().expect("a prompt");
        assert!(asked.ends_with(prompt), "{}: {asked:?}", case["name"]);
    }
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

/// An old worker died during an answer and left a record of its own version. Or a newer one did, and was rolled back.
#[tokio::test]
async fn records_of_the_versions_beside_this_one_are_taken_over() {
    let stack = stack(Channel::AppSync).await;
    let jobs = fixture("jobs.json");
    let cases = fixture("items.json");
    let readable: Vec<_> = cases
        .iter()
        .filter(|case| case["expected"]["status"].is_string())
        .collect();
    assert!(readable.len() >= jobs.len());
    for (case, job) in readable.iter().zip(jobs.iter().cycle()) {
        let id = Uuid::new_v4().to_string();
        let mut put = stack.dynamodb().put_item().table_name(TABLE);
        for (name, value) in case["item"].as_object().expect("an item") {
            put = put.item(name, attribute(value));
        }
        put.item("sessionId", AttributeValue::S(id.clone()))
            .item("expiresAt", AttributeValue::N("99999999999".to_owned()))
            .send()
            .await
            .expect("written");
        let mut job = job["job"].clone();
        job["sessionId"] = json!(id);
        job["prompt"] = json!("Why do rivers meander?");
        stack.send(&job.to_string()).await;
        let item = eventually("the answer", || async {
            record(&stack, &id).await.filter(is_completed)
        })
        .await;
        let name = &case["name"];
        let before = case["item"]["lastAttempt"]["N"].as_str().expect("a number");
        let attempt: u32 = before.parse().expect("a number");
        let attempt = AttributeValue::N((attempt + 1).to_string());
        assert_eq!(item["attempt"], attempt, "{name}");
        // The new attempt is text alone, whatever the one before was.
        assert_eq!(item.get("pieces"), None, "{name}");
        for kept in case["expected"]["kept"].as_array().expect("names") {
            let kept = kept.as_str().expect("a name");
            assert_eq!(item[kept], attribute(&case["item"][kept]), "{name}: {kept}");
        }
    }
    stack.queue_is_empty().await;
    stack.shutdown().await;
}

/// Converts the JSON of DynamoDB's protocol, for the types in the fixtures.
fn attribute(json: &Value) -> AttributeValue {
    let (kind, value) = json
        .as_object()
        .and_then(|it| it.iter().next())
        .expect("a type");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let list = || value.as_array().expect("a list").iter();
    match kind.as_str() {
        "S" => AttributeValue::S(text(value)),
        "N" => AttributeValue::N(text(value)),
        "B" => {
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::STANDARD.decode(text(value));
            AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new(
                bytes.expect("base64"),
            ))
        }
        "BOOL" => AttributeValue::Bool(value == true),
        "NULL" => AttributeValue::Null(true),
        "SS" => AttributeValue::Ss(list().map(text).collect()),
        "L" => AttributeValue::L(list().map(attribute).collect()),
        "M" => {
            let fields = value.as_object().expect("fields").iter();
            AttributeValue::M(
                fields
                    .map(|(name, value)| (name.clone(), attribute(value)))
                    .collect(),
            )
        }
        other => panic!("{other}"),
    }
}
