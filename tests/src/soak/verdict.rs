//! Checks what must hold when everything is over. It looks from outside: at the table, the queues, the model's log and
//! the processes.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use local_stack::bedrock::log::ModelCall;
use serde_json::{Value, json};
use tokencast::stack::{
    AUTHORIZER_FUNCTION, FUNCTION_URL_FUNCTION, REQUEST_FUNCTION, TABLE, WEBSOCKET_FUNCTION,
    WORKER_FUNCTION,
};
use tokencast_client::AnswerEvent;
use uuid::Uuid;

use super::user::{Story, prompt};
use super::{FaultCount, Plan};
use crate::TestStack;

/// A soak of so many sessions is a long one.
const LONG: usize = 500;

/// The sessions' records as JSON: status, text, attempt, code, owner, and of the quota what is spent, the input that was
/// reserved, and whether it is settled.
pub type Records = HashMap<Uuid, Value>;

/// Returns how often each fault happened, including faults that never did. Rules with the same name are one fault.
pub fn fault_counts(stack: &TestStack) -> Vec<FaultCount> {
    let mut counts: Vec<FaultCount> = Vec::new();
    for rule in stack.running.local.faults().report() {
        let known = counts.iter_mut().find(|count| count.name == rule.rule);
        if let Some(count) = known {
            count.events += rule.matched;
            count.happened += rule.fired;
        } else {
            counts.push(FaultCount {
                name: rule.rule,
                events: rule.matched,
                happened: rule.fired,
            });
        }
    }
    counts
}

/// Returns the faults that happened too rarely for a soak: each must happen once, and 20 times in a long one.
pub fn too_rare(faults: &[FaultCount], sessions: usize) -> Vec<String> {
    let least = if sessions >= LONG { 20 } else { 1 };
    let rare = faults.iter().filter(|fault| fault.happened < least);
    rare.map(|fault| {
        let FaultCount {
            name,
            events,
            happened,
        } = fault;
        format!("the fault `{name}` happened {happened} times at {events} events, expected {least} or more")
    })
    .collect()
}

