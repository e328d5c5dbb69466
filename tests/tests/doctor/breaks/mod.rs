//! A stack for each probe, which breaks its promise. Doctor has to say so, and none of the other probes that judge the same
//! experiment, unless it is related.

mod access;
mod answers;
mod channels;
mod conversations;
mod operation;

use std::collections::BTreeSet;
use std::time::Duration;

use system_tests::TestStack;
use tokencast::doctor::probes;

use crate::cases::Case;
use crate::scene::{stack, subject};

/// The bound of a measurement that a break exceeds.
const SOON: Duration = Duration::from_secs(1);

/// Every probe has a case in which it fails, and every case a probe.
#[test]
fn every_probe_has_a_case() {
    let cases = [
        access::access(""),
        answers::sessions(),
        answers::delivery(),
        conversations::conversations(),
        conversations::assistants(),
        conversations::quotas(),
        channels::url(),
        channels::websocket(),
        channels::protocols(),
        operation::errors(),
        operation::deployed(),
        operation::measurements(),
        operation::disruptive(),
    ];
    let cases: Vec<&str> = cases.iter().flatten().map(|case| case.id).collect();
    let probes: Vec<&str> = probes::all().iter().map(|probe| probe.id).collect();
    let set = |ids: &[&'static str]| ids.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(set(&cases), set(&probes));
    assert_eq!(probes.len(), set(&probes).len(), "ids are unique");
    let page = include_str!("../../../../docs/DOCTOR.md");
    let unseen = probes::UNSEEN.iter().map(|unseen| unseen.id);
    for id in probes.into_iter().chain(unseen) {
        assert!(page.contains(&format!("| `{id}` |")), "{id} in DOCTOR.md");
    }
}

async fn check(cases: Vec<Case>) {
    let mut wrong = Vec::new();
    let (by_plan, others): (Vec<_>, Vec<_>) = cases.into_iter().partition(Case::is_by_plan);
    if !by_plan.is_empty() {
        let shared = stack(|_| {}).await;
        for case in by_plan {
            wrong.extend(said(case, Some(&shared)).await);
        }
        shared.shutdown().await;
    }
    for case in others {
        wrong.extend(said(case, None).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with what doctor says of a case.
async fn said(case: Case, shared: Option<&TestStack>) -> Option<String> {
    let id = case.id;
    let wrong = case.check(shared).await.err();
    println!("{id}: {}", wrong.as_deref().unwrap_or("noticed"));
    wrong
}

#[tokio::test]
async fn a_break_of_access_is_noticed() {
    check(access::access(&subject("alice").await)).await;
}

#[tokio::test]
async fn a_break_of_sessions_is_noticed() {
    check(answers::sessions()).await;
}

#[tokio::test]
async fn a_break_of_delivery_is_noticed() {
    check(answers::delivery()).await;
}

#[tokio::test]
async fn a_break_of_conversations_is_noticed() {
    check(conversations::conversations()).await;
}

#[tokio::test]
async fn a_break_of_assistants_is_noticed() {
    check(conversations::assistants()).await;
}

#[tokio::test]
async fn a_break_of_quotas_is_noticed() {
    check(conversations::quotas()).await;
}

#[tokio::test]
async fn a_break_of_the_function_url_is_noticed() {
    check(channels::url()).await;
}

#[tokio::test]
async fn a_break_of_the_websocket_api_is_noticed() {
    check(channels::websocket()).await;
}

#[tokio::test]
async fn a_break_of_other_protocols_is_noticed() {
    check(channels::protocols()).await;
}

#[tokio::test]
async fn a_break_of_errors_is_noticed() {
    check(operation::errors()).await;
}

#[tokio::test]
async fn a_break_of_what_is_deployed_is_noticed() {
    check(operation::deployed()).await;
}

#[tokio::test]
async fn a_measurement_beyond_its_bound_is_noticed() {
    check(operation::measurements()).await;
}

#[tokio::test]
async fn a_poisoned_message_that_stays_is_noticed() {
    check(operation::disruptive()).await;
}
