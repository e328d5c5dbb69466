//! A session with a reservation, its owner's ledgers, two workers; and what each step makes of them.

use std::collections::BTreeMap;
use std::time::Duration;

use tokencast_core::assistant::Price;
use tokencast_core::block::Piece;
use tokencast_core::event::{Ending, Usage};
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::{Attempt, Owner, Sequence, SessionId};
use tokencast_core::quota::{Day, Ledger, Limits, QuotaChange, Reservation};
use tokencast_core::session::{
    Fingerprint, Input, Lease, LeaseRefused, Leased, Lost, Outcome, Progress, Saved, Session,
    Status,
};
use tokencast_core::time::Timestamp;
use uuid::Uuid;

pub(crate) const LEASE: Duration = Duration::from_millis(10);
const TTL: Duration = Duration::from_hours(24 * 30);
pub(crate) const START_WITHIN: Duration = Duration::from_millis(20);
const PATIENCE: Duration = LEASE;
const MAX_ATTEMPTS: u32 = 2;
const MAX_PIECES: u32 = 1;
/// A piece is as long as three tokens.
const PIECE: &str = "nine long";
const INPUT: u32 = 100;
const OUTPUT: u32 = 900;
pub(crate) const RESERVED: u64 = 1000;

/// What the model counts of an answer.
const USAGE: Usage = Usage {
    input_tokens: 70,
    output_tokens: 7,
    total_tokens: 77,
    cache_read_input_tokens: None,
    cache_write_input_tokens: None,
    cost: None,
};

pub(crate) const MIDNIGHT: Timestamp = Timestamp::from_millis(86_400_000 * 20_000);

/// The whole world at one moment.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) session: Option<Session>,
    pub(crate) ledgers: BTreeMap<Day, Ledger>,
    pub(crate) workers: [Worker; 2],
    pub(crate) redrives: u32,
    /// The attempts of the current reservation, first to last.
    pub(crate) attempts: Vec<Attempted>,
    /// What all attempts of reservations that are over have used.
    pub(crate) settled: u64,
    /// How many attempts ended without a word of their worker.
    pub(crate) interruptions: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Worker {
    Idle,
    Busy {
        attempt: Attempt,
        progress: Progress,
    },
}

/// What is known of an attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Attempted {
    /// The bytes that the record has of it; `None` if it has nothing.
    Running(Option<usize>),
    /// The tokens that it has used.
    Over(u64),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Tick,
    Start,
    Stop,
    Delete,
    Read,
    Redrive,
    Begin(usize),
    Say(usize),
    Save(usize),
    Complete(usize),
    /// The owner's stop, or a failure for good, ends the answer before the model has counted.
    Break(usize),
    GiveUp(usize, bool),
    Throttle(usize),
    Crash(usize),
}

impl Step {
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![
            Self::Tick,
            Self::Start,
            Self::Stop,
            Self::Delete,
            Self::Read,
            Self::Redrive,
        ];
        for worker in 0..2 {
            all.extend([
                Self::Begin(worker),
                Self::Say(worker),
                Self::Save(worker),
                Self::Complete(worker),
                Self::Break(worker),
                Self::GiveUp(worker, false),
                Self::GiveUp(worker, true),
                Self::Throttle(worker),
                Self::Crash(worker),
            ]);
        }
        all
    }
}

pub(crate) fn id() -> SessionId {
    "67e55044-10b1-426f-9247-bb680e5fe0c8"
        .parse()
        .expect("a UUID")
}

pub(crate) fn me() -> Owner {
    Owner::new("me").expect("not empty")
}

/// What an attempt used that nobody counted.
fn about(said: Option<usize>) -> u64 {
    said.map_or(0, |bytes| u64::from(INPUT) + (bytes as u64).div_ceil(3))
}

