//! After a delete nothing is read, and nothing is made.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use system_tests::conversations::Talk;
use system_tests::graphql::only_error;
use system_tests::stack::script;
use system_tests::{TestStack, eventually};
use tokencast::stack::{CONVERSATIONS_TABLE, TABLE, WORKER_FUNCTION};

/// Waits until no text and no prompt is left, and the queue is empty.
async fn is_purged(stack: &TestStack, talk: &Talk<'_>) {
    eventually("a purge", || async {
        (stack.items_of(&talk.id).await == ["conversation"]).then_some(())
    })
    .await;
    stack.queue_is_empty().await;
    let stored = stack.everything_stored().await;
    assert!(!stored.contains("secret"), "{stored}");
}

#[tokio::test]
async fn nothing_is_left_of_a_long_conversation() {
    let stack = TestStack::start_with(|options| {
        let mut script = script(1, Duration::ZERO);
        // Several chunks of text.
        script.tokens = Some(vec!["secret ".repeat(100); 40]);
        options.script = script;
        options.worker_variable("LEASE_SECONDS", "2");
        let environment = &mut options.stack.request_environment;
        environment.insert("LEASE_SECONDS".to_owned(), "1".to_owned());
    })
    .await;
    let talk = Talk::new(&stack);
    let first = talk.ask("a secret", None).await;
    // This prompt is too long to stand with the head of its turn.
    talk.ask(&"another secret ".repeat(100), None).await;
    let deleted = talk.delete().await;
    let timestamp = deleted["data"]["deleteConversation"]["timestamp"].clone();
    assert!(timestamp.is_string(), "{deleted}");
    assert_eq!(talk.read().await, Value::Null);
    assert_eq!(stack.get_stream("alice", &first).await, Value::Null);
    let (titles, _) = stack.conversations("alice", 20, &Value::Null).await;
    assert!(titles.is_empty());
    let again = talk.try_start("a secret", &first, None).await;
    assert_eq!(only_error(&again).0, "CONVERSATION_DELETED");
    let more = talk
        .try_start("more", &uuid::Uuid::new_v4().to_string(), None)
        .await;
    assert_eq!(only_error(&more).0, "CONVERSATION_DELETED");
    is_purged(&stack, &talk).await;
    let again = talk.delete().await;
    assert_eq!(again["data"]["deleteConversation"]["timestamp"], timestamp);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_worker_that_was_paused_writes_no_text_of_what_was_deleted() {
    let stack = TestStack::start_with(|options| {
        let mut script = script(1, Duration::from_millis(10));
        script.tokens = Some(vec!["secret ".repeat(100); 300]);
        options.script = script;
        options.worker_variable("LEASE_SECONDS", "2");
        let environment = &mut options.stack.request_environment;
        environment.insert("LEASE_SECONDS".to_owned(), "1".to_owned());
    })
    .await;
    let talk = Talk::new(&stack);
    talk.start("a secret", None).await;
    stack.model_said(100).await;
    let paused = stack.busy_worker().await.pid;
    let lambda = stack.running.local.lambda();
    assert!(lambda.freeze(paused));
    let deleted = talk.delete().await;
    assert_eq!(deleted.get("errors"), None, "{deleted}");
    // The purge waits for the lease to end, and then deletes all.
    eventually("a purge", || async {
        (stack.items_of(&talk.id).await == ["conversation"]).then_some(())
    })
    .await;
    assert!(lambda.thaw(paused));
    is_purged(&stack, &talk).await;
    stack.shutdown().await;
}

#[tokio::test]
async fn a_delete_stops_what_runs() {
    let stack = TestStack::start_with(|options| {
        options.script = script(1000, Duration::from_millis(20));
        let environment = &mut options.stack.request_environment;
        environment.insert("LEASE_SECONDS".to_owned(), "1".to_owned());
    })
    .await;
    let talk = Talk::new(&stack);
    talk.start("a secret", None).await;
    stack.model_said(10).await;
    talk.delete().await;
    let stopped = stack
        .running
        .local
        .bedrock()
        .wait_until(|calls| calls[0].ended.is_some());
    system_tests::within("the model's end", stopped).await;
    let calls = stack.running.local.bedrock().calls();
    assert!(calls[0].tokens_sent < 1000, "the worker drops the model");
    is_purged(&stack, &talk).await;
    stack.shutdown().await;
}

#[tokio::test]
async fn messages_that_come_again_make_nothing() {
    let stack = TestStack::start_with(|options| {
        options.script = script(3, Duration::ZERO);
        let environment = &mut options.stack.request_environment;
        environment.insert("LEASE_SECONDS".to_owned(), "1".to_owned());
    })
    .await;
    let talk = Talk::new(&stack);
    let id = talk.ask("a secret", None).await;
    talk.delete().await;
    is_purged(&stack, &talk).await;
    let calls = stack.running.local.bedrock().calls().len();
    let owner = stack.owner_of(&talk.id).await;
    let job = serde_json::json!({
        "version": 4, "sessionId": id, "owner": owner, "prompt": "again", "requestedAtMs": 0,
        "conversationId": talk.id,
    });
    stack.send(&job.to_string()).await;
    let purge = serde_json::json!({
        "version": 4, "kind": "purge", "conversationId": talk.id, "owner": owner, "requestedAtMs": 0,
    });
    stack.send(&purge.to_string()).await;
    stack.queue_is_empty().await;
    assert_eq!(stack.get_stream("alice", &id).await, Value::Null);
    assert_eq!(stack.items_of(&talk.id).await, ["conversation"]);
    assert_eq!(
        stack.running.local.bedrock().calls().len(),
        calls,
        "no model is asked"
    );
    // The same from the dead-letter queue.
    let sent = stack
        .sqs()
        .send_message()
        .queue_url(stack.dead_letter_queue_url())
        .message_body(job.to_string());
    sent.send().await.expect("the queue takes it");
    stack.redrive(&["--all"]).await;
    stack.queue_is_empty().await;
    assert_eq!(stack.get_stream("alice", &id).await, Value::Null);
    assert_eq!(
        stack.running.local.bedrock().calls().len(),
        calls,
        "no model is asked"
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn a_purge_that_outlasts_a_lease_is_one_workers_alone() {
    let stack = TestStack::start_with(|options| {
        options.script = script(1, Duration::ZERO);
        // A worker renews it each second and a third. It may be late by more than two seconds on a busy machine.
        options.worker_variable("LEASE_SECONDS", "4");
        let environment = &mut options.stack.request_environment;
        environment.insert("LEASE_SECONDS".to_owned(), "1".to_owned());
    })
    .await;
    let talk = Talk::new(&stack);
    for _ in 0..3 {
        // A prompt that is too long to stand with the head of its turn has an item of its own.
        talk.ask(&"a secret ".repeat(100), None).await;
    }
    stack.queue_is_empty().await;
    let faults = stack.running.local.faults();
    let invoked = Rule::new(
        FaultService::Lambda,
        WORKER_FUNCTION,
        Fault::Delay { ms: 0 },
    );
    // Each turn has two items to delete, a prompt and a head, so it takes longer than two leases.
    let slow = Rule::new(
        FaultService::DynamoDb,
        "DeleteItem",
        Fault::Delay { ms: 1500 },
    );
    let plan = FaultPlan::default().with(invoked).with(slow);
    faults.set(plan).expect("a plan");
    talk.delete().await;
    // Who deletes again has no other purge queued.
    talk.delete().await;
    is_purged(&stack, &talk).await;
    let [invocations, deletions] = &faults.report()[..] else {
        panic!("two rules")
    };
    assert_eq!(deletions.matched, 6);
    assert_eq!(invocations.matched, 2, "it deletes, and looks once more");
    stack.shutdown().await;
}

/// The most turns that a conversation may have.
const TURNS: usize = 1000;

/// No machine takes as long for them.
const LONG: Duration = Duration::from_mins(10);

/// Repeats the items of a turn under other ids, until the conversation has [`TURNS`].
async fn fill(stack: &TestStack, talk: &Talk<'_>, like: &str) {
    let dynamodb = stack.dynamodb();
    let key = |name: &str, value: &str| (name.to_owned(), AttributeValue::S(value.to_owned()));
    let of = |table: &'static str, key: HashMap<String, AttributeValue>| {
        let get = dynamodb.get_item().table_name(table).set_key(Some(key));
        async move { get.send().await.expect("a read").item.expect("an item") }
    };
    let beside = |item: &str| {
        let key = HashMap::from([key("conversationId", &talk.id), key("item", item)]);
        of(CONVERSATIONS_TABLE, key)
    };
    let head = beside(&format!("turn#{like}")).await;
    let session = of(TABLE, HashMap::from([key("sessionId", like)])).await;
    let with = |item: &HashMap<_, _>, changes: &[(&str, &str)]| {
        let mut item = item.clone();
        item.extend(changes.iter().map(|(name, value)| key(name, value)));
        let put = PutRequest::builder().set_item(Some(item)).build();
        let put = put.expect("it has an item");
        WriteRequest::builder().put_request(put).build()
    };
    let ids: Vec<_> = (1..TURNS)
        .map(|_| uuid::Uuid::new_v4().to_string())
        .collect();
    // A batch has 25 items at most.
    for ids in ids.chunks(12) {
        let (mut beside, mut sessions) = (Vec::new(), Vec::new());
        for id in ids {
            let turn = format!("turn#{id}");
            beside.push(with(&head, &[("sessionId", id), ("item", &turn)]));
            sessions.push(with(&session, &[("sessionId", id)]));
        }
        let write = dynamodb.batch_write_item();
        let write = write.request_items(CONVERSATIONS_TABLE, beside);
        let written = write.request_items(TABLE, sessions).send().await;
        let left = written.expect("written").unprocessed_items;
        assert!(left.unwrap_or_default().is_empty());
    }
    let update = dynamodb.update_item().table_name(CONVERSATIONS_TABLE);
    update
        .set_key(Some(HashMap::from([
            key("conversationId", &talk.id),
            key("item", "conversation"),
        ])))
        .update_expression("SET turnCount = :turns")
        .expression_attribute_values(":turns", AttributeValue::N(TURNS.to_string()))
        .send()
        .await
        .expect("written");
}

/// Prints how long it takes. A table that is too slow for one call is asked again, as a client does: what is deleted stays so.
#[tokio::test]
async fn the_longest_conversation_is_deleted() {
    let stack = TestStack::start_with(|options| options.script = script(1, Duration::ZERO)).await;
    let talk = Talk::new(&stack);
    let id = talk.ask("a secret", None).await;
    fill(&stack, &talk, &id).await;
    assert_eq!(talk.page(Some(1), None).await["turnCount"], TURNS);
    let begun = Instant::now();
    // The Function URL's function may take as long as it needs, so that there is something to measure.
    let path = format!("conversations/{}", talk.id);
    let deleting = async {
        let mut tries = 1;
        loop {
            let deleted = stack.url(Method::DELETE, &path, "alice").send().await;
            match deleted.expect("a response").status() {
                StatusCode::OK => return tries,
                StatusCode::SERVICE_UNAVAILABLE => tries += 1,
                other => panic!("{other}"),
            }
            println!("not deleted yet after {:?}", begun.elapsed());
        }
    };
    let tries = tokio::time::timeout(LONG, deleting).await.expect("an end");
    let time = begun.elapsed();
    println!("{TURNS} turns are deleted after {time:?} and {tries} calls");
    assert_eq!(talk.read().await, Value::Null);
    assert_eq!(stack.get_stream("alice", &id).await, Value::Null);
    let stored = stack.everything_stored().await;
    assert_eq!(stored.matches("\"deletedAt\"").count(), TURNS + 1);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_user_is_forgotten() {
    let stack = TestStack::start_with(|options| {
        let mut script = script(1, Duration::ZERO);
        script.tokens = Some(vec!["secret ".repeat(100); 40]);
        options.script = script;
    })
    .await;
    let talk = Talk::new(&stack);
    talk.ask("a secret", None).await;
    let alone = uuid::Uuid::new_v4().to_string();
    stack.start_stream("alice", "a secret", Some(&alone)).await;
    talk.ended(&alone).await;
    let theirs = Talk {
        user: "bob",
        ..Talk::new(&stack)
    };
    theirs.ask("mine", None).await;
    let owner = stack.owner_of(&talk.id).await;
    let port = stack.running.info.endpoints.address.port().to_string();
    let arguments = ["forget", "--json", "--owner", &owner, "--local", &port];
    let output = stack.command(&arguments).await;
    assert!(output.status.success(), "{output:?}");
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        said,
        serde_json::json!({ "conversations": 1, "sessions": 1 })
    );
    assert_eq!(stack.get_stream("alice", &alone).await, Value::Null);
    assert_eq!(talk.read().await, Value::Null);
    assert_eq!(theirs.read().await["title"], "mine");
    stack.shutdown().await;
}
