use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::assistant::{Cost, Price};
use crate::block::Piece;
use crate::event::Ending;
use crate::failure::{Failure, FailureCode};
use crate::id::{Attempt, Owner, SessionId};
use crate::quota::change::ChangeKind;
use crate::quota::{Day, QuotaChange};
use crate::session::{Fingerprint, Input, Lease, Leased, Outcome, Status};

const NOW: Timestamp = Timestamp::from_millis(1_000);
const LATER: Timestamp = Timestamp::from_millis(100_000);
const START_BY: Timestamp = Timestamp::from_millis(3_600_000);
const TTL: Duration = Duration::from_hours(24 * 30);

const USAGE: Usage = Usage {
    input_tokens: 20,
    output_tokens: 5,
    total_tokens: 25,
    cache_read_input_tokens: None,
    cache_write_input_tokens: None,
    cost: None,
};

fn owner() -> Owner {
    Owner::new("me").expect("not empty")
}

/// A session that has a reservation of 10 and 90 tokens, at a dollar a million.
fn started() -> Session {
    let price = Price::of_dollars(1.0, 1.0, None, None).expect("a price");
    let input = Input {
        fingerprint: Fingerprint::of("Why?", &[]),
        start_by: START_BY,
        follower: None,
        place: None,
        assistant: None,
        price: Some(price),
        reservation: Some(Reservation::new(10, 90, START_BY, NOW)),
    };
    Session::start(None, SessionId::random(), &owner(), &input, NOW, TTL).expect("new")
}

/// The session after a worker has begun an attempt, which it has until `until`.
fn begun(session: Session, until: Timestamp, now: Timestamp) -> Session {
    let lease = Lease {
        until,
        holder: Uuid::nil(),
    };
    let id = session.id;
    let leased = Session::lease(Some(session), id, &owner(), lease, None, now, TTL);
    let Ok(Leased::Begun(session)) = leased else {
        panic!("{leased:?}")
    };
    session
}

/// Something of 30 bytes was said.
fn progress() -> Progress {
    let mut progress = Progress::default();
    for _ in 0..10 {
        progress.push(Piece::text("yes").as_ref());
    }
    progress
}

fn outcome(usage: Option<Usage>) -> Outcome {
    let ending = Ending {
        usage,
        ..Ending::default()
    };
    Outcome {
        status: Status::Completed,
        ending,
    }
}

/// Checks that a change settles with these tokens.
#[track_caller]
fn check_settled(before: &Session, after: &Session, tokens: u64) {
    let change = QuotaChange::between(Some(before), after).expect("a change");
    let ChangeKind::Settle(spent) = change.kind else {
        panic!("{change:?}")
    };
    assert_eq!((spent.tokens, spent.cost.as_micros()), (tokens, tokens));
    assert_eq!(change.day, Day::of(NOW));
    let again = QuotaChange::between(Some(after), after);
    assert_eq!(again, None, "once");
}

#[test]
fn an_end_settles_with_what_the_model_counted_or_else_with_what_was_said() {
    for (progress, usage, tokens) in [
        (progress(), Some(USAGE), 25),
        (Progress::default(), Some(USAGE), 25),
        (progress(), None, 20),
        (Progress::default(), None, 0),
    ] {
        let before = begun(started(), LATER, NOW);
        let attempt = before.last_attempt;
        let current = Some(before.clone());
        let after = Session::finish(current, attempt, &progress, &outcome(usage), NOW);
        let after = after.expect("it has the lease");
        check_settled(&before, &after, tokens);
        let cost = after.ending.usage.and_then(|usage| usage.cost);
        assert_eq!(cost, usage.map(|_| Cost::of_micros(25)));
    }
}

#[test]
fn each_attempt_is_charged_once() {
    let failure = Failure::new(FailureCode::ModelError, "It broke.");
    let first = begun(started(), LATER, NOW);
    let given_up = Session::release(
        Some(first),
        Attempt(1),
        &progress(),
        &failure,
        Some(USAGE),
        NOW,
    );
    let given_up = given_up.expect("it has the lease");
    assert_eq!(given_up.spent.tokens, 25);
    // The second attempt's worker dies after it has saved what it said.
    let second = begun(given_up, LATER, NOW);
    assert_eq!(second.spent.tokens, 25, "nobody had a lease");
    let saved = Session::save(Some(second), Attempt(2), Some(&progress()), None, NOW);
    let Ok(crate::session::Saved::Continue(saved)) = saved else {
        panic!("{saved:?}")
    };
    let third = begun(saved, LATER + Duration::from_secs(10), LATER);
    assert_eq!(third.spent.tokens, 45);
    let ended = Session::finish(
        Some(third.clone()),
        Attempt(3),
        &Progress::default(),
        &outcome(Some(USAGE)),
        LATER,
    );
    check_settled(&third, &ended.expect("it has the lease"), 70);
}