fn said(progress: &Progress) -> Option<usize> {
    (progress.sequence > Sequence(0)).then(|| progress.bytes())
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            now: MIDNIGHT - Duration::from_millis(15),
            session: None,
            ledgers: BTreeMap::new(),
            workers: [Worker::Idle, Worker::Idle],
            redrives: 0,
            attempts: Vec::new(),
            settled: 0,
            interruptions: 0,
        }
    }

    /// Writes the record, and the ledger with it.
    pub(crate) fn write(&mut self, after: Session) {
        let was_over = self
            .session
            .as_ref()
            .is_some_and(|it| it.status.is_terminal());
        if let Some(change) = QuotaChange::between(self.session.as_ref(), &after) {
            let ledger = self.ledgers.remove(&change.day);
            let ledger = ledger.unwrap_or_else(|| Ledger::new(change.day));
            self.ledgers.insert(change.day, ledger.changed(&change));
        }
        if after.status.is_terminal() && !was_over {
            self.interrupt();
            let over = self.attempts.iter().map(|attempt| match attempt {
                Attempted::Over(tokens) => *tokens,
                Attempted::Running(_) => panic!("{self:?}"),
            });
            self.settled += over.sum::<u64>();
        }
        self.session = Some(after);
    }

    /// The last attempt is over, if its worker has not said so.
    fn interrupt(&mut self) {
        if let Some(last) = self.attempts.last_mut()
            && let Attempted::Running(said) = *last
        {
            *last = Attempted::Over(about(said));
            self.interruptions += 1;
        }
    }

    fn end_attempt(&mut self, tokens: u64) {
        *self.attempts.last_mut().expect("it runs") = Attempted::Over(tokens);
    }

    /// The world after a step; `None` where the step is not possible now.
    pub(crate) fn after(&self, step: Step) -> Option<Self> {
        let mut world = self.clone();
        let now = self.now;
        match step {
            Step::Tick => world.now += LEASE,
            Step::Start => world.start()?,
            Step::Stop => {
                let session = self.session.clone()?;
                world.write(Session::stop(Some(session), id(), &me(), now).ok()?);
            }
            Step::Read => {
                let session = self.session.clone()?;
                world.write(Session::claim(Some(session), id(), &me(), now).ok()?);
            }
            Step::Delete => world.delete()?,
            Step::Redrive => world.redrive()?,
            Step::Begin(worker) => world.begin(worker)?,
            Step::Say(worker) => match &mut world.workers[worker] {
                Worker::Busy { progress, .. } if progress.sequence.0 < MAX_PIECES => {
                    progress.push(Piece::text(PIECE).as_ref());
                }
                _ => return None,
            },
            Step::Save(worker) => world.save(worker)?,
            Step::Complete(worker) => world.finish(worker, Status::Completed, Some(USAGE))?,
            Step::Break(worker) => world.finish(worker, Status::Failed, None)?,
            Step::GiveUp(worker, counted) => world.give_up(worker, counted, false)?,
            Step::Throttle(worker) => world.give_up(worker, false, true)?,
            Step::Crash(worker) => {
                world.busy(worker)?;
                world.workers[worker] = Worker::Idle;
            }
        }
        Some(world)
    }

    fn start(&mut self) -> Option<()> {
        if self.session.is_some() {
            return None;
        }
        let reserved = Reservation::new(INPUT, OUTPUT, self.now + START_WITHIN, self.now);
        let ledger = Ledger::new(reserved.day);
        let limits = Limits::default();
        let ledger = ledger.reserve(None, &limits, id(), &reserved, self.now);
        self.ledgers.insert(reserved.day, ledger.expect("admitted"));
        let input = Input {
            fingerprint: Fingerprint::of("Why?", &[]),
            start_by: self.now + START_WITHIN,
            follower: None,
            place: None,
            assistant: None,
            price: Price::of_dollars(1.0, 1.0, None, None).ok(),
            reservation: Some(reserved),
        };
        let started = Session::start(None, id(), &me(), &input, self.now, TTL);
        self.session = started.ok();
        Some(())
    }

    fn delete(&mut self) -> Option<()> {
        let session = self.session.clone()?;
        let is_held = session.has_live_lease(self.now);
        if let Some(Attempted::Running(Some(said))) = self.attempts.last_mut()
            && is_held
        {
            *said = 0;
        }
        self.write(session.delete(self.now));
        Some(())
    }

    fn redrive(&mut self) -> Option<()> {
        let session = self.session.clone()?;
        // A dead letter of a deleted session is dropped.
        if self.redrives == 1 || session.is_deleted() {
            return None;
        }
        let was_over = session.status.is_terminal();
        let reopened = session.reopen(self.now + START_WITHIN, self.now, TTL);
        if was_over && !reopened.status.is_terminal() {
            self.attempts.clear();
        }
        self.redrives += 1;
        self.write(reopened);
        Some(())
    }

    fn begin(&mut self, worker: usize) -> Option<()> {
        let session = self.session.clone()?;
        if self.workers[worker] != Worker::Idle || session.last_attempt.0 == MAX_ATTEMPTS {
            return None;
        }
        let lease = Lease {
            until: self.now + LEASE,
            holder: Uuid::from_u128(worker as u128),
        };
        match Session::lease(Some(session), id(), &me(), lease, None, self.now, TTL) {
            Ok(Leased::Begun(session)) => {
                self.interrupt();
                self.attempts.push(Attempted::Running(None));
                self.workers[worker] = Worker::Busy {
                    attempt: session.last_attempt,
                    progress: Progress::default(),
                };
                self.write(session);
            }
            Ok(Leased::Ended(session)) => self.write(session),
            Err(LeaseRefused::Held { .. }) => {}
            Err(LeaseRefused::OtherOwner) => panic!("the job is its owner's"),
        }
        Some(())
    }

    fn save(&mut self, worker: usize) -> Option<()> {
        let (attempt, progress) = self.busy(worker)?;
        let until = Some(self.now + LEASE);
        match Session::save(
            self.session.clone(),
            attempt,
            Some(&progress),
            until,
            self.now,
        ) {
            Ok(Saved::Continue(session)) => {
                let said = said(&progress);
                *self.attempts.last_mut().expect("it runs") = Attempted::Running(said);
                self.write(session);
            }
            Ok(Saved::StopRequested(_)) => {}
            Err(Lost) => self.workers[worker] = Worker::Idle,
        }
        Some(())
    }

    fn finish(&mut self, worker: usize, status: Status, usage: Option<Usage>) -> Option<()> {
        let (attempt, progress) = self.busy(worker)?;
        let ending = Ending {
            usage,
            ..Ending::default()
        };
        let outcome = Outcome { status, ending };
        let current = self.session.clone();
        if let Ok(ended) = Session::finish(current, attempt, &progress, &outcome, self.now) {
            self.end_attempt(usage.map_or(about(said(&progress)), |it| it.all_tokens()));
            self.write(ended);
        }
        self.workers[worker] = Worker::Idle;
        Some(())
    }

    fn give_up(&mut self, worker: usize, is_counted: bool, is_throttled: bool) -> Option<()> {
        let (attempt, progress) = self.busy(worker)?;
        let counted = is_counted.then_some(USAGE);
        let current = self.session.clone();
        let given_up = if is_throttled {
            let busy = Failure::new(FailureCode::Throttled, "Busy.");
            Session::throttle(
                current, attempt, &progress, &busy, counted, PATIENCE, self.now,
            )
        } else {
            let broken = Failure::new(FailureCode::ModelError, "It broke.");
            Session::release(current, attempt, &progress, &broken, counted, self.now)
        };
        if let Ok(session) = given_up {
            self.end_attempt(counted.map_or(about(said(&progress)), |it| it.all_tokens()));
            self.write(session);
        }
        self.workers[worker] = Worker::Idle;
        Some(())
    }

    fn busy(&self, worker: usize) -> Option<(Attempt, Progress)> {
        match &self.workers[worker] {
            Worker::Busy { attempt, progress } => Some((*attempt, progress.clone())),
            Worker::Idle => None,
        }
    }
}
