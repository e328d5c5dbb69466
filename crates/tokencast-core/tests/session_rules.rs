//! Every interleaving of a start and its crash, two workers, their crashes, a throttled model, a stop, a read and the passing
//! of time, searched exhaustively.
//!
//! A store applies a rule to a record and writes the result only if nobody wrote since; so each rule is one atomic
//! step, and an interleaving is an order of such steps.

use std::collections::{BTreeSet, VecDeque};

use tokencast_core::event::Ending;
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::{Attempt, Owner, Sequence, SessionId};
use tokencast_core::session::{
    Fingerprint, Input, Lease, LeaseRefused, Leased, Lost, OtherOwner, Outcome, Progress, Saved,
    Session, StartRefused, Status,
};
use uuid::Uuid;

const LEASE_MS: i64 = 10;
const TTL_S: i64 = 1_000_000;
/// Leases begun in all; each worker may crash or give up, and begin again.
const MAX_ATTEMPTS: u32 = 3;
const MAX_TOKENS: u32 = 2;
/// How long after its start a session may begin.
const START_WITHIN_MS: i64 = 2 * LEASE_MS;
/// How long a throttled model is waited for.
const PATIENCE_MS: i64 = LEASE_MS;

/// The whole world at one moment.
#[derive(Clone, Debug)]
struct World {
    now_ms: i64,
    session: Option<Session>,
    /// Whoever starts the session has noted its input, and is about to send its job.
    is_starting: bool,
    /// Whether a job was sent.
    is_sent: bool,
    workers: [Worker; 2],
    stops: u32,
}

#[derive(Clone, Debug, PartialEq)]
enum Worker {
    Idle,
    /// Working on `attempt`; by what it last heard, alone until `until_ms`.
    Busy {
        attempt: Attempt,
        progress: Progress,
        until_ms: i64,
    },
}

