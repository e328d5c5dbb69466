//! A message that is no job, which only `--disruptive` sends. Needs credentials.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use crate::doctor::aws::Aws;
use crate::doctor::context::{Context, POLL};
use crate::doctor::evidence::of;
use crate::doctor::probe::{Experiment, Found, Probe, Wrong};

/// For how long other messages of the dead-letter queue stay hidden from others who look.
const HIDDEN_SECONDS: u64 = 5;

pub const PROBES: &[Probe] = &[Probe {
    id: "disruptive.poison",
    experiment: Experiment::Poisoned,
    promise: "a message that is no job goes to the dead-letter queue as it came, and harms no other",
    source: "design: sessions, nothing is lost; DEPLOY: what nothing here can prove",
    expected: "within 45 s the message is in the dead-letter queue, with the same body, from where it is deleted again",
    remedy: "Look into the worker's log: its role must be allowed to send to the dead-letter queue. The message's body begins with `tokencast doctor`: delete it from the queue that has it.",
    judge: |evidence| {
        let Poisoned { after } = of(&evidence.poisoned)?;
        Ok(format!("after {} ms, and deleted again", after.as_millis()))
    },
}];

/// How the poisoned message ended.
#[derive(Debug)]
pub struct Poisoned {
    after: Duration,
}

/// Sends the message, finds it in the dead-letter queue, and deletes it there.
///
/// # Errors
///
/// It isn't wanted, there are no credentials, or it isn't found.
pub async fn poison(cx: &Context) -> Found<Poisoned> {
    if !cx.disruptive {
        return Err(Wrong::NotProbed(
            "only --disruptive sends a message that is no job".into(),
        ));
    }
    let aws = cx.aws.as_ref().map_err(Clone::clone)?;
    let (Some(queue), Some(dead_letters)) = (
        cx.deployment.resource("QueueUrl"),
        cx.deployment.resource("DeadLetterQueueUrl"),
    ) else {
        return Err(Wrong::NotProbed(
            "the outputs name no queues: --stack NAME has them".into(),
        ));
    };
    let body = format!("tokencast doctor: this is no job {}", Uuid::new_v4());
    let input = json!({ "QueueUrl": queue, "MessageBody": body });
    aws.sqs("SendMessage", &input).await?;
    let since = Instant::now();
    loop {
        if let Some(handle) = find(aws, dead_letters, &body).await? {
            let input = json!({ "QueueUrl": dead_letters, "ReceiptHandle": handle });
            aws.sqs("DeleteMessage", &input).await?;
            return Ok(Poisoned {
                after: since.elapsed(),
            });
        }
        if since.elapsed() >= cx.limits.poisoned {
            let waited = since.elapsed().as_secs();
            let got = format!("it isn't in the dead-letter queue after {waited} s");
            return Err(Wrong::at("disruptive.poison")(got));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Receives messages of the dead-letter queue, and gives back at once those that aren't ours. Returns ours.
async fn find(aws: &Aws, queue: &str, body: &str) -> Found<Option<String>> {
    let input = json!({
        "QueueUrl": queue,
        "MaxNumberOfMessages": 10,
        "VisibilityTimeout": HIDDEN_SECONDS,
        "WaitTimeSeconds": 1,
    });
    let received = aws.sqs("ReceiveMessage", &input).await?;
    let mut ours = None;
    let messages = received["Messages"].as_array();
    for message in messages.map(Vec::as_slice).unwrap_or_default() {
        let handle = message["ReceiptHandle"].as_str().unwrap_or_default();
        if message["Body"] == body {
            ours = Some(handle.to_owned());
        } else {
            let input =
                json!({ "QueueUrl": queue, "ReceiptHandle": handle, "VisibilityTimeout": 0 });
            aws.sqs("ChangeMessageVisibility", &input).await?;
        }
    }
    Ok(ours)
}
