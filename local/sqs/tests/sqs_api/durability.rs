//! Messages that return: from the dead-letter queue, and after a restart.

use std::time::Duration;

use aws_sdk_sqs::types::MessageSystemAttributeName;
use local_sqs::testing::counts;

use crate::stack::{Stack, attribute, handle};

#[tokio::test]
async fn a_move_task_brings_dead_messages_back_as_new_ones() {
    let stack = Stack::start().await;
    let id = stack.send("job").await;
    for _ in 0..2 {
        assert!(stack.receive(&stack.url).await.is_some());
        stack.clock.advance(Duration::from_secs(30));
    }
    assert!(stack.receive(&stack.url).await.is_none(), "moved");
    let sources = stack
        .client
        .list_dead_letter_source_queues()
        .queue_url(&stack.dead_url)
        .send()
        .await;
    assert_eq!(sources.expect("listed").queue_urls(), [stack.url.as_str()]);

    let arn = stack.endpoints.queue_arn("dead");
    let started = stack
        .client
        .start_message_move_task()
        .source_arn(&arn)
        .send()
        .await
        .expect("started");
    assert!(started.task_handle().is_some());
    let poll = stack
        .client
        .receive_message()
        .queue_url(&stack.url)
        .wait_time_seconds(20);
    let back = poll
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await
        .expect("received");
    let back = &back.messages()[0];
    assert_eq!(back.body(), Some("job"));
    assert_ne!(back.message_id(), Some(id.as_str()));
    assert_eq!(
        attribute(back, &MessageSystemAttributeName::ApproximateReceiveCount),
        "1"
    );
    let mut results = Vec::new();
    while results.first().is_none_or(|status| status == "RUNNING") {
        let listed = stack
            .client
            .list_message_move_tasks()
            .source_arn(&arn)
            .send()
            .await
            .expect("listed");
        results = listed
            .results()
            .iter()
            .map(|it| it.status().unwrap_or_default().to_owned())
            .collect();
    }
    assert_eq!(results, ["COMPLETED"]);
    stack.stop().await;
}

#[tokio::test]
async fn messages_visibility_and_counts_survive_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let stack = Stack::start_with(Some(directory.path())).await;
    let kept = stack.send("kept").await;
    stack.send("deleted").await;
    let first = stack.receive(&stack.url).await.expect("the first");
    assert_eq!(first.message_id(), Some(kept.as_str()));
    let second = stack.receive(&stack.url).await.expect("the second");
    let delete = stack
        .client
        .delete_message()
        .queue_url(&stack.url)
        .receipt_handle(handle(&second));
    delete.send().await.expect("deleted");
    stack
        .client
        .create_queue()
        .queue_name("made-later")
        .send()
        .await
        .expect("created");
    stack.stop().await;

    let journal = directory.path().join("sqs.jsonl");
    let mut text = std::fs::read_to_string(&journal).expect("a journal");
    text.push_str("{\"op\":\"delete\",\"queue\":\"jobs\",\"id\":\"");
    std::fs::write(&journal, text).expect("written");

    let stack = Stack::start_with(Some(directory.path())).await;
    assert_eq!(
        counts(&stack.client, &stack.url).await,
        [0, 1, 0],
        "still in flight"
    );
    assert_eq!(
        counts(&stack.client, &stack.endpoints.queue_url("made-later")).await,
        [0, 0, 0]
    );
    stack.clock.advance(Duration::from_secs(30));
    let again = stack.receive(&stack.url).await.expect("visible");
    assert_eq!(
        (again.message_id(), again.body()),
        (Some(kept.as_str()), Some("kept"))
    );
    assert_eq!(
        attribute(&again, &MessageSystemAttributeName::ApproximateReceiveCount),
        "2"
    );
    stack.stop().await;
}
