//! What holds in each world.

use std::time::Duration;

use tokencast_core::session::Session;
use tokencast_core::time::Timestamp;

use crate::world::{Attempted, LEASE, RESERVED, START_WITHIN, Worker, World, id, me};

impl World {
    /// What holds at every moment.
    pub(crate) fn check(&self) {
        let spent: u64 = self.ledgers.values().map(|it| it.spent.tokens).sum();
        assert_eq!(spent, self.settled, "{self:?}");
        let cost: u64 = self
            .ledgers
            .values()
            .map(|it| it.spent.cost.as_micros())
            .sum();
        assert_eq!(cost, spent, "a token costs a micro-dollar");
        let starts: u32 = self.ledgers.values().map(|it| it.starts).sum();
        assert_eq!(starts, u32::from(self.session.is_some()), "one start");
        // What is reserved is the session's, on its day alone.
        let reserved = self.session.as_ref().and_then(Session::reserved);
        for (day, ledger) in &self.ledgers {
            let live = ledger.live.get(&id()).copied();
            let expected = reserved.filter(|it| it.day == *day);
            assert_eq!(live.map(|it| it.tokens), expected.map(|_| RESERVED));
            assert_eq!(live.map(|it| it.until), expected.map(|it| it.until));
            assert_eq!(ledger.live.len(), usize::from(live.is_some()));
        }
        let Some(session) = &self.session else { return };
        assert_eq!(
            session.reserved().is_some(),
            !session.status.is_terminal(),
            "{self:?}"
        );
        if session.status.is_terminal() {
            let is_over = |it: &Attempted| matches!(it, Attempted::Over(_));
            assert!(self.attempts.iter().all(is_over), "{self:?}");
        }
    }

    /// Whatever happened, whoever looks later ends the session and settles it.
    pub(crate) fn check_ends(&self) {
        let Some(session) = &self.session else { return };
        let mut world = self.clone();
        world.workers = [Worker::Idle, Worker::Idle];
        let start_by = session.start_by.unwrap_or(self.now);
        world.now = start_by.max(self.now + LEASE) + START_WITHIN;
        let ended = if session.is_deleted() {
            session.clone().delete(world.now)
        } else {
            Session::claim(world.session.clone(), id(), &me(), world.now).expect("mine")
        };
        world.write(ended);
        world.check();
        assert!(world.ledgers.values().all(|it| it.live.is_empty()));
    }

    /// Times up to where they no longer matter, so that equal situations are seen once.
    pub(crate) fn key(&self) -> String {
        let left = |until: Timestamp| {
            let left = until.since(self.now);
            (left > Duration::ZERO).then_some(left)
        };
        let session = self.session.as_ref().map(|session| {
            let reserved = session.reservation;
            (
                (session.status, session.attempt, session.sequence),
                (session.last_attempt, session.throttled_attempts),
                session.text.len(),
                session.lease.map(|lease| left(lease.until)),
                session.start_by.map(left),
                session
                    .throttled_since
                    .map(|it| self.now.since(it).min(LEASE)),
                (session.stop_requested, session.is_deleted()),
                reserved.map(|it| (it.day, it.is_settled)),
                session.spent.tokens,
            )
        });
        let workers = self.workers.clone().map(|worker| match worker {
            Worker::Idle => None,
            Worker::Busy { attempt, progress } => Some((attempt, progress.sequence)),
        });
        let ledgers: Vec<_> = self
            .ledgers
            .iter()
            .map(|(day, it)| (*day, it.spent.tokens, it.live.len()))
            .collect();
        let day = tokencast_core::quota::Day::of(self.now);
        let Self {
            attempts,
            settled,
            redrives,
            ..
        } = self;
        format!("{session:?} {workers:?} {ledgers:?} {day} {attempts:?} {settled} {redrives}")
    }
}
