//! The soak: many sessions run while every kind of fault happens, and a check from outside says what holds.
//!
//! | module | what |
//! | --- | --- |
//! | [`chaos`] | the faults, and how often they happen |
//! | [`user`] | the clients of one session: they start, listen, leave, come back and stop, as the seed says |
//! | [`quotas`] | what must hold of the quotas: the sums in the table are those of the model's log |
//! | [`verdict`] | what must hold when everything is over |
//! | [`conversations`] | the same for conversations |

use std::fmt;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use local_stack::config::ScriptConfig;

use crate::stack::script;
use crate::{Channel, TestStack};

pub mod chaos;
pub mod conversations;
pub mod quotas;
pub mod user;
pub mod verdict;

use user::{Story, User};

/// The number of an answer's tokens, and the time between them.
const TOKENS: usize = 120;
const TIME_BETWEEN_TOKENS: Duration = Duration::from_millis(10);

/// The number of sessions at once.
const AT_ONCE: usize = 24;

/// After the last client has left, all work must be over within this time.
const QUIET_WITHIN: Duration = Duration::from_mins(3);

#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub sessions: usize,
    pub seed: u64,
    /// The channels of the sessions, in turns.
    pub channels: &'static [Channel],
    /// No session begins after this time, except for the first `at_least`.
    pub at_most: Duration,
    pub at_least: usize,
}

/// The number of times that a fault could have happened, and that it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultCount {
    pub name: String,
    pub events: u64,
    pub happened: u64,
}

/// The result of a soak.
#[derive(Debug)]
pub struct Report {
    pub plan: Plan,
    pub sessions: usize,
    pub completed: usize,
    pub cancelled: usize,
    pub failed: usize,
    /// The number of sessions that needed more than one attempt.
    pub taken_over: usize,
    /// The counts of each fault, by name.
    pub faults: Vec<FaultCount>,
    pub reconnects: usize,
    /// The longest time from a lost connection to the next event.
    pub worst_catch_up: Duration,
    pub took: Duration,
    /// The promises that don't hold; empty if all is well.
    pub broken: Vec<String>,
}

/// Runs a soak on a stack of its own.
pub async fn run(plan: Plan, progress: impl Fn(usize)) -> Report {
    let begun = Instant::now();
    let open_files_before = verdict::open_files();
    let stack = TestStack::start_with(|options| {
        options.script = quiet_script();
        // There are no limits, and everything is counted.
        options.stack.quotas = Some("{}".to_owned());
        options.stack.batch_size = std::num::NonZeroU32::new(3);
        options.stack.max_concurrency = std::num::NonZeroU32::new(8);
        options.stack.worker_timeout = Some(Duration::from_secs(30));
        options.worker_variable("LEASE_SECONDS", "2");
        options.worker_variable("MODEL_IDLE_TIMEOUT_MS", "1500");
        options.worker_variable("MODEL_FIRST_TOKEN_TIMEOUT_MS", "1500");
        options.worker_variable("THROTTLE_PATIENCE_SECONDS", "5");
    })
    .await;
    stack
        .running
        .local
        .faults()
        .set(chaos::faults(&plan))
        .expect("a plan that fits");
    // Each user signs in once, as in a browser.
    let clients: Vec<_> = plan
        .channels
        .iter()
        .flat_map(|channel| ["alice", "bob"].map(|user| stack.client_over(*channel, user)))
        .collect();
    let stories: Vec<Story> = stream::iter(0..plan.sessions)
        .take_while(|number| {
            let begins = *number < plan.at_least || begun.elapsed() < plan.at_most;
            std::future::ready(begins)
        })
        .map(|number| User::new(&clients[number % clients.len()], plan.seed, number).live())
        .buffer_unordered(AT_ONCE)
        .enumerate()
        .map(|(done, story)| {
            progress(done + 1);
            story
        })
        .collect()
        .await;
    let faults = verdict::fault_counts(&stack);
    // The remaining sessions end without further faults.
    stack.running.local.faults().clear();
    let mut broken = verdict::too_rare(&faults, stories.len());
    broken.extend(verdict::quiet(&stack, QUIET_WITHIN).await.err());
    let records = verdict::records(&stack).await;
    let calls = stack.running.local.bedrock().calls();
    let dead_letters = verdict::dead_letters(&stack).await;
    broken.extend(verdict::judge(
        &plan,
        &stories,
        &records,
        &calls,
        &dead_letters,
    ));
    let ledgers = quotas::ledgers(&stack).await;
    let asked = stories.iter().map(|story| (story.number, story.id));
    broken.extend(quotas::judge(asked, &records, &ledgers, &calls));
    let processes = verdict::processes(&stack);
    stack.shutdown().await;
    broken.extend(verdict::left_behind(&processes, open_files_before).await);
    let ended = |status: &str| {
        records
            .values()
            .filter(|record| record["status"] == status)
            .count()
    };
    Report {
        plan,
        sessions: stories.len(),
        completed: ended("COMPLETED"),
        cancelled: ended("CANCELLED"),
        failed: ended("FAILED"),
        taken_over: records
            .values()
            .filter(|record| record["attempt"].as_u64() > Some(1))
            .count(),
        faults,
        reconnects: stories.iter().map(|story| story.reconnects).sum(),
        worst_catch_up: stories
            .iter()
            .map(|story| story.worst_catch_up)
            .max()
            .unwrap_or_default(),
        took: begun.elapsed(),
        broken,
    }
}

fn quiet_script() -> ScriptConfig {
    script(TOKENS, TIME_BETWEEN_TOKENS)
}

impl Plan {
    /// Returns the channel of a session. Two sessions in a row, one for each user, have the same channel.
    pub fn channel(&self, number: usize) -> Channel {
        self.channels[number / 2 % self.channels.len()]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, .. } = self.plan;
        writeln!(
            formatter,
            "seed {seed}: {} sessions in {:.1} s",
            self.sessions,
            self.took.as_secs_f64()
        )?;
        writeln!(formatter, "  {:<34}{:>7}", "completed", self.completed)?;
        writeln!(formatter, "  {:<34}{:>7}", "cancelled", self.cancelled)?;
        writeln!(formatter, "  {:<34}{:>7}", "failed", self.failed)?;
        writeln!(
            formatter,
            "  {:<34}{:>7}",
            "of these, by a later attempt", self.taken_over
        )?;
        writeln!(
            formatter,
            "  {:<34}{:>7}",
            "connections lost and reopened", self.reconnects
        )?;
        writeln!(
            formatter,
            "  {:<34}{:>5.1} s",
            "worst catch-up",
            self.worst_catch_up.as_secs_f64()
        )?;
        writeln!(formatter, "faults")?;
        for fault in &self.faults {
            let FaultCount {
                name,
                events,
                happened,
            } = fault;
            writeln!(formatter, "  {name:<34}{happened:>7} of {events}")?;
        }
        for broken in &self.broken {
            writeln!(formatter, "BROKEN: {broken}")?;
        }
        if !self.broken.is_empty() {
            let sessions = self.plan.sessions;
            writeln!(
                formatter,
                "again: cargo xtask soak --sessions {sessions} --seed {seed}"
            )?;
        }
        Ok(())
    }
}
