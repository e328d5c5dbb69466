//! A limit on the size of files stands for a full disk: the stack ends, and names the file.

use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use system_tests::stack::function_host;
use tokio::process::Command;

use crate::process::{Dev, prepare};

/// Far more than an empty stack writes, in the units of `ulimit -f`, which are 512 bytes.
const BLOCKS: usize = 4096;
/// Less than the limit of a message or an item.
const CHUNK_BYTES: usize = 200 * 1024;

/// Starts a stack whose files can't grow beyond the limit. It ignores the signal for that, so that a write fails as on
/// a full disk.
async fn start(temporary: &Path, state: &Path) -> Dev {
    let script = r#"trap "" XFSZ; ulimit -f "$0"; exec "$@""#;
    let mut command = Command::new("sh");
    prepare(&mut command, temporary);
    command
        .args(["-c", script, &BLOCKS.to_string()])
        .arg(function_host())
        .args(["dev", "--port", "0", "--json", "--state-dir"])
        .arg(state);
    Dev::start(command).await
}

/// Calls `write` until a write is refused, which must happen within a bound. Then the stack must end and name `file`.
async fn check(file: &str, write: impl AsyncFn(&Dev, usize) -> bool) {
    let temporary = tempfile::tempdir().expect("a directory");
    let state = temporary.path().join("state");
    let dev = start(temporary.path(), &state).await;
    let most = 2 * BLOCKS * 512 / CHUNK_BYTES;
    let mut refused = false;
    for number in 0..most {
        if !write(&dev, number).await {
            refused = true;
            break;
        }
    }
    assert!(refused, "{most} writes were taken");
    let (code, said) = dev.end().await;
    assert_ne!(code, Some(0), "{said}");
    let file = state.join(file);
    let expected = format!("`{}` can't be written", file.display());
    assert!(said.contains(&expected), "{said}");
    assert!(
        !said.contains("xxxxxxxxxx"),
        "what was to be written stays out of the log"
    );
}

#[tokio::test]
async fn a_queue_that_can_not_be_kept() {
    check("sqs.jsonl", async |dev, _| {
        let send = dev
            .sqs()
            .send_message()
            .queue_url(dev.text("deadLetterQueueUrl"));
        let body = "x".repeat(CHUNK_BYTES);
        send.message_body(body).send().await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_table_that_can_not_be_kept() {
    check("dynamodb.sqlite", async |dev, number| {
        let put = dev
            .dynamodb()
            .put_item()
            .table_name(dev.text("table"))
            .item("sessionId", AttributeValue::S(format!("item-{number}")))
            .item("text", AttributeValue::S("x".repeat(CHUNK_BYTES)));
        put.send().await.is_ok()
    })
    .await;
}