/// Waits until the queue is empty and no model call is running.
///
/// # Errors
///
/// Something is left after `within`; the error says what.
pub async fn quiet(stack: &TestStack, within: Duration) -> Result<(), String> {
    let begun = Instant::now();
    let url = stack.queue_url();
    loop {
        let counts = stack.message_counts(&url).await;
        let streams = stack.running.local.bedrock().live_streams();
        if counts == [0; 3] && streams == 0 {
            return Ok(());
        }
        if begun.elapsed() > within {
            let [visible, hidden, delayed] = counts;
            return Err(format!(
                "after {within:?} the queue has {visible} messages, {hidden} hidden and {delayed} delayed ones, and the model streams {streams} answers"
            ));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Returns the sessions whose messages are in the dead-letter queue.
pub async fn dead_letters(stack: &TestStack) -> BTreeSet<Uuid> {
    let mut sessions = BTreeSet::new();
    loop {
        let receive = stack
            .sqs()
            .receive_message()
            .queue_url(stack.dead_letter_queue_url());
        let received = receive
            .max_number_of_messages(10)
            .visibility_timeout(600)
            .send()
            .await;
        let messages = received.expect("received").messages.unwrap_or_default();
        if messages.is_empty() {
            return sessions;
        }
        sessions.extend(messages.iter().filter_map(|message| {
            let job: Value = serde_json::from_str(message.body()?).ok()?;
            job["sessionId"].as_str()?.parse::<Uuid>().ok()
        }));
    }
}

pub async fn records(stack: &TestStack) -> Records {
    let mut records = Records::new();
    let mut pages = stack
        .dynamodb()
        .scan()
        .table_name(TABLE)
        // The chunks of a long text are items too.
        .filter_expression("attribute_exists(#owner)")
        .expression_attribute_names("#owner", "owner")
        .into_paginator()
        .items()
        .send();
    while let Some(item) = pages.next().await {
        let item = item.expect("a readable table");
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
        let number = |name: &str| {
            item.get(name)
                .and_then(|value| value.as_n().ok()?.parse::<u64>().ok())
        };
        let code = match item.get("failure") {
            Some(AttributeValue::M(failure)) => failure
                .get("code")
                .and_then(|code| code.as_s().ok())
                .cloned(),
            _ => None,
        };
        let id = text("sessionId")
            .and_then(|id| id.parse().ok())
            .expect("a session's id");
        let quota = item.get("quota").and_then(|quota| quota.as_m().ok());
        let of_quota = |name: &str| quota?.get(name)?.as_n().ok()?.parse::<u64>().ok();
        let (spent, input) = (of_quota("spentTokens"), of_quota("input"));
        let settled = quota.and_then(|it| it.get("settled")?.as_bool().ok());
        let record = json!({
            "status": text("status"), "text": text("text"), "attempt": number("attempt"), "code": code,
            "owner": text("owner"), "spent": spent, "input": input, "settled": settled,
        });
        records.insert(id, record);
    }
    records
}

/// Returns every promise that doesn't hold.
pub fn judge(
    plan: &Plan,
    stories: &[Story],
    records: &Records,
    calls: &[ModelCall],
    dead_letters: &BTreeSet<Uuid>,
) -> Vec<String> {
    let mut broken = Vec::new();
    for story in stories {
        let mut complain =
            |what: String| broken.push(format!("session {} ({}): {what}", story.number, story.id));
        story
            .complaints
            .iter()
            .for_each(|complaint| complain(complaint.clone()));
        let Some(record) = records.get(&story.id) else {
            complain("no record".to_owned());
            continue;
        };
        let (status, text) = (
            record["status"].as_str().unwrap_or_default(),
            record["text"].as_str().unwrap_or_default(),
        );
        let expected = match &story.ending {
            Some(AnswerEvent::Completed { .. }) => "COMPLETED",
            Some(AnswerEvent::Cancelled { .. }) => "CANCELLED",
            Some(AnswerEvent::Failed { .. }) => "FAILED",
            _ => continue,
        };
        if status != expected {
            complain(format!(
                "the client saw {expected}, the record says {status}"
            ));
        }
        if text != story.text {
            complain(format!(
                "the client has {:?}, the record {text:?}",
                story.text
            ));
        }
        if status == "CANCELLED" && !story.asked_to_stop {
            complain("cancelled, though nobody asked for it".to_owned());
        }
        let own = prompt(story.number);
        let said: Vec<_> = calls
            .iter()
            .filter(|call| call.prompt.contains(&own))
            .collect();
        let fits = |call: &&ModelCall| match status {
            "COMPLETED" => call.text_sent == text,
            _ => call.text_sent.starts_with(text),
        };
        let nothing_said = text.is_empty() && status != "COMPLETED";
        if !nothing_said && !said.iter().any(fits) {
            complain(format!(
                "{status} with a text that no call of the model gave: {text:?}"
            ));
        }
        // A message may also be dead although its session is over: SQS delivered it too often while a worker answered
        // it. A client of a Function URL gets the error itself, and there is no message to try again.
        let is_queued = plan.channel(story.number).is_queued();
        if status == "FAILED" && is_queued && !dead_letters.contains(&story.id) {
            let code = &record["code"];
            complain(format!(
                "failed with {code}, and its message is neither done nor a dead letter"
            ));
        }
    }
    for (id, record) in records {
        let status = record["status"].as_str().unwrap_or_default();
        if !matches!(status, "COMPLETED" | "CANCELLED" | "FAILED") {
            broken.push(format!("session {id} is still {status}"));
        }
    }
    broken
}

/// Returns the running processes of the functions.
pub fn processes(stack: &TestStack) -> Vec<u32> {
    let lambda = stack.running.local.lambda();
    let functions = [
        REQUEST_FUNCTION,
        WORKER_FUNCTION,
        FUNCTION_URL_FUNCTION,
        WEBSOCKET_FUNCTION,
        AUTHORIZER_FUNCTION,
    ];
    functions
        .iter()
        .flat_map(|function| lambda.processes(function))
        .map(|process| process.pid)
        .collect()
}

/// Returns what the stack left behind: processes, and more open files than before it.
pub async fn left_behind(processes: &[u32], open_files_before: usize) -> Vec<String> {
    let mut broken = Vec::new();
    let begun = Instant::now();
    loop {
        let alive: Vec<_> = processes.iter().filter(|pid| is_alive(**pid)).collect();
        // The clients' pools hold a few connections for a moment.
        let files = open_files();
        if alive.is_empty() && files <= open_files_before + 16 {
            return broken;
        }
        if begun.elapsed() > Duration::from_secs(10) {
            broken.push(format!(
                "left behind: processes {alive:?}, {files} open files ({open_files_before} before)"
            ));
            return broken;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn is_alive(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

/// Returns the open files and sockets of this process; 0 if the system doesn't tell.
pub fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
