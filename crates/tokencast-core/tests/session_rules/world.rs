//! A session's record, whoever starts it, and two workers; and what each step makes of them.

use std::time::Duration;

use tokencast_core::event::Ending;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::{Attempt, Owner, Sequence, SessionId};
use tokencast_core::session::{
    ClaimRefused, Fingerprint, Input, Lost, Outcome, Progress, Session, StartRefused, Status,
};
use tokencast_core::time::Timestamp;

pub(crate) const LEASE: Duration = Duration::from_millis(10);
pub(crate) const TTL: Duration = Duration::from_secs(1_000_000);
/// Leases begun in all; each worker may crash or give up, and begin again.
pub(crate) const MAX_ATTEMPTS: u32 = 3;
pub(crate) const MAX_TOKENS: u32 = 2;
/// How long after its start a session may begin.
pub(crate) const START_WITHIN: Duration = Duration::from_millis(20);
/// How long a throttled model is waited for.
pub(crate) const PATIENCE: Duration = LEASE;

/// The whole world at one moment.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) session: Option<Session>,
    /// Whoever starts the session has noted its input, and is about to send its job.
    pub(crate) is_starting: bool,
    /// Whether a job was sent.
    pub(crate) is_sent: bool,
    pub(crate) workers: [Worker; 2],
    pub(crate) stops: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Worker {
    Idle,
    /// Working on `attempt`; by what it last heard, alone until `until`.
    Busy {
        attempt: Attempt,
        progress: Progress,
        until: Timestamp,
    },
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Tick,
    /// Somebody subscribes.
    Claim,
    /// The start is noted, its job sent, and that noted: a crash may come between.
    NoteStart,
    Send,
    NoteQueued,
    CrashStarting,
    StartOther,
    StartByAnother,
    RefuseStart,
    Stop,
    StopByAnother,
    Read,
    Begin(usize),
    Token(usize),
    Save(usize),
    Renew(usize),
    Finish(usize),
    GiveUp(usize),
    Throttle(usize),
    Crash(usize),
}

impl Step {
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![
            Self::Tick,
            Self::Claim,
            Self::NoteStart,
            Self::Send,
            Self::NoteQueued,
            Self::CrashStarting,
            Self::StartOther,
            Self::StartByAnother,
            Self::RefuseStart,
            Self::Stop,
            Self::StopByAnother,
            Self::Read,
        ];
        for worker in 0..2 {
            all.extend([
                Self::Begin(worker),
                Self::Token(worker),
                Self::Save(worker),
                Self::Renew(worker),
                Self::Finish(worker),
                Self::GiveUp(worker),
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

pub(crate) fn owner(name: &str) -> Owner {
    Owner::new(name).expect("not empty")
}

/// What the session is started with.
pub(crate) fn input() -> Fingerprint {
    Fingerprint::of("Why do rivers meander?", &[])
}

/// Starts a session, by an owner, with an input.
pub(crate) fn start(
    current: Option<Session>,
    by: &str,
    input: Fingerprint,
    now: Timestamp,
) -> Result<Session, StartRefused> {
    let input = Input {
        fingerprint: input,
        start_by: now + START_WITHIN,
        follower: None,
        place: None,
        assistant: None,
        price: None,
        reservation: None,
    };
    Session::start(current, id(), &owner(by), &input, now, TTL)
}

/// The text of an attempt's first events: different in each attempt, so that a mixture shows.
pub(crate) fn text(attempt: Attempt, sequence: Sequence) -> String {
    (1..=sequence.0)
        .map(|number| format!("{}.{number} ", attempt.0))
        .collect()
}
impl World {
    pub(crate) fn new() -> Self {
        Self {
            now: Timestamp::EPOCH,
            session: None,
            is_starting: false,
            is_sent: false,
            workers: [Worker::Idle, Worker::Idle],
            stops: 0,
        }
    }

    /// The world after a step; `None` where the step is not possible now.
    pub(crate) fn after(&self, step: Step) -> Option<Self> {
        let mut world = self.clone();
        let now = self.now;
        match step {
            Step::Tick => world.now += LEASE / 2,
            Step::Claim
            | Step::NoteStart
            | Step::Send
            | Step::NoteQueued
            | Step::CrashStarting
            | Step::StartOther
            | Step::StartByAnother
            | Step::RefuseStart => world.start(step)?,
            Step::Stop => {
                world.stops += 1;
                let stopped =
                    Session::stop(self.session.clone(), id(), &owner("me"), now).expect("mine");
                assert!(
                    stopped.stop_requested || stopped.status.is_terminal(),
                    "a stop takes effect: {stopped:?}"
                );
                world.session = Some(stopped);
            }
            Step::StopByAnother => {
                let session = self.session.clone()?;
                assert_eq!(
                    Session::stop(Some(session), id(), &owner("another"), now),
                    Err(ClaimRefused::OtherOwner)
                );
            }
            Step::Read => {
                let session = self.session.clone()?;
                let held = session.has_live_lease(now);
                let in_time = session.start_by.is_none_or(|by| by > now);
                let read = session.clone().end_if_late(now);
                if held || in_time {
                    assert_eq!(read, session, "nothing ends what goes on");
                } else {
                    assert!(read.status.is_terminal(), "late: {read:?}");
                }
                world.session = Some(read);
            }
            Step::Begin(worker) => world.begin(worker)?,
            Step::Token(worker) => {
                let Worker::Busy {
                    attempt, progress, ..
                } = &mut world.workers[worker]
                else {
                    return None;
                };
                if progress.sequence.0 == MAX_TOKENS {
                    return None;
                }
                progress.sequence = progress.sequence.next();
                progress.text = text(*attempt, progress.sequence);
            }
            Step::Save(worker) => world.save(worker, None)?,
            Step::Renew(worker) => world.save(worker, Some(now + LEASE))?,
            Step::Finish(worker) => {
                let (attempt, progress) = world.busy(worker)?;
                let outcome = Outcome {
                    status: Status::Completed,
                    ending: Ending::default(),
                };
                match Session::finish(self.session.clone(), attempt, &progress, &outcome, now) {
                    Ok(session) => world.session = Some(session),
                    Err(Lost) => self.assert_fenced(attempt),
                }
                world.workers[worker] = Worker::Idle;
            }
            Step::GiveUp(worker) => {
                let (attempt, progress) = world.busy(worker)?;
                let failure = Failure::new(FailureCode::ModelError, "The model failed.");
                match Session::release(
                    self.session.clone(),
                    attempt,
                    &progress,
                    &failure,
                    None,
                    now,
                ) {
                    Ok(session) => world.session = Some(session),
                    Err(Lost) => self.assert_fenced(attempt),
                }
                world.workers[worker] = Worker::Idle;
            }
            Step::Throttle(worker) => world.throttle(worker)?,
            Step::Crash(worker) => {
                world.busy(worker)?;
                world.workers[worker] = Worker::Idle;
            }
        }
        Some(world)
    }
}