#[derive(Clone, Copy, Debug)]
enum Step {
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
    fn all() -> Vec<Self> {
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

fn id() -> SessionId {
    "67e55044-10b1-426f-9247-bb680e5fe0c8"
        .parse()
        .expect("a UUID")
}

fn owner(name: &str) -> Owner {
    Owner::new(name).expect("not empty")
}

/// What the session is started with.
fn input() -> Fingerprint {
    Fingerprint::of("Why do rivers meander?", &[])
}

/// Starts a session, by an owner, with an input.
fn start(
    current: Option<Session>,
    by: &str,
    input: Fingerprint,
    now_ms: i64,
) -> Result<Session, StartRefused> {
    let input = Input {
        fingerprint: input,
        start_by_ms: now_ms + START_WITHIN_MS,
        follower: None,
    };
    Session::start(current, id(), &owner(by), &input, now_ms, TTL_S)
}

/// The text of an attempt's first events: different in each attempt, so that a mixture shows.
fn text(attempt: Attempt, sequence: Sequence) -> String {
    (1..=sequence.0)
        .map(|number| format!("{}.{number} ", attempt.0))
        .collect()
}

impl World {
    fn new() -> Self {
        Self {
            now_ms: 0,
            session: None,
            is_starting: false,
            is_sent: false,
            workers: [Worker::Idle, Worker::Idle],
            stops: 0,
        }
    }

    /// The world after a step; `None` where the step is not possible now.
    fn after(&self, step: Step) -> Option<Self> {
        let mut world = self.clone();
        let now_ms = self.now_ms;
        match step {
            Step::Tick => world.now_ms += LEASE_MS / 2,
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
                    Session::stop(self.session.clone(), id(), &owner("me"), now_ms).expect("mine");
                assert!(
                    stopped.stop_requested || stopped.status.is_terminal(),
                    "a stop takes effect: {stopped:?}"
                );
                world.session = Some(stopped);
            }
            Step::StopByAnother => {
                let session = self.session.clone()?;
                assert_eq!(
                    Session::stop(Some(session), id(), &owner("another"), now_ms),
                    Err(OtherOwner)
                );
            }
            Step::Read => {
                let session = self.session.clone()?;
                let held = session.has_live_lease(now_ms);
                let in_time = session.start_by_ms.is_none_or(|by_ms| by_ms > now_ms);
                let read = session.clone().end_if_late(now_ms);
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
            Step::Renew(worker) => world.save(worker, Some(now_ms + LEASE_MS))?,
            Step::Finish(worker) => {
                let (attempt, progress) = world.busy(worker)?;
                let outcome = Outcome {
                    status: Status::Completed,
                    ending: Ending::default(),
                };
                match Session::finish(self.session.clone(), attempt, &progress, &outcome, now_ms) {
                    Ok(session) => world.session = Some(session),
                    Err(Lost) => self.assert_fenced(attempt),
                }
                world.workers[worker] = Worker::Idle;
            }
            Step::GiveUp(worker) => {
                let (attempt, progress) = world.busy(worker)?;
                let failure = Failure::new(FailureCode::ModelError, "The model failed.");
                match Session::release(self.session.clone(), attempt, &progress, &failure, now_ms) {
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

    /// What whoever starts the session does, and others who try to.
    fn start(&mut self, step: Step) -> Option<()> {
        let now_ms = self.now_ms;
        match step {
            Step::Claim => {
                let claimed = Session::claim(self.session.clone(), id(), &owner("me"), now_ms);
                self.session = Some(claimed.expect("mine"));
            }
            Step::NoteStart => {
                let started = start(self.session.clone(), "me", input(), now_ms);
                let session = started.expect("the same input is never refused");
                // What is no longer claimed needs no job of this start.
                self.is_starting = session.status == Status::Claimed;
                self.session = Some(session);
            }
            Step::Send => {
                if !self.is_starting {
                    return None;
                }
                self.is_starting = false;
                self.is_sent = true;
            }
            Step::NoteQueued => {
                if !self.is_sent {
                    return None;
                }
                self.session = self
                    .session
                    .take()
                    .map(|it| it.queue(now_ms + START_WITHIN_MS, now_ms, TTL_S));
            }
            Step::CrashStarting => {
                if !self.is_starting {
                    return None;
                }
                self.is_starting = false;
            }
            Step::StartOther => self.start_other(),
            Step::StartByAnother => {
                let session = self.session.clone()?;
                let theirs = start(Some(session), "another", input(), now_ms);
                assert_eq!(theirs, Err(StartRefused::OtherOwner(OtherOwner)));
            }
            Step::RefuseStart => {
                let failure = Failure::new(FailureCode::InvalidPrompt, "prompt is empty");
                let session = self.session.clone();
                let mine = Session::refuse(session.clone(), &owner("me"), failure.clone(), now_ms);
                let theirs = Session::refuse(session, &owner("another"), failure, now_ms);
                assert_eq!(theirs, None, "nobody else ends it");
                let refused = mine?;
                assert!(!self.is_starting && !self.is_sent, "nothing was started");
                self.session = Some(refused);
            }
            _ => return None,
        }
        Some(())
    }

    /// Another prompt is refused once one is noted, and then changes nothing.
    fn start_other(&self) {
        let other = Fingerprint::of("Why do birds sing?", &[]);
        let started = start(self.session.clone(), "me", other, self.now_ms);
        let is_noted = self
            .session
            .as_ref()
            .is_some_and(|session| session.fingerprint.is_some());
        if is_noted {
            assert_eq!(started, Err(StartRefused::OtherInput));
        } else {
            assert!(!self.is_starting && !self.is_sent, "{self:?}");
            let started = started.expect("the first to start it");
            let is_new = started.status == Status::Claimed;
            assert_eq!(started.fingerprint, is_new.then_some(other));
        }
    }

    fn begin(&mut self, worker: usize) -> Option<()> {
        let begun = self
            .session
            .as_ref()
            .map_or(0, |session| session.last_attempt.0);
        if self.workers[worker] != Worker::Idle || !self.is_sent || begun == MAX_ATTEMPTS {
            return None;
        }
        let until_ms = self.now_ms + LEASE_MS;
        let lease = Lease {
            until_ms,
            holder: Uuid::from_u128(worker as u128),
        };
        match Session::lease(
            self.session.clone(),
            id(),
            &owner("me"),
            lease,
            None,
            self.now_ms,
            TTL_S,
        ) {
            Ok(Leased::Begun(session)) => {
                let attempt = session.last_attempt;
                self.session = Some(session);
                self.workers[worker] = Worker::Busy {
                    attempt,
                    progress: Progress::default(),
                    until_ms,
                };
            }
            Ok(Leased::Ended(session)) => {
                assert!(session.status.is_terminal());
                self.session = Some(session);
            }
            Err(LeaseRefused::Held { until_ms }) => {
                assert!(until_ms > self.now_ms, "a lease that is over holds nobody");
            }
            Err(LeaseRefused::OtherOwner) => panic!("the job is its owner's"),
        }
        Some(())
    }

    fn throttle(&mut self, worker: usize) -> Option<()> {
        let (attempt, progress) = self.busy(worker)?;
        let busy = Failure::new(FailureCode::Throttled, "The model is busy.");
        let before = self.session.as_ref().map_or(0, Session::attempts);
        match Session::throttle(
            self.session.clone(),
            attempt,
            &progress,
            &busy,
            PATIENCE_MS,
            self.now_ms,
        ) {
            Ok(session) => {
                assert_eq!(session.attempts() + 1, before, "no attempt is spent");
                self.session = Some(session);
            }
            Err(Lost) => self.assert_fenced(attempt),
        }
        self.workers[worker] = Worker::Idle;
        Some(())
    }

    fn save(&mut self, worker: usize, renew_until_ms: Option<i64>) -> Option<()> {
        let (attempt, progress) = self.busy(worker)?;
        let before = self.session.clone();
        match Session::save(
            before.clone(),
            attempt,
            Some(&progress),
            renew_until_ms,
            self.now_ms,
        ) {
            Ok(Saved::Continue(session)) => {
                assert!(!session.stop_requested, "a stop is seen at the next save");
                if let (Worker::Busy { until_ms, .. }, Some(renewed_ms)) =
                    (&mut self.workers[worker], renew_until_ms)
                {
                    *until_ms = renewed_ms;
                }
                self.session = Some(session);
            }
            Ok(Saved::StopRequested(session)) => {
                assert_eq!(Some(session), before, "nothing is saved");
            }
            Err(Lost) => {
                self.assert_fenced(attempt);
                self.workers[worker] = Worker::Idle;
            }
        }
        Some(())
    }

    fn busy(&self, worker: usize) -> Option<(Attempt, Progress)> {
        match &self.workers[worker] {
            Worker::Busy {
                attempt, progress, ..
            } => Some((*attempt, progress.clone())),
            Worker::Idle => None,
        }
    }

    /// An attempt is refused only because it is really over.
    fn assert_fenced(&self, attempt: Attempt) {
        let session = self.session.as_ref().expect("a session that was leased");
        assert!(
            session.last_attempt > attempt || session.status.is_terminal(),
            "{attempt:?} of {session:?}"
        );
    }

    /// What holds at every moment.
    fn check(&self) {
        let Some(session) = &self.session else { return };
        // A job is only ever sent of the input that the record knows.
        if self.is_starting || self.is_sent {
            assert_eq!(session.fingerprint, Some(input()), "{self:?}");
        }
        assert!(session.attempt <= session.last_attempt);
        // The text is one attempt's, whole, and as long as its sequence says.
        let events = if session.status.is_terminal() {
            session.sequence.0 - 1
        } else {
            session.sequence.0
        };
        let texts: Vec<_> = (0..=session.last_attempt.0)
            .map(|of| text(Attempt(of), Sequence(events)))
            .collect();
        assert!(texts.contains(&session.text), "{session:?}");
        assert!(
            session.status != Status::Queued || session.text.is_empty(),
            "{session:?}"
        );
        // Whoever believes to be alone is.
        let alone = self.workers.iter().filter(|worker| match worker {
            Worker::Busy {
                attempt, until_ms, ..
            } => {
                let believes = *until_ms > self.now_ms;
                assert!(
                    !believes || *attempt == session.last_attempt,
                    "fenced, and does not know: {self:?}"
                );
                believes
            }
            Worker::Idle => false,
        });
        assert!(alone.count() <= 1, "two attempts at once: {self:?}");
    }

    /// What may not happen from one moment to the next.
    fn check_change(&self, next: &Self) {
        let (Some(before), Some(after)) = (&self.session, &next.session) else {
            return;
        };
        assert!(
            before.fingerprint.is_none() || before.fingerprint == after.fingerprint,
            "one session, one input: {before:?} to {after:?}"
        );
        if before.status.is_terminal() {
            assert_eq!(before, after, "what is over stays as it is");
        }
        assert!(
            (after.attempt, after.sequence) >= (before.attempt, before.sequence),
            "{before:?} to {after:?}"
        );
        assert!(after.last_attempt >= before.last_attempt);
        assert!(after.stop_requested || !before.stop_requested || after.status.is_terminal());
    }

    /// Time up to where it no longer matters, so that equal situations are seen once.
    fn key(&self) -> String {
        let left = |until_ms: i64| (until_ms - self.now_ms).clamp(-1, LEASE_MS);
        let session = self.session.as_ref().map(|session| {
            let lease = session.lease.map(|lease| left(lease.until_ms));
            let throttled = session.throttled_since_ms;
            let throttled = throttled.map(|since| (self.now_ms - since).min(PATIENCE_MS));
            let start_by = session.start_by_ms;
            let start_by = start_by.map(|by| (by - self.now_ms).max(0));
            let Session {
                status,
                fingerprint,
                attempt,
                sequence,
                last_attempt,
                throttled_attempts,
                stop_requested,
                text,
                ..
            } = session;
            (
                *status,
                fingerprint.is_some(),
                *attempt,
                *sequence,
                *last_attempt,
                *stop_requested,
                *throttled_attempts,
                text.clone(),
                lease,
                throttled,
                start_by,
            )
        });
        let workers = self.workers.clone().map(|worker| match worker {
            Worker::Idle => None,
            Worker::Busy {
                attempt,
                progress,
                until_ms,
            } => Some((attempt, progress.sequence, left(until_ms))),
        });
        let Self {
            is_starting,
            is_sent,
            stops,
            ..
        } = self;
        format!("{session:?} {workers:?} {is_starting} {is_sent} {stops}")
    }

    /// Whatever happened, one worker that is left alone ends the session.
    fn ends(&self) -> bool {
        let mut world = self.clone();
        if !world.is_sent {
            // Nothing waits for a worker: the same start again sends the job, or finds the session over.
            let again = start(world.session, "me", input(), world.now_ms);
            return again.is_ok_and(|it| it.status == Status::Claimed || it.status.is_terminal());
        }
        world.workers = [Worker::Idle, Worker::Idle];
        world.now_ms += LEASE_MS;
        let lease = Lease {
            until_ms: world.now_ms + LEASE_MS,
            holder: Uuid::nil(),
        };
        match Session::lease(
            world.session,
            id(),
            &owner("me"),
            lease,
            None,
            world.now_ms,
            TTL_S,
        ) {
            Ok(Leased::Ended(session)) => session.status.is_terminal(),
            Ok(Leased::Begun(session)) => {
                let outcome = Outcome {
                    status: Status::Completed,
                    ending: Ending::default(),
                };
                let attempt = session.last_attempt;
                Session::finish(
                    Some(session),
                    attempt,
                    &Progress::default(),
                    &outcome,
                    world.now_ms,
                )
                .is_ok()
            }
            Err(_) => false,
        }
    }
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
    let claimed = Session::claim(None, id(), &owner("me"), 0).expect("new");
    let expires_ms = claimed.expires_at_s * 1000;
    let taken = Session::claim(
        Some(claimed.clone()),
        id(),
        &owner("another"),
        expires_ms - 1,
    );
    assert_eq!(taken, Err(OtherOwner));
    let taken =
        Session::claim(Some(claimed), id(), &owner("another"), expires_ms).expect("free again");
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
        let mut session = Session::claim(None, id(), &owner("me"), 0).expect("new");
        session.status = status;
        session.last_attempt = Attempt(3);
        session.start_by_ms = Some(0);
        session.lease = held.then_some(Lease {
            until_ms: 2,
            holder: Uuid::nil(),
        });
        let after = session.clone().reopen(1000, 1, TTL_S);
        match reopened {
            Some(expected) => assert_eq!(
                (after.status, after.attempts(), after.start_by_ms),
                (expected, 0, Some(1000)),
            ),
            None => assert_eq!(after, session),
        }
    }
}

#[test]
fn a_job_says_when_to_start_only_until_the_record_does() {
    let lease = Lease {
        until_ms: 20,
        holder: Uuid::nil(),
    };
    let leased = |session: Session, start_by_ms| {
        Session::lease(
            Some(session),
            id(),
            &owner("me"),
            lease,
            start_by_ms,
            10,
            TTL_S,
        )
        .expect("mine")
    };
    let claimed = Session::claim(None, id(), &owner("me"), 0).expect("new");
    assert!(matches!(
        leased(claimed.clone(), Some(10)),
        Leased::Ended(_)
    ));
    assert!(matches!(
        leased(claimed.clone(), Some(11)),
        Leased::Begun(_)
    ));
    let queued = claimed.queue(11, 0, TTL_S);
    assert!(
        matches!(leased(queued, Some(1)), Leased::Begun(_)),
        "as after a redrive"
    );
}
