//! The soak of conversations: each has two tabs, which ask, branch off, stop, reload and delete, while faults happen.
//!
//! | module | what |
//! | --- | --- |
//! | [`faults`] | the faults, and how often they happen |
//! | [`tabs`] | the two tabs of a conversation |
//! | [`verdict`] | what must hold when everything is over |

use std::fmt;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};

use super::{FaultCount, QUIET_WITHIN, TIME_BETWEEN_TOKENS, TOKENS};
use crate::stack::script;
use crate::{Channel, TestStack, eventually};

pub mod faults;
pub mod tabs;
pub mod verdict;

use faults::PURGING_KILLED;
use tabs::{Talk, talk};

/// The number of conversations at once.
const AT_ONCE: usize = 8;

#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub conversations: usize,
    pub seed: u64,
    /// The channels of the tabs, in turns.
    pub channels: &'static [Channel],
}

/// The result of a soak of conversations.
#[derive(Debug)]
pub struct Report {
    pub plan: Plan,
    pub turns: usize,
    pub deleted: usize,
    /// The model's calls whose history was compared with what the tabs meant.
    pub histories: usize,
    pub faults: Vec<FaultCount>,
    pub took: Duration,
    /// The promises that don't hold; empty if all is well.
    pub broken: Vec<String>,
}

/// Runs a soak of conversations on a stack of its own.
pub async fn run(plan: Plan, progress: impl Fn(usize)) -> Report {
    let begun = Instant::now();
    let stack = TestStack::start_with(|options| {
        options.script = script(TOKENS, TIME_BETWEEN_TOKENS);
        // There are no limits, and everything is counted.
        options.stack.quotas = Some("{}".to_owned());
        options.stack.batch_size = std::num::NonZeroU32::new(3);
        options.stack.max_concurrency = std::num::NonZeroU32::new(8);
        options.stack.worker_timeout = Some(Duration::from_secs(30));
        options.worker_variable("LEASE_SECONDS", "2");
        options.worker_variable("MODEL_IDLE_TIMEOUT_MS", "1500");
        options.worker_variable("MODEL_FIRST_TOKEN_TIMEOUT_MS", "1500");
        options.worker_variable("THROTTLE_PATIENCE_SECONDS", "5");
        // A purge waits as long, so that it begins while there are faults.
        let environment = &mut options.stack.request_environment;
        environment.insert("LEASE_SECONDS".to_owned(), "2".to_owned());
    })
    .await;
    let local = &stack.running.local;
    local
        .faults()
        .set(faults::plan(plan.seed))
        .expect("a plan that fits");
    let talks: Vec<Talk> = stream::iter(0..plan.conversations)
        .map(|number| talk(&stack, plan, number))
        .buffer_unordered(AT_ONCE)
        .enumerate()
        .map(|(done, talk)| {
            progress(done + 1);
            talk
        })
        .collect()
        .await;
    // Deletions are carried out after the answer to whoever asked for them.
    eventually("a worker that is killed while it purges", || async {
        let faults = super::verdict::fault_counts(&stack);
        let mut killed = faults.iter().filter(|fault| fault.name == PURGING_KILLED);
        killed.any(|fault| fault.happened > 0).then_some(())
    })
    .await;
    let faults = super::verdict::fault_counts(&stack);
    // What is left ends without further faults.
    local.faults().clear();
    let mut broken = super::verdict::too_rare(&faults, 0);
    broken.extend(super::verdict::quiet(&stack, QUIET_WITHIN).await.err());
    let mut histories = 0;
    for talk in &talks {
        if talk.deleted.is_some() {
            broken.extend(verdict::nothing_is_left(&stack, talk, plan.seed).await);
        } else {
            let (complaints, compared) = verdict::tree(&stack, talk).await;
            broken.extend(complaints);
            histories += compared;
        }
    }
    if let Some(kept) = talks.iter().find(|talk| talk.deleted.is_none()) {
        broken.extend(verdict::is_seen(&stack, kept).await);
    }
    broken.extend(verdict::lists(&stack, &talks).await);
    broken.extend(verdict::quotas(&stack, &talks, plan.seed).await);
    stack.shutdown().await;
    Report {
        plan,
        turns: talks.iter().map(|talk| talk.turns.len()).sum(),
        deleted: talks.iter().filter(|talk| talk.deleted.is_some()).count(),
        histories,
        faults,
        took: begun.elapsed(),
        broken,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan {
            seed,
            conversations,
            ..
        } = self.plan;
        writeln!(
            formatter,
            "seed {seed}: {conversations} conversations in {:.1} s",
            self.took.as_secs_f64()
        )?;
        for (what, count) in [
            ("turns", self.turns),
            ("deleted conversations", self.deleted),
            ("histories compared", self.histories),
        ] {
            writeln!(formatter, "  {what:<34}{count:>7}")?;
        }
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
        Ok(())
    }
}
