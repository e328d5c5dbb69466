//! Every interleaving of two tabs that start turns in one conversation, their crashes, a worker, a message that is
//! delivered twice, a stop, a delete and its purge, searched exhaustively.
//!
//! A store writes all records of a step, if nobody wrote one of them since they were read. So a step is atomic where the
//! code has one transaction, and the steps between which a process may die are steps of their own here.
//!
//! | module | what |
//! | --- | --- |
//! | `world` | the records and the messages, and who works with them |
//! | `tabs` | the steps of a start |
//! | `workers` | the steps of a worker |
//! | `deleting` | the steps of a delete and of its purge |
//! | `promises` | what holds in each world, and from one to the next |

mod deleting;
mod promises;
mod tabs;
mod workers;
mod world;

use std::collections::{HashSet, VecDeque};

use tokencast_core::session::Status;
use world::{Step, World};

#[test]
fn no_interleaving_breaks_a_promise() {
    let mut seen = HashSet::new();
    let mut queue = VecDeque::from([World::new()]);
    let (mut branched, mut followed, mut purged, mut completed) = (0, 0, 0, 0);
    let (mut deleted_while_running, mut crashed_starting, mut ended_by_purge) = (0, 0, 0);
    while let Some(world) = queue.pop_front() {
        if !seen.insert(world.key()) {
            continue;
        }
        world.check();
        let parents: Vec<_> = world.turns.values().map(|turn| turn.parent).collect();
        branched += u32::from(parents.len() == 2 && parents[0].is_none() && parents[1].is_none());
        followed += u32::from(parents.iter().any(Option::is_some));
        completed += u32::from(world.has(Status::Completed));
        let is_deleted = world.is_deleted();
        purged += u32::from(is_deleted && world.turns.is_empty() && world.started() > 0);
        deleted_while_running += u32::from(
            world
                .sessions
                .values()
                .any(|session| session.is_deleted() && !session.status.is_terminal()),
        );
        crashed_starting += u32::from(world.crashed > 0 && world.started() > world.sent.len());
        ended_by_purge += u32::from(world.ended_by_purge > 0);
        for step in Step::all() {
            if let Some(next) = world.after(step) {
                world.check_change(&next, step);
                queue.push_back(next);
            }
        }
    }
    // The search went where the promises matter.
    assert!(seen.len() > 10_000, "only {} situations", seen.len());
    assert!(branched > 100 && followed > 100 && completed > 100);
    assert!(purged > 100 && deleted_while_running > 100);
    assert!(crashed_starting > 0 && ended_by_purge > 0);
}
