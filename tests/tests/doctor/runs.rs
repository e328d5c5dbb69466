//! Runs on deployments that keep their promises, where something else keeps doctor from seeing that.

use std::time::Duration;

use local_stack::faults::FaultPlan;
use system_tests::stack::script;
use tokencast::doctor::deployment::Deployment;
use tokencast::doctor::estimate::Estimate;
use tokencast::doctor::probe::Verdict;
use tokencast::doctor::report::Report;

use crate::scene::{Run, examined, stack};

/// The probe says nothing of the promise, for this reason.
#[track_caller]
fn not_probed(report: &Report, id: &str, why: &str) {
    match report.verdict(id) {
        Some(Verdict::NotProbed(got)) => assert!(got.contains(why), "{id}: {got}"),
        other => panic!("{id}: {other:?}"),
    }
}

#[tokio::test]
async fn an_answer_that_was_over_before_proves_nothing() {
    let stack = stack(|options| options.script = script(1, Duration::ZERO)).await;
    let run = Run::only(&[
        "sessions.stop",
        "sessions.stop-keeps-text",
        "sessions.stop-is-idempotent",
        "sessions.reload",
        "delivery.no-gap",
        "url.stops",
        "websocket.stops",
    ]);
    let report = examined(&stack, FaultPlan::default(), run).await;
    assert_eq!(report.failed(), Vec::<&str>::new());
    for id in [
        "sessions.stop",
        "sessions.stop-keeps-text",
        "sessions.stop-is-idempotent",
        "url.stops",
        "websocket.stops",
    ] {
        not_probed(&report, id, "had finished before");
    }
    not_probed(&report, "sessions.reload", "was over before");
    not_probed(&report, "delivery.no-gap", "none of them between");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_start_that_the_quota_refuses_is_no_failure() {
    let quotas = |most: u32| format!(r#"{{"default": {{"startsPerMinute": {most}}}}}"#);
    // Over each channel and in each protocol, and in the middle of a run.
    let answers = [
        "sessions",
        "conversations",
        "delivery",
        "url",
        "websocket",
        "protocols",
    ];
    for (most, only) in [(0, &answers[..]), (5, &[])] {
        let stack = stack(|options| options.stack.quotas = Some(quotas(most))).await;
        let report = examined(&stack, FaultPlan::default(), Run::only(only)).await;
        let failed = report.failed();
        let why: Vec<_> = failed.iter().map(|id| (id, report.verdict(id))).collect();
        assert!(why.is_empty(), "{most}: {why:#?}");
        let text = report.as_text(false);
        assert!(text.contains("QUOTA_EXCEEDED, `startsPerMinute`"), "{text}");
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn what_an_interruption_kept_from_being_tried_says_so() {
    let stack = stack(|_| {}).await;
    let run = Run {
        interrupted: true,
        ..Run::only(&["sessions", "conversations", "url"])
    };
    let report = examined(&stack, FaultPlan::default(), run).await;
    for id in ["sessions.answers", "conversations.purged", "url.stops"] {
        not_probed(&report, id, "interrupted");
    }
    // What had begun is deleted all the same.
    let list = "query { conversations { items { conversationId } } }";
    let list = stack.graphql("alice", list, serde_json::Value::Null).await;
    assert_eq!(
        list["data"]["conversations"]["items"],
        serde_json::json!([])
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn a_run_costs_no_more_than_was_announced() {
    // Far more than a hundred subscribers may hear of one answer.
    let answers = script(500, Duration::from_millis(8));
    let stack = stack(|options| {
        options.script = answers;
        // On a busy machine, tokens would share events.
        options.worker_variable("PUBLISH_MODE", "token");
    })
    .await;
    let only = [
        "sessions.answers",
        "delivery",
        "url.answers",
        "websocket.answers",
    ];
    let run = Run::only(&only);
    let port = stack.running.info.endpoints.address.port();
    let deployment = Deployment::local(port, None).await.expect("the stack");
    let Estimate {
        answers, updates, ..
    } = Estimate::of(&deployment, &run.settings.selection);
    let report = examined(&stack, FaultPlan::default(), run).await;
    assert_eq!(report.failed(), Vec::<&str>::new());
    let usage = stack.running.local.usage();
    let delivered = usage.of("realtime", "data").count;
    let asked = usage.of("bedrock", "ConverseStream").count;
    println!("{delivered} of {updates} events, {asked} of {answers} answers");
    // The hundred have heard enough, and no more.
    assert!(
        delivered > 80 * 100 && delivered <= updates as u64,
        "{delivered} of {updates}"
    );
    assert!(asked <= answers as u64, "{asked} of {answers}");
    stack.shutdown().await;
}
