//! One process for each concurrent invocation: started, used again, timed out, crashed.

use std::time::Duration;

use local_kit::invoke::InvokeError;
use local_lambda::environment::ProcessState;
use serde_json::json;

use crate::stack::{Stack, eventually, logged, worker};

fn function_error(result: Result<impl std::fmt::Debug, InvokeError>) -> (String, String) {
    match result {
        Err(InvokeError::Function {
            error_type,
            message,
        }) => (error_type, message),
        other => panic!("expected a function error, got {other:?}"),
    }
}

/// Freezes a process, and waits until each of its threads has stopped, where `/proc` shows it.
async fn freeze(stack: &Stack, pid: u32) {
    assert!(stack.lambda.freeze(pid));
    eventually("stopped", async || {
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
            return Some(());
        };
        let stopped = |stat: std::path::PathBuf| {
            std::fs::read_to_string(stat).is_ok_and(|text| text.contains(") T "))
        };
        tasks
            .flatten()
            .all(|task| stopped(task.path().join("stat")))
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_idle_process_is_used_again_and_a_busy_one_is_not() {
    let stack = Stack::start(worker()).await;
    let first = stack.invoke(json!({})).await.expect("an answer");
    let again = stack.invoke(json!({ "n": 1 })).await.expect("an answer");
    assert_eq!(first["pid"], again["pid"]);
    assert_ne!(first["requestId"], again["requestId"]);
    assert_eq!(again["event"], json!({ "n": 1 }));
    assert_eq!(again["arn"], stack.endpoints.function_arn("worker"));

    let hanging = stack.invoking(json!({ "do": "hang" }));
    assert_eq!(json!(stack.busy().await), first["pid"]);
    let other = stack.invoke(json!({})).await.expect("an answer");
    assert_ne!(other["pid"], first["pid"]);
    stack.stop().await;
    assert_eq!(
        function_error(hanging.await.expect("no panic")).0,
        "Runtime.ExitError"
    );
}

#[tokio::test]
async fn beyond_its_concurrency_a_function_is_throttled() {
    let mut config = worker();
    config.max_concurrency = 1.try_into().expect("not zero");
    let stack = Stack::start(config).await;
    let hanging = stack.invoking(json!({ "do": "hang" }));
    let pid = stack.busy().await;
    assert!(
        matches!(stack.invoke(json!({})).await, Err(InvokeError::Throttled(name)) if name == "worker")
    );
    assert!(stack.lambda.kill(pid));
    let (error_type, message) = function_error(hanging.await.expect("no panic"));
    assert_eq!(error_type, "Runtime.ExitError");
    assert!(
        message.ends_with("Error: Runtime exited with error: signal: killed"),
        "{message}"
    );
    stack.invoke(json!({})).await.expect("a new process");
    stack.stop().await;
}

#[tokio::test]
async fn deadlines_are_absolute_and_a_late_process_is_killed() {
    let stack = Stack::start(worker()).await;
    stack.clock.advance(Duration::from_hours(1));
    let before = stack.clock.now_ms();
    let answer = stack.invoke(json!({})).await.expect("an answer");
    let deadline = answer["deadlineMs"].as_i64().expect("a number");
    assert!((before + 30_000..=stack.clock.now_ms() + 30_000).contains(&deadline));

    let hanging = stack.invoking(json!({ "do": "hang" }));
    let pid = stack.busy().await;
    stack.clock.advance(Duration::from_secs(30));
    let (error_type, message) = function_error(hanging.await.expect("no panic"));
    assert_eq!(error_type, "Sandbox.Timedout");
    assert!(
        message.ends_with("Error: Task timed out after 30.00 seconds"),
        "{message}"
    );
    eventually("the process is gone", async || {
        stack.processes().is_empty().then_some(())
    })
    .await;
    assert!(!stack.lambda.kill(pid));
    assert_ne!(
        stack.invoke(json!({})).await.expect("a new process")["pid"],
        pid
    );
    stack.stop().await;
}

#[tokio::test]
async fn a_frozen_process_is_late_too() {
    let stack = Stack::start(worker()).await;
    stack.lambda.warm("worker", 1).await.expect("warm");
    let pid = stack.processes()[0].pid;
    freeze(&stack, pid).await;
    let waiting = stack.invoking(json!({}));
    stack.busy().await;
    assert!(stack.lambda.thaw(pid));
    waiting
        .await
        .expect("no panic")
        .expect("an answer, once thawed");
    freeze(&stack, pid).await;
    let waiting = stack.invoking(json!({}));
    stack.busy().await;
    stack.clock.advance(Duration::from_secs(30));
    assert_eq!(
        function_error(waiting.await.expect("no panic")).0,
        "Sandbox.Timedout"
    );
    stack.stop().await;
}

#[tokio::test]
async fn errors_and_exits_tell_what_happened() {
    let stack = Stack::start(worker()).await;
    let before = stack.invoke(json!({})).await.expect("an answer");
    let (_, message) = function_error(stack.invoke(json!({ "do": "fail" })).await);
    assert_eq!(message, "as asked");
    let after = stack.invoke(json!({})).await.expect("an answer");
    assert_eq!(before["pid"], after["pid"], "an error ends no process");
    let (error_type, message) = function_error(stack.invoke(json!({ "do": "exit" })).await);
    assert_eq!(error_type, "Runtime.ExitError");
    assert!(
        message.ends_with("Error: Runtime exited with error: exit status 7"),
        "{message}"
    );
    stack.invoke(json!({})).await.expect("a new process");
    let missing = stack.lambda.warm("missing", 1).await;
    assert!(matches!(missing, Err(InvokeError::NotFound(name)) if name == "missing"));
    stack.stop().await;
}

#[tokio::test]
async fn a_function_that_fails_to_start_says_why_in_the_log() {
    let mut config = worker();
    config
        .environment
        .insert("START".to_owned(), "fail".to_owned());
    let stack = Stack::start(config).await;
    for _ in 0..2 {
        let (error_type, message) = function_error(stack.invoke(json!({})).await);
        assert_eq!(error_type, "Runtime.ExitError");
        assert!(
            message.ends_with("Runtime exited with error: exit status 3"),
            "{message}"
        );
    }
    let log = logged();
    let line = log
        .lines()
        .find(|line| line.contains("the function failed to start"))
        .expect("a line");
    assert!(line.contains("`MODEL_ID` is missing"), "{line}");
    stack.stop().await;

    let mut config = worker();
    config.program = "/missing/bootstrap".into();
    let stack = Stack::start(config).await;
    let (error_type, message) = function_error(stack.invoke(json!({})).await);
    assert_eq!(error_type, "Runtime.InvalidEntrypoint");
    assert!(message.contains("/missing/bootstrap"), "{message}");
    stack.stop().await;
}

#[tokio::test]
async fn a_process_that_ends_with_its_stack_has_not_failed_to_start() {
    let mut config = worker();
    config
        .environment
        .insert("START".to_owned(), "hang".to_owned());
    let stack = Stack::start(config).await;
    let invoked = stack.invoking(json!({}));
    let pid = eventually("a process starts", async || {
        let starting = stack.processes().into_iter();
        let mut starting = starting.filter(|it| it.state == ProcessState::Starting);
        starting.next().map(|it| it.pid)
    });
    pid.await;
    stack.stop().await;
    let (error_type, message) = function_error(invoked.await.expect("no panic"));
    assert_eq!(error_type, "Sandbox.Failure", "{message}");
    assert!(message.ends_with("shut down"), "{message}");
}

#[tokio::test]
async fn a_process_sees_its_own_environment_only_and_its_output_is_logged() {
    let stack = Stack::start(worker()).await;
    let seen = stack
        .invoke(json!({ "do": "environment" }))
        .await
        .expect("an answer");
    let expected = [
        ("OWN", "value".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", "worker".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ENDPOINT_URL", stack.endpoints.url()),
        ("TZ", ":UTC".to_owned()),
    ];
    for (name, value) in expected {
        assert_eq!(seen[name], value, "{name}");
    }
    assert!(
        seen.get("HOME").is_none() && seen.get("CARGO_MANIFEST_DIR").is_none(),
        "{seen}"
    );
    let key = seen["AWS_ACCESS_KEY_ID"].as_str().expect("a key");
    let principal = stack.credentials.find(key).expect("a known key");
    assert_eq!(
        principal.arn,
        "arn:aws:sts::000000000000:assumed-role/worker-role/worker"
    );
    assert_eq!(
        seen["AWS_SESSION_TOKEN"].as_str(),
        principal.session_token.as_deref()
    );

    stack
        .invoke(json!({ "do": "print", "text": "rivers meander" }))
        .await
        .expect("an answer");
    eventually("the line is logged", async || {
        logged().contains("rivers meander").then_some(())
    })
    .await;
    stack.stop().await;
}

#[tokio::test]
async fn idle_processes_end_after_a_while() {
    let stack = Stack::start(worker()).await;
    stack.lambda.warm("worker", 2).await.expect("warm");
    assert_eq!(stack.processes().len(), 2);
    assert!(
        stack
            .processes()
            .iter()
            .all(|process| process.state == ProcessState::Idle)
    );
    eventually("they end", async || {
        stack.clock.advance(Duration::from_mins(11));
        stack.processes().is_empty().then_some(())
    })
    .await;
    stack.stop().await;
}

#[tokio::test]
async fn a_process_keeps_to_its_time_and_the_next_invocation_gets_a_new_one() {
    let stack = Stack::start(worker()).await;
    let environment = async || {
        let answer = stack.invoke(json!({ "do": "environment" })).await;
        let environment = answer.expect("an environment");
        let text = |name: &str| environment[name].as_str().map(str::to_owned);
        (text("AWS_ACCESS_KEY_ID"), text("TOKENCAST_CLOCK_OFFSET_MS"))
    };
    let (first, offset) = environment().await;
    assert_eq!(offset, None, "as on AWS");
    stack.clock.advance(Duration::from_hours(26));
    let (second, offset) = environment().await;
    assert_ne!(first, second);
    assert_eq!(offset.as_deref(), Some("93600000"));
    assert_eq!(environment().await.0, second, "used again");

    let pid = stack.processes()[0].pid;
    freeze(&stack, pid).await;
    let running = stack.invoking(json!({}));
    stack.busy().await;
    stack.clock.advance(Duration::from_secs(1));
    assert!(stack.lambda.thaw(pid));
    let answer = running.await.expect("no panic").expect("it finishes");
    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
    assert_eq!(answer["pid"], pid);
    let next = stack.invoke(json!({})).await.expect("an answer");
    assert_ne!(next["pid"], pid);
    assert_eq!(stack.processes().len(), 1);
    stack.stop().await;
}