#[test]
fn whoever_ends_an_interrupted_session_settles_it() {
    let running = begun(started(), LATER, NOW);
    let saved = Session::save(Some(running), Attempt(1), Some(&progress()), None, NOW);
    let Ok(crate::session::Saved::Continue(saved)) = saved else {
        panic!("{saved:?}")
    };
    let stopped = Session::stop(Some(saved.clone()), saved.id, &owner(), LATER).expect("mine");
    check_settled(&saved, &stopped, 20);
    check_settled(&saved, &saved.clone().end_if_late(START_BY), 20);
    check_settled(&saved, &saved.clone().delete(LATER), 20);
    // If the worker dies after the deletion, there is no text to count by.
    let deleted = saved.clone().delete(NOW);
    assert_eq!(QuotaChange::between(Some(&saved), &deleted), None);
    check_settled(&deleted, &deleted.clone().delete(LATER), 10);
}

#[test]
fn what_never_began_costs_nothing() {
    let queued = started().queue(START_BY, NOW, TTL);
    let stopped = Session::stop(Some(queued.clone()), queued.id, &owner(), NOW).expect("mine");
    check_settled(&queued, &stopped, 0);
    check_settled(&queued, &queued.clone().end_if_late(START_BY), 0);
}

#[test]
fn a_session_that_is_opened_again_reserves_anew() {
    let late = started().end_if_late(START_BY);
    let tomorrow = START_BY + Duration::from_hours(24);
    let start_by = tomorrow + Duration::from_hours(1);
    let reopened = late.clone().reopen(start_by, tomorrow, TTL);
    let change = QuotaChange::between(Some(&late), &reopened).expect("a change");
    assert_eq!(change.day, Day::of(tomorrow));
    assert!(matches!(
        change.kind,
        ChangeKind::Reserve { tokens: 100, .. }
    ));
    assert_eq!(reopened.spent, Spent::default());
    // One that waits keeps its reservation, for longer.
    let waiting = started().queue(START_BY, NOW, TTL);
    let reopened = waiting.clone().reopen(start_by, tomorrow, TTL);
    let change = QuotaChange::between(Some(&waiting), &reopened).expect("a change");
    assert_eq!(change.day, Day::of(NOW));
    // The same again changes nothing.
    let again = reopened.clone().reopen(start_by, tomorrow, TTL);
    assert_eq!(QuotaChange::between(Some(&reopened), &again), None);
}

#[test]
fn without_quotas_nothing_is_charged_and_the_answer_has_its_cost() {
    let session = Session {
        reservation: None,
        ..started()
    };
    let before = begun(session, LATER, NOW);
    let current = Some(before.clone());
    let after = Session::finish(current, Attempt(1), &progress(), &outcome(Some(USAGE)), NOW);
    let after = after.expect("it has the lease");
    assert_eq!(QuotaChange::between(Some(&before), &after), None);
    assert_eq!(after.spent, Spent::default());
    let cost = after.ending.usage.and_then(|usage| usage.cost);
    assert_eq!(cost, Some(Cost::of_micros(25)));
}

#[test]
fn a_session_has_the_cost_of_all_its_attempts() {
    let end = |session: Session, usage: Option<Usage>| {
        let begun = begun(session, LATER, NOW);
        let attempt = begun.last_attempt;
        let ended = Session::finish(Some(begun), attempt, &progress(), &outcome(usage), NOW);
        ended.expect("it has the lease")
    };
    let failure = Failure::new(FailureCode::ModelError, "It broke.");
    let first = begun(started(), LATER, NOW);
    let given_up = Session::release(Some(first), Attempt(1), &progress(), &failure, None, NOW);
    let given_up = given_up.expect("it has the lease");
    let micros = |session: &Session| session.cost().map(Cost::as_micros);
    assert_eq!(micros(&end(given_up, Some(USAGE))), Some(45));
    // An answer that was stopped, which no model has counted.
    assert_eq!(micros(&end(started(), None)), Some(20));
    let unlimited = Session {
        reservation: None,
        ..started()
    };
    assert_eq!(micros(&end(unlimited.clone(), Some(USAGE))), Some(25));
    assert_eq!(micros(&end(unlimited, None)), None);
    let without_price = Session {
        price: None,
        ..started()
    };
    assert_eq!(micros(&end(without_price, Some(USAGE))), None);
}

#[test]
fn an_expired_session_gives_its_reservation_back() {
    let before = begun(started(), LATER, NOW);
    let expired = before.expires_at;
    let other = Owner::new("another").expect("not empty");
    let taken = Session::claim(Some(before.clone()), before.id, &other, expired).expect("free");
    let change = QuotaChange::between(Some(&before), &taken).expect("a change");
    assert_eq!(change.owner, owner());
    assert!(matches!(change.kind, ChangeKind::Settle(_)));
}
