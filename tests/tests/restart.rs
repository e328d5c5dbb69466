//! A stack with a state directory goes on where it was stopped.

use std::time::Duration;

use local_stack::config::{FaultRule, ModelException, ModelFault};
use serde_json::json;
use system_tests::stack::{faulty, script, text};
use system_tests::{TestStack, collect, eventually};
use uuid::Uuid;

#[tokio::test]
async fn sessions_messages_and_keys_are_kept_across_restarts() {
    let directory = tempfile::tempdir().expect("a directory");
    let start = || {
        TestStack::start_with(|options| {
            options.stack.state_dir = Some(directory.path().to_owned());
            options.script = script(50, Duration::ZERO);
            options.worker_variable("LEASE_SECONDS", "1");
            options.worker_variable("THROTTLE_PATIENCE_SECONDS", "30");
        })
    };
    let (done, waiting) = (Uuid::new_v4(), Uuid::new_v4().to_string());
    let stack = start().await;
    let answer = collect(stack.client("alice").stream_as(done, "Done before")).await;
    assert_eq!(answer.expect("an answer").text, text(50));
    // The model is busy, so the second prompt is still in the queue when the stack ends.
    let busy = FaultRule::always(ModelFault::Refuse(ModelException::Throttling));
    stack.script(faulty(50, Duration::ZERO, vec![busy]));
    let started = stack
        .start_stream("alice", "Still waiting", Some(&waiting))
        .await;
    assert_eq!(started.get("errors"), None, "{started}");
    let refused = stack
        .running
        .local
        .bedrock()
        .wait_until(|calls| calls.len() == 2);
    system_tests::within("a first try", refused).await;
    let (token, ca) = (
        stack.access_token("alice"),
        std::fs::read(&stack.running.info.ca_file),
    );
    stack.shutdown().await;

    let stack = start().await;
    let session = stack.get_stream("alice", &done.to_string()).await;
    assert_eq!(
        (&session["status"], &session["text"]),
        (&json!("COMPLETED"), &json!(text(50)))
    );
    let session = eventually("the answer to what waited", || async {
        let session = stack.get_stream("alice", &waiting).await;
        (session["status"] == json!("COMPLETED")).then_some(session)
    })
    .await;
    assert_eq!(session["attempt"], json!(2));
    let ca_now = std::fs::read(&stack.running.info.ca_file);
    assert_eq!(
        ca.expect("readable"),
        ca_now.expect("readable"),
        "clients that trust it go on"
    );
    assert_ne!(
        stack.access_token("alice"),
        token,
        "a new token, by the same key and for the same owner"
    );
    stack.queue_is_empty().await;
    stack.shutdown().await;
}
