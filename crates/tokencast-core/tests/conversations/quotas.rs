//! Starts within quotas, and what is settled at their end.

use std::time::Duration;

use tokencast_core::failure::FailureCode;
use tokencast_core::id::SessionId;
use tokencast_core::job::Purge;
use tokencast_core::quota::{Caller, Day, Ledger, LimitName, Override, Quotas};
use tokencast_core::requests::RequestError;
use tokencast_core::session::Status;
use tokencast_core::time::Timestamp;

use crate::scene::{Scene, me};

/// The tokens that the model counts of an answer.
const COUNTED: u64 = 15;

/// A scene with these limits, in the middle of a day.
fn limited(quotas: &str) -> Scene {
    let mut scene = Scene::new();
    scene.requests.quotas = Some(quotas.parse().expect("quotas"));
    scene.tables.state().now = Timestamp::from_secs(86_400 * 20_000 + 43_200);
    scene
}

fn ledger(scene: &Scene) -> Ledger {
    let state = scene.tables.state();
    let key = (me().as_str().to_owned(), Day::of(state.now));
    state.ledgers[&key].0.clone()
}

/// Starts a session outside of conversations.
async fn start(scene: &Scene, id: SessionId) -> Result<Status, RequestError> {
    let started = scene.start_as(me(), "Why?", id, None).await;
    started.map(|started| started.session.status)
}

#[track_caller]
fn check_exceeded(started: Result<Status, RequestError>, limit: LimitName) {
    let refused = started.expect_err("refused");
    assert_eq!(refused.code(), FailureCode::QuotaExceeded);
    assert_eq!(refused.exceeded().map(|it| it.limit), Some(limit));
}

#[tokio::test]
async fn a_start_is_refused_before_anything_is_written_or_queued() {
    for (quotas, limit) in [
        (
            r#"{"default": {"startsPerMinute": 0}}"#,
            LimitName::StartsPerMinute,
        ),
        (
            r#"{"default": {"startsPerDay": 0}}"#,
            LimitName::StartsPerDay,
        ),
        (
            r#"{"default": {"tokensPerDay": 100}}"#,
            LimitName::TokensPerDay,
        ),
        (
            r#"{"default": {"sessionsAtOnce": 0}}"#,
            LimitName::SessionsAtOnce,
        ),
    ] {
        let scene = limited(quotas);
        check_exceeded(start(&scene, SessionId::random()).await, limit);
        let turn = scene.start("Why?", None).await;
        check_exceeded(turn.map(|session| session.status), limit);
        let state = scene.tables.state();
        assert!(state.sessions.is_empty() && state.jobs.is_empty());
        assert!(state.conversations.is_empty() && state.ledgers.is_empty());
    }
}

