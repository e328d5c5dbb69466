//! One rate with one answer time: its runs, and its line in the table.

use std::time::Duration;

use super::floor;
use crate::allocations::Counter;
use crate::error::{BenchError, Step as _};
use crate::fakes::{Fakes, Script};
use crate::function::Function;
use crate::report::Row;
use crate::spread::{Spread, millis, to_f64};
use crate::syscalls::Counting;

#[derive(Debug)]
pub(super) struct Cell {
    pub(super) script: Script,
    pub(super) answer_ms: u64,
    pub(super) runs: Vec<Run>,
    allocations: Option<f64>,
    syscalls: Option<f64>,
}

/// What one answer showed.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) median_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) last_ms: f64,
    pub(super) publishes: f64,
    /// Of each further token.
    pub(super) cpu_us: f64,
    pub(super) bare_cpu_us: f64,
    /// Of an answer with one token.
    pub(super) answer_cpu_ms: f64,
}

impl Run {
    pub(super) async fn of(
        cell: &Cell,
        worker: &Function,
        fakes: &mut Fakes,
    ) -> Result<Self, BenchError> {
        fakes.appsync.set_answer_time(cell.answer_time());
        let shortest = worker.answer(fakes, cell.shortest(), 1).await?;
        let answered = worker.answer(fakes, cell.script, 1).await?;
        let further = answered.cpu.saturating_sub(shortest.cpu);
        let [session] = answered.sessions.as_slice() else {
            return Err(BenchError::Wrong("expected one session".to_owned()));
        };
        Ok(Self {
            median_ms: session.lags.median(),
            p99_ms: session.lags.p99(),
            last_ms: session.last_lag_ms,
            // The last one is the answer's end.
            publishes: 1_000.0 * to_f64(session.publishes - 1) / to_f64(cell.script.tokens as u64),
            cpu_us: cell.per_further_token(further.as_secs_f64() * 1e6),
            bare_cpu_us: cell.per_further_token(bare_cpu(fakes).await?.as_secs_f64() * 1e6),
            answer_cpu_ms: millis(shortest.cpu),
        })
    }
}

async fn bare_cpu(fakes: &mut Fakes) -> Result<Duration, BenchError> {
    let (bedrock, appsync) = (fakes.bedrock.address(), fakes.appsync.address());
    let floor = tokio::task::spawn_blocking(move || floor::answer(bedrock, appsync));
    let used = floor.await.to("run the floor")??;
    fakes.appsync.sessions(1).await?;
    Ok(used)
}

impl Cell {
    pub(super) fn new(script: Script, answer_ms: u64) -> Self {
        Self {
            script,
            answer_ms,
            runs: Vec::new(),
            allocations: None,
            syscalls: None,
        }
    }

    pub(super) async fn count(
        &mut self,
        worker: &Function,
        counter: &mut Counter,
        fakes: &mut Fakes,
    ) -> Result<(), BenchError> {
        fakes.appsync.set_answer_time(self.answer_time());
        let mut counts = Vec::new();
        for script in [self.shortest(), self.script] {
            let counting = Counting::of(worker.pid()).await?;
            let before = counter.read().await?;
            worker.answer(fakes, script, 1).await?;
            let allocations = counter.read().await?.count - before.count;
            let syscalls = match counting {
                Some(counting) => Some(counting.end().await?),
                None => None,
            };
            counts.push((allocations, syscalls));
        }
        if let [(shortest, of_shortest), (allocations, syscalls)] = counts[..] {
            let tokens = self.script.tokens as u64 - 1;
            let further = |more: u64, less| to_f64(more.saturating_sub(less)) / to_f64(tokens);
            self.allocations = Some(further(allocations, shortest));
            self.syscalls = syscalls
                .zip(of_shortest)
                .map(|(more, less)| further(more, less));
        }
        Ok(())
    }

    /// One token: what an answer takes however long it is.
    fn shortest(&self) -> Script {
        Script {
            tokens: 1,
            ..self.script
        }
    }

    fn answer_time(&self) -> Duration {
        Duration::from_millis(self.answer_ms)
    }

    fn per_further_token(&self, figure: f64) -> f64 {
        figure / to_f64(self.script.tokens as u64 - 1)
    }

    fn spread(&self, figure: fn(&Run) -> f64) -> Spread {
        Spread::of(self.runs.iter().map(figure))
    }

    /// How much later than two of AppSync's answers the 99th of a hundred tokens is.
    pub(super) fn p99_beyond_ms(&self) -> f64 {
        self.spread(|run| run.p99_ms).median - 2.0 * to_f64(self.answer_ms)
    }

    pub(super) fn line(&self) -> [String; 10] {
        let counted = |count: Option<f64>| {
            count.map_or_else(|| "not counted".to_owned(), |count| format!("{count:.1}"))
        };
        [
            self.script.per_second.to_string(),
            format!("{} ms", self.answer_ms),
            self.spread(|run| run.median_ms).text(""),
            self.spread(|run| run.p99_ms).text(""),
            self.spread(|run| run.last_ms).text(""),
            self.spread(|run| run.publishes).text(""),
            self.spread(|run| run.cpu_us).text(""),
            self.spread(|run| run.bare_cpu_us).text(""),
            counted(self.allocations),
            counted(self.syscalls),
        ]
    }

    /// Of the whole process, and without what a program needs that does nothing but read and write.
    pub(super) fn cpu_rows(&self, what: &str, aim_us: f64) -> [Row; 2] {
        let (rate, answer_ms) = (self.script.per_second, self.answer_ms);
        let cpu = self.spread(|run| run.cpu_us);
        let own = self.spread(|run| run.cpu_us - run.bare_cpu_us);
        let name = format!("CPU per token, {what} ({rate} tokens/s, {answer_ms} ms)");
        [
            Row::new(name, cpu.text(" µs")).aim(format!("under {aim_us} µs"), cpu.median < aim_us),
            Row::new("the same, beyond bare reads and writes", own.text(" µs")),
        ]
    }

    pub(super) fn answer_row(&self) -> Row {
        let cpu = self.spread(|run| run.answer_cpu_ms);
        Row::new("CPU of an answer with one token", cpu.text(" ms"))
    }

    pub(super) fn allocations_row(&self, aim: f64) -> Option<Row> {
        let allocations = self.allocations?;
        let row = Row::new(
            format!(
                "allocations per token ({} tokens/s, {} ms)",
                self.script.per_second, self.answer_ms
            ),
            format!("{allocations:.1}"),
        );
        Some(row.aim(format!("at most {aim}"), allocations <= aim))
    }
}
