//! From the queue to the function, and what happens to the messages.

use std::time::Duration;

use aws_sdk_sqs::types::MessageSystemAttributeName;
use local_faults::{Fault, FaultPlan, FaultService, Faults, Rule};
use local_sqs::testing::{counts, endpoints};
use serde_json::Value;

use crate::stack::{Stack, eventually, logged, worker};

/// Nothing needs this long: every invocation of these tests ends by itself or is killed by the stack.
const GRACE: Duration = Duration::from_secs(1);

async fn send(stack: &Stack, body: &str) {
    let sent = stack
        .sqs()
        .send_message()
        .queue_url(stack.endpoints.queue_url("jobs"))
        .message_body(body);
    sent.message_group_id("owner").send().await.expect("sent");
}

async fn until(stack: &Stack, queue: &str, expected: [u32; 3]) {
    let (client, url) = (stack.sqs(), stack.endpoints.queue_url(queue));
    eventually("the queue's counts", async || {
        (counts(&client, &url).await == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_message_reaches_the_function_in_lambdas_shape_and_is_deleted() {
    let stack = Stack::start(worker()).await;
    let mapping = stack.map(1).await;
    send(&stack, "print").await;
    let record = eventually("the record is printed", async || {
        let log = logged();
        let start = log.find("{\"messageId\"")?;
        // The line continues with the log's own fields.
        serde_json::Deserializer::from_str(&log[start..])
            .into_iter::<Value>()
            .next()?
            .ok()
    })
    .await;
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(record["eventSourceARN"], stack.endpoints.queue_arn("jobs"));
    assert_eq!(record["awsRegion"], "us-east-1");
    assert_eq!(record["body"], "print");
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(record["attributes"]["MessageGroupId"], "owner");
    assert!(record["receiptHandle"].is_string() && record["md5OfBody"].is_string());
    until(&stack, "jobs", [0, 0, 0]).await;
    mapping.shutdown(GRACE).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_mapping_that_lambda_would_refuse_is_refused() {
    let mut config = worker();
    config.timeout = Duration::from_secs(31);
    let stack = Stack::start(config).await;
    let refused = stack
        .try_map(1, Duration::ZERO)
        .await
        .expect_err("a timeout longer than the visibility");
    let expected = "Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds";
    assert!(refused.to_string().ends_with(expected), "{refused}");
    stack.stop().await;
}

#[tokio::test]
async fn a_window_gathers_more_than_one_receive_brings() {
    let stack = Stack::start(worker()).await;
    for _ in 0..12 {
        send(&stack, "count").await;
    }
    let mapping = stack
        .try_map(12, Duration::from_secs(3))
        .await
        .expect("a valid mapping");
    eventually("they come together", async || {
        logged().contains("a batch of 12").then_some(())
    })
    .await;
    until(&stack, "jobs", [0, 0, 0]).await;
    send(&stack, "count").await;
    eventually("it comes alone in the end", async || {
        logged().contains("a batch of 1 ").then_some(())
    })
    .await;
    until(&stack, "jobs", [0, 0, 0]).await;
    mapping.shutdown(GRACE).await;
    stack.stop().await;
}

#[tokio::test]
async fn only_reported_failures_stay_and_go_to_the_dead_letter_queue_in_the_end() {
    let stack = Stack::start(worker()).await;
    for body in ["ok", "bad", "ok"] {
        send(&stack, body).await;
    }
    let mapping = stack.map(10).await;
    until(&stack, "jobs", [0, 1, 0]).await;
    stack.clock.advance(Duration::from_secs(30));
    eventually("received a second time", async || {
        let (client, url) = (stack.sqs(), stack.endpoints.queue_url("dead"));
        stack.clock.advance(Duration::from_secs(15));
        (counts(&client, &url).await == [1, 0, 0]).then_some(())
    })
    .await;
    until(&stack, "jobs", [0, 0, 0]).await;
    mapping.shutdown(GRACE).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_killed_process_leaves_its_message_to_another_after_the_visibility() {
    let stack = Stack::start(worker()).await;
    let mapping = stack.map(1).await;
    send(&stack, "hang").await;
    let pid = stack.busy().await;
    assert!(stack.lambda.kill(pid));
    eventually("the process is gone", async || {
        stack
            .processes()
            .iter()
            .all(|process| process.pid != pid)
            .then_some(())
    })
    .await;
    until(&stack, "jobs", [0, 1, 0]).await;
    stack.clock.advance(Duration::from_secs(30));
    until(&stack, "jobs", [0, 0, 0]).await;
    until(&stack, "dead", [0, 0, 0]).await;
    mapping.shutdown(GRACE).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_throttled_invocation_waits_its_turn() {
    let mut config = worker();
    config.max_concurrency = 1.try_into().expect("not zero");
    let stack = Stack::start(config).await;
    for _ in 0..5 {
        send(&stack, "ok").await;
    }
    let mapping = stack.map(1).await;
    until(&stack, "jobs", [0, 0, 0]).await;
    until(&stack, "dead", [0, 0, 0]).await;
    mapping.shutdown(GRACE).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_function_that_sends_to_its_own_queue_is_stopped_after_16_hops() {
    let (listener, endpoints) = endpoints().await;
    let mut config = worker();
    let queue_url = endpoints.queue_url("jobs");
    config.environment.insert("QUEUE".to_owned(), queue_url);
    let stack = Stack::start_at(listener, endpoints, config, &Faults::default());
    let mapping = stack.map(1).await;
    send(&stack, "loop").await;
    until(&stack, "dead", [1, 0, 0]).await;
    until(&stack, "jobs", [0, 0, 0]).await;
    assert_eq!(logged().matches("one more hop").count(), 16);
    let dropped = "RecursiveInvocationsDropped";
    assert_eq!(logged().matches(dropped).count(), 1, "{dropped}");
    let receive = stack.sqs().receive_message();
    let receive = receive.queue_url(stack.endpoints.queue_url("dead"));
    let received = receive.message_system_attribute_names(MessageSystemAttributeName::All);
    let received = received.send().await.expect("received");
    let [message] = received.messages() else {
        panic!("one message: {received:?}")
    };
    let group = message.attributes().expect("attributes");
    assert_eq!(message.body(), Some("loop"));
    assert_eq!(group[&MessageSystemAttributeName::MessageGroupId], "owner");
    mapping.shutdown(GRACE).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_throttled_receive_is_spent_and_comes_again_when_its_visibility_ends() {
    let faults = Faults::default();
    let throttled = Rule::new(FaultService::Lambda, "worker", Fault::ThrottledReceive).times(1);
    faults
        .set(FaultPlan::default().with(throttled))
        .expect("a plan");
    let (listener, endpoints) = endpoints().await;
    let stack = Stack::start_at(listener, endpoints, worker(), &faults);
    let mapping = stack.map(1).await;
    send(&stack, "count receives").await;
    until(&stack, "jobs", [0, 1, 0]).await;
    eventually("the fault", async || {
        (faults.report()[0].fired == 1).then_some(())
    })
    .await;
    assert!(stack.processes().is_empty(), "the function isn't invoked");
    stack.clock.advance(Duration::from_secs(29));
    until(&stack, "jobs", [0, 1, 0]).await;
    stack.clock.advance(Duration::from_secs(1));
    until(&stack, "jobs", [0, 0, 0]).await;
    assert!(logged().contains("received 2 times"));
    mapping.shutdown(GRACE).await;
    stack.stop().await;
}
