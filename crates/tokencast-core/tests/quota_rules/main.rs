//! Every interleaving of a session with a reservation: its start, two workers, their crashes, a throttled model, a stop, a
//! deletion, a read, a redrive and the passing of time beyond midnight, searched exhaustively. In each, the ledger has what
//! the attempts used: each attempt once.
//!
//! A record and a ledger are written in one transaction: of a start, by compare and set of both; of an end, by compare and set
//! of the record, and what was used is added to the ledger. So each rule is one atomic step.
//!
//! | module | what |
//! | --- | --- |
//! | `world` | the record, the ledgers, two workers, and what they have used; and the steps |
//! | `promises` | what holds in each world |

mod promises;
mod world;

use std::collections::{BTreeSet, VecDeque};

use tokencast_core::quota::Day;
use world::{MIDNIGHT, Step, World};

#[test]
fn each_attempt_is_in_the_ledger_once() {
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::from([World::new()]);
    let (mut settled, mut interrupted, mut reopened) = (0, 0, 0);
    let (mut deleted, mut other_day, mut counted_twice_over) = (0, 0, 0);
    while let Some(world) = queue.pop_front() {
        if !seen.insert(world.key()) {
            continue;
        }
        world.check();
        world.check_ends();
        if let Some(session) = &world.session {
            let is_over = session.status.is_terminal();
            settled += u32::from(is_over && world.settled > 0);
            interrupted += u32::from(is_over && world.interruptions > 0);
            deleted += u32::from(is_over && session.is_deleted() && world.settled > 0);
            reopened += u32::from(is_over && world.redrives > 0);
            let day = session.reservation.map(|it| it.day);
            other_day += u32::from(is_over && day == Some(Day::of(MIDNIGHT)));
            counted_twice_over += u32::from(is_over && world.attempts.len() > 1);
        }
        for step in Step::all() {
            if let Some(next) = world.after(step) {
                queue.push_back(next);
            }
        }
    }
    // The search went where the promise matters.
    assert!(seen.len() > 10_000, "only {} situations", seen.len());
    assert!(
        settled > 100 && interrupted > 100,
        "{settled} {interrupted}"
    );
    assert!(deleted > 100 && reopened > 100, "{deleted} {reopened}");
    assert!(other_day > 100 && counted_twice_over > 100);
}
