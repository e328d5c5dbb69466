use super::*;
use crate::assistant::Cost;
use crate::id::Owner;

/// Some minutes into a day.
const NOW: Timestamp = Timestamp::from_millis(86_400_000 * 20_000 + 5 * MINUTE_MS);

fn reserved(tokens: u32) -> Reservation {
    Reservation::new(0, tokens, NOW + Duration::from_hours(1), NOW)
}

fn limits(name: LimitName, limit: u32) -> Limits {
    let mut limits = Limits::default();
    limits.set(name, Some(limit));
    limits
}

fn start(ledger: Ledger, limits: &Limits, tokens: u32, now: Timestamp) -> Result<Ledger, Exceeded> {
    ledger.reserve(None, limits, SessionId::random(), &reserved(tokens), now)
}

fn settle(ledger: &Ledger, session_id: SessionId, tokens: u64) -> Ledger {
    let spent = Spent {
        tokens,
        cost: Cost::of_micros(tokens * 2),
    };
    ledger.clone().changed(&QuotaChange {
        owner: Owner::new("me").expect("not empty"),
        day: ledger.day,
        session_id,
        kind: ChangeKind::Settle(spent),
    })
}

#[test]
fn each_limit_is_used_up_by_its_own_measure() {
    for (name, limit, tokens, starts) in [
        (LimitName::StartsPerMinute, 2, 5, 2),
        (LimitName::StartsPerDay, 3, 5, 3),
        (LimitName::TokensPerDay, 12, 5, 2),
        (LimitName::TokensPerDay, 10, 5, 2),
        (LimitName::TokensPerDay, 4, 5, 0),
        (LimitName::SessionsAtOnce, 1, 5, 1),
        (LimitName::StartsPerDay, 0, 5, 0),
    ] {
        let limits = limits(name, limit);
        let mut ledger = Ledger::new(Day::of(NOW));
        for _ in 0..starts {
            ledger = start(ledger, &limits, tokens, NOW).expect("admitted");
        }
        let exceeded = start(ledger, &limits, tokens, NOW).expect_err("refused");
        assert_eq!((exceeded.limit, exceeded.most), (name, limit));
    }
}

#[test]
fn a_refusal_says_when_to_try_again() {
    for (name, after) in [
        (LimitName::StartsPerMinute, Duration::from_mins(1)),
        (LimitName::StartsPerDay, Duration::from_mins(24 * 60 - 5)),
        (LimitName::TokensPerDay, Duration::from_mins(24 * 60 - 5)),
        (LimitName::SessionsAtOnce, TRY_AGAIN),
    ] {
        let ledger = Ledger::new(Day::of(NOW));
        let exceeded = start(ledger, &limits(name, 0), 7, NOW).expect_err("refused");
        assert_eq!(exceeded.wait(), after, "{name}");
        let message = exceeded.to_string();
        let needs = message.contains("needs up to 7");
        assert_eq!(needs, name == LimitName::TokensPerDay, "{message}");
    }
}

#[test]
fn of_two_limits_the_one_that_lasts_longer_refuses() {
    let limits = Limits {
        starts_per_minute: Some(0),
        starts_per_day: Some(0),
        ..Limits::default()
    };
    let exceeded = start(Ledger::new(Day::of(NOW)), &limits, 1, NOW).expect_err("refused");
    assert_eq!(exceeded.limit, LimitName::StartsPerDay);
}

#[test]
fn another_minute_has_its_own_starts() {
    let limits = limits(LimitName::StartsPerMinute, 1);
    let ledger = start(Ledger::new(Day::of(NOW)), &limits, 1, NOW).expect("admitted");
    let later = NOW + Duration::from_secs(59);
    start(ledger.clone(), &limits, 1, later).expect_err("the same minute");
    let later = NOW + Duration::from_mins(1);
    let ledger = start(ledger, &limits, 1, later).expect("another minute");
    assert_eq!((ledger.starts, ledger.minute_starts), (2, 1));
}

#[test]
fn an_end_gives_back_what_was_not_used() {
    let limits = limits(LimitName::TokensPerDay, 10);
    let id = SessionId::random();
    let ledger = Ledger::new(Day::of(NOW));
    let ledger = ledger.reserve(None, &limits, id, &reserved(10), NOW);
    let ledger = ledger.expect("admitted");
    start(ledger.clone(), &limits, 1, NOW).expect_err("all is reserved");
    let ledger = settle(&ledger, id, 4);
    assert!(ledger.live.is_empty());
    assert_eq!((ledger.spent.tokens, ledger.spent.cost.as_micros()), (4, 8));
    let ledger = start(ledger, &limits, 6, NOW).expect("six are left");
    assert_eq!(ledger.used(LimitName::TokensPerDay, None, NOW), 10);
}

#[test]
fn a_reservation_ends_by_itself_and_its_session_may_still_settle() {
    let limits = Limits {
        sessions_at_once: Some(1),
        tokens_per_day: Some(10),
        ..Limits::default()
    };
    let (id, reserved) = (SessionId::random(), reserved(10));
    let ledger = Ledger::new(Day::of(NOW));
    let ledger = ledger.reserve(None, &limits, id, &reserved, NOW);
    let ledger = ledger.expect("admitted");
    let ledger = start(ledger, &limits, 5, reserved.until).expect("the first one's is over");
    assert!(!ledger.live.contains_key(&id));
    let ledger = settle(&ledger, id, 3);
    assert_eq!(ledger.spent.tokens, 3);
}

#[test]
fn yesterdays_sessions_count_among_those_at_once() {
    let limits = Limits {
        sessions_at_once: Some(2),
        tokens_per_day: Some(10),
        ..Limits::default()
    };
    let before = Ledger::new(Day::of(NOW).before());
    let before = start(before, &Limits::default(), 10, NOW).expect("admitted");
    let today = Ledger::new(Day::of(NOW));
    let id = SessionId::random();
    let today = today.reserve(Some(&before), &limits, id, &reserved(10), NOW);
    let today = today.expect("yesterday's tokens are not today's");
    let exceeded = today.reserve(
        Some(&before),
        &limits,
        SessionId::random(),
        &reserved(0),
        NOW,
    );
    assert_eq!(exceeded.expect_err("refused").used, 2);
}

#[test]
fn a_reset_keeps_what_is_reserved_and_what_was_paid() {
    let ledger = start(Ledger::new(Day::of(NOW)), &Limits::default(), 5, NOW).expect("admitted");
    let ledger = settle(&ledger, SessionId::random(), 4).reset();
    assert_eq!(
        (ledger.starts, ledger.minute_starts, ledger.live.len()),
        (0, 0, 1)
    );
    assert_eq!((ledger.spent.tokens, ledger.spent.cost.as_micros()), (0, 8));
}
