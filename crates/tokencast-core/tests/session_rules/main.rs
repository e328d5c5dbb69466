//! Every interleaving of a start and its crash, two workers, their crashes, a throttled model, a stop, a read and the passing
//! of time, searched exhaustively.
//!
//! A store applies a rule to a record and writes the result only if nobody wrote since; so each rule is one atomic
//! step, and an interleaving is an order of such steps.

//!
//! | module | what |
//! | --- | --- |
//! | `world` | the record, whoever starts it, two workers; and the steps |
//! | `starting`, `working` | the steps of a start, and of a worker |
//! | `promises` | what holds in each world, and from one to the next |

mod promises;
mod starting;
mod working;
mod world;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use tokencast_core::failure::FailureCode;
use tokencast_core::id::Attempt;
use tokencast_core::session::{ClaimRefused, Lease, Leased, Session, Status};
use tokencast_core::time::Timestamp;
use uuid::Uuid;
use world::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[test]
fn no_interleaving_breaks_a_promise() {
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::from([World::new()]);
    let (mut terminal, mut taken_over, mut stopped_while_streaming) = (0, 0, 0);
    let (mut crashed_between, mut refused) = (0, 0);
    let (mut late, mut throttled) = (0, 0);
    while let Some(world) = queue.pop_front() {
        if !seen.insert(world.key()) {
            continue;
        }
        world.check();
        assert!(world.ends(), "nobody can end it: {world:?}");
        if let Some(session) = &world.session {
            let is_noted = session.fingerprint.is_some();
            crashed_between += u32::from(is_noted && !world.is_starting && !world.is_sent);
            refused += u32::from(session.status == Status::Failed && !is_noted);
            terminal += u32::from(session.status.is_terminal());
            let code = session.ending.failure.as_ref().map(|failure| failure.code);
            late += u32::from(code == Some(FailureCode::Deadline));
            throttled += u32::from(code == Some(FailureCode::Throttled));
            taken_over += u32::from(session.attempt.0 > 1);
            stopped_while_streaming +=
                u32::from(session.status == Status::Streaming && session.stop_requested);
        }
        for step in Step::all() {
            if matches!(step, Step::Stop) && world.stops == 2 {
                continue;
            }
            if let Some(next) = world.after(step) {
                world.check_change(&next);
                queue.push_back(next);
            }
        }
    }
    // The search went where the promises matter.
    assert!(seen.len() > 10_000, "only {} situations", seen.len());
    assert!(terminal > 100 && taken_over > 100 && stopped_while_streaming > 100);
    assert!(crashed_between > 0 && refused > 0);
    assert!(late > 100 && throttled > 100, "{late} {throttled}");
}

#[test]
fn an_expired_session_is_as_good_as_gone() {
    let claimed = Session::claim(None, id(), &owner("me"), Timestamp::EPOCH).expect("new");
    let expires = claimed.expires_at;
    let taken = Session::claim(
        Some(claimed.clone()),
        id(),
        &owner("another"),
        expires - Duration::from_millis(1),
    );
    assert_eq!(taken, Err(ClaimRefused::OtherOwner));
    let taken =
        Session::claim(Some(claimed), id(), &owner("another"), expires).expect("free again");
    assert_eq!(taken.owner, owner("another"));
}

#[test]
fn only_what_failed_or_waits_is_opened_again() {
    for (status, held, reopened) in [
        (Status::Failed, false, Some(Status::Queued)),
        (Status::Queued, false, Some(Status::Queued)),
        (Status::Streaming, false, Some(Status::Streaming)),
        (Status::Streaming, true, None),
        (Status::Completed, false, None),
        (Status::Cancelled, false, None),
    ] {
        let mut session = Session::claim(None, id(), &owner("me"), Timestamp::EPOCH).expect("new");
        session.status = status;
        session.last_attempt = Attempt(3);
        session.start_by = Some(at(0));
        session.lease = held.then_some(Lease {
            until: at(2),
            holder: Uuid::nil(),
        });
        let after = session.clone().reopen(at(1000), at(1), TTL);
        match reopened {
            Some(expected) => assert_eq!(
                (after.status, after.attempts(), after.start_by),
                (expected, 0, Some(at(1000))),
            ),
            None => assert_eq!(after, session),
        }
    }
}

#[test]
fn a_job_says_when_to_start_only_until_the_record_does() {
    let lease = Lease {
        until: at(20),
        holder: Uuid::nil(),
    };
    let leased = |session: Session, start_by| {
        Session::lease(
            Some(session),
            id(),
            &owner("me"),
            lease,
            start_by,
            at(10),
            TTL,
        )
        .expect("mine")
    };
    let claimed = Session::claim(None, id(), &owner("me"), Timestamp::EPOCH).expect("new");
    assert!(matches!(
        leased(claimed.clone(), Some(at(10))),
        Leased::Ended(_)
    ));
    assert!(matches!(
        leased(claimed.clone(), Some(at(11))),
        Leased::Begun(_)
    ));
    let queued = claimed.queue(at(11), at(0), TTL);
    assert!(
        matches!(leased(queued, Some(at(1))), Leased::Begun(_)),
        "as after a redrive"
    );
}
