//! A short soak; `cargo xtask soak` runs long ones.

use std::time::Duration;

use system_tests::Channel;
use system_tests::soak::{Plan, conversations, run};
use tokio::sync::Mutex;

/// Held by the soak that runs: what it leaves behind, such as open files, is counted by process.
static ALONE: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_the_promises_hold() {
    let _alone = ALONE.lock().await;
    let plan = Plan {
        sessions: 200,
        seed: 20_261_122,
        channels: &Channel::ALL,
        at_most: Duration::from_mins(1),
        // The number is so large that each fault has several sessions or events to happen to.
        at_least: 48,
    };
    let report = run(plan, |_| {}).await;
    println!("{report}");
    assert!(report.broken.is_empty(), "{report}");
    assert!(report.sessions >= 20 && report.completed > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_what_its_tabs_did() {
    let _alone = ALONE.lock().await;
    let plan = conversations::Plan {
        conversations: 16,
        seed: 20_261_128,
        channels: &Channel::ALL,
    };
    let report = conversations::run(plan, |_| {}).await;
    println!("{report}");
    assert!(report.broken.is_empty(), "{report}");
    assert!(report.deleted > 0 && report.histories > 0, "{report}");
}