#[tokio::test]
async fn the_same_start_again_counts_once() {
    let scene = limited(r#"{"default": {"startsPerDay": 1}}"#);
    let id = SessionId::random();
    for _ in 0..3 {
        assert_eq!(start(&scene, id).await.expect("the same"), Status::Queued);
    }
    let turn = SessionId::random();
    check_exceeded(start(&scene, turn).await, LimitName::StartsPerDay);
    assert_eq!(ledger(&scene).starts, 1);
    // Another user has a quota of their own.
    let other = crate::scene::owner("another");
    let theirs = scene.start_as(&other, "Why?", SessionId::random(), None);
    assert!(theirs.await.is_ok());
}

/// The first start of a pair is written between the reads of the second one.
#[tokio::test]
async fn a_start_is_not_refused_for_what_the_same_start_has_used() {
    for (quotas, parent) in [
        (r#"{"default": {"startsPerDay": 2}}"#, None),
        (r#"{"default": {"sessionsAtOnce": 1}}"#, None),
        // What it would continue is its own turn by now.
        ("{}", Some("last")),
    ] {
        let scene = limited(quotas);
        let first = scene.ask("Why?", None).await;
        let parent = parent.is_none().then_some(first);
        let id = SessionId::random();
        let start = || async {
            let started = scene.start_as(me(), "And?", id, scene.within(parent)).await;
            started.map(|started| started.session.id)
        };
        assert_eq!(start().await.expect("started"), id);
        scene.tables.state().read_before = Some(id);
        assert_eq!(start().await.expect("the same"), id, "{quotas}");
        assert_eq!(scene.tables.state().read_before, None);
        assert_eq!(ledger(&scene).starts, 2);
        let other = scene.start_as(me(), "Else?", SessionId::random(), scene.within(parent));
        assert_eq!(other.await.is_err(), quotas != "{}", "{quotas}");
    }
}

#[tokio::test]
async fn an_answer_is_settled_with_what_the_model_counted() {
    let scene = limited("{}");
    let id = SessionId::random();
    start(&scene, id).await.expect("started");
    let reserved = scene.session(id).reserved().expect("reserved");
    assert_eq!(ledger(&scene).live[&id].tokens, reserved.tokens());
    let jobs = scene.tables.state().jobs.clone();
    scene.work().await;
    let settled = ledger(&scene);
    assert!(settled.live.is_empty());
    assert_eq!((settled.starts, settled.spent.tokens), (1, COUNTED));
    // The same message again changes nothing.
    scene.deliver(&jobs[0].to_json()).await;
    assert_eq!(ledger(&scene), settled);
    // A turn that continues another reserves what the model is told of that, too.
    let first = scene.ask("Why?", None).await;
    let second = scene.start("And?", Some(first)).await.expect("started");
    let (first, second) = (scene.session(first), second);
    let input = |session: &tokencast_core::session::Session| {
        session.reservation.map_or(0, |it| it.input_tokens)
    };
    assert_eq!(
        u64::from(input(&second)),
        u64::from(input(&first)) + COUNTED
    );
}

#[tokio::test]
async fn a_stop_and_a_deletion_give_back_what_was_not_used() {
    let scene = limited(r#"{"default": {"sessionsAtOnce": 2}}"#);
    let id = SessionId::random();
    start(&scene, id).await.expect("started");
    let turn = scene.start("Why?", None).await.expect("started");
    let third = SessionId::random();
    check_exceeded(start(&scene, third).await, LimitName::SessionsAtOnce);
    scene.requests.stop(me(), id).await.expect("stopped");
    assert_eq!(ledger(&scene).live.len(), 1);
    let deleted = scene.requests.delete_conversation(me(), scene.id);
    deleted.await.expect("deleted");
    assert_eq!(scene.session(turn.id).status, Status::Cancelled);
    assert!(ledger(&scene).live.is_empty());
    let purge = scene.tables.state().purges[0].clone();
    scene.deliver(&Purge::to_json(&purge)).await;
    assert_eq!((ledger(&scene).starts, ledger(&scene).spent.tokens), (2, 0));
}

#[tokio::test]
async fn who_comes_between_does_not_lose_a_start_or_an_end() {
    let scene = limited("{}");
    let id = SessionId::random();
    scene.tables.state().ledger_rivals = 1;
    start(&scene, id).await.expect("started");
    scene.tables.state().ledger_rivals = 1;
    scene.start("Why?", None).await.expect("started");
    assert_eq!(ledger(&scene).starts, 2);
    scene.tables.state().ledger_rivals = 1;
    scene.work().await;
    let settled = ledger(&scene);
    assert!(settled.live.is_empty());
    assert_eq!(settled.spent.tokens, 2 * COUNTED);
}

#[tokio::test]
async fn groups_and_overrides_decide_about_the_limits_and_the_report_tells_them() {
    let scene =
        limited(r#"{"default": {"startsPerDay": 1}, "groups": {"pro": {"startsPerDay": 2}}}"#);
    start(&scene, SessionId::random()).await.expect("started");
    let mut caller = Caller::from(me().clone());
    let report = scene.requests.usage(&caller).await.expect("read");
    let left = |report: &tokencast_core::quota::UsageReport| report.starts_per_day.left();
    assert_eq!((report.starts_per_day.used, left(&report)), (1, Some(0)));
    assert_eq!(report.sessions_at_once.used, 1);
    assert_eq!((report.sessions_at_once.limit, report.cost), (None, None));
    caller.groups.push("pro".to_owned());
    let report = scene.requests.usage(&caller).await.expect("read");
    assert_eq!(left(&report), Some(1));
    scene.tables.state().overrides.starts_per_day = Some(Override::Most(7));
    let report = scene.requests.usage(&caller).await.expect("read");
    assert_eq!(left(&report), Some(6));
    start(&scene, SessionId::random())
        .await
        .expect("overridden");
    // Tomorrow is another day.
    scene.tables.state().now += Duration::from_hours(24);
    let report = scene.requests.usage(&caller).await.expect("read");
    assert_eq!(
        (report.starts_per_day.used, report.sessions_at_once.used),
        (0, 0)
    );
}

#[tokio::test]
async fn without_quotas_no_ledger_is_read_or_written() {
    let scene = Scene::new();
    let id = SessionId::random();
    start(&scene, id).await.expect("started");
    scene.work().await;
    assert!(scene.tables.state().ledgers.is_empty());
    assert_eq!(scene.session(id).reservation, None);
    let report = scene
        .requests
        .usage(&me().clone().into())
        .await
        .expect("read");
    assert_eq!(
        (report.starts_per_day.used, report.starts_per_day.limit),
        (0, None)
    );
    assert_eq!("{}".parse(), Ok(Quotas::default()));
}
