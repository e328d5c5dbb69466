//! A long answer is kept in chunks beside its session's record. Every reader sees one text.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use system_tests::stack::{script, text, text_of};
use system_tests::{TestStack, collect};
use tokencast::stack::TABLE;
use uuid::Uuid;

const TOKENS: usize = 4000;

async fn stack(lease: &str) -> TestStack {
    TestStack::start_with(|options| {
        options.script = script(TOKENS, Duration::from_millis(1));
        options.worker_variable("CHECKPOINT_INTERVAL_MS", "50");
        options.worker_variable("LEASE_SECONDS", lease);
    })
    .await
}

async fn items(stack: &TestStack) -> Vec<HashMap<String, AttributeValue>> {
    let scan = stack.dynamodb().scan().table_name(TABLE).send().await;
    scan.expect("scanned").items.unwrap_or_default()
}

fn text_bytes(item: &HashMap<String, AttributeValue>) -> usize {
    item["text"].as_s().expect("a string").len()
}

#[tokio::test]
async fn a_long_answer_is_one_text_to_whoever_reads_it_on_the_way() {
    let stack = stack("30").await;
    let id = Uuid::new_v4();
    let client = stack.client("alice");
    let whole = text(TOKENS);
    let started = client.stream_as(id, "Why do rivers meander?");
    let (answer, reads) = tokio::join!(collect(started), async {
        let mut reads = Vec::new();
        for tokens in [1000, 2000, 3000] {
            stack.model_said(tokens).await;
            let read = client.get(id).await.expect("read");
            reads.push(read.expect("a session").text);
        }
        reads
    });
    assert_eq!(answer.expect("an answer").text, whole);
    for read in &reads {
        assert!(whole.starts_with(read.as_str()));
    }
    assert!(reads[2].len() > 2 * 4096, "{}", reads[2].len());
    let last = client.get(id).await.expect("read");
    assert_eq!(last.expect("a session").text, whole);

    let items = items(&stack).await;
    let sizes: Vec<_> = items.iter().map(text_bytes).collect();
    assert_eq!(sizes.iter().sum::<usize>(), whole.len(), "each byte once");
    assert!(
        sizes.iter().all(|size| *size < 4096 + 5 * 1024),
        "{sizes:?}"
    );
    assert!(items.iter().all(|item| item.contains_key("expiresAt")));
    stack.shutdown().await;
}

#[tokio::test]
async fn the_parts_of_an_attempt_that_died_are_in_no_answer() {
    let stack = stack("2").await;
    let id = Uuid::new_v4();
    let client = stack.client("alice");
    let started = client.stream_as(id, "Why do rivers meander?");
    let (answer, ()) = tokio::join!(collect(started), async {
        stack.model_said(3000).await;
        let worker = stack.busy_worker().await;
        assert!(stack.running.local.lambda().kill(worker.pid));
    });
    let answer = answer.expect("an answer");
    assert_eq!((answer.attempt, answer.text), (2, text_of(2, TOKENS)));
    let read = client.get(id).await.expect("read");
    assert_eq!(read.expect("a session").text, text_of(2, TOKENS));
    stack.shutdown().await;
}
