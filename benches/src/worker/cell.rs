//! One rate with one answer time: its runs, and its row in the table.

use std::time::Duration;

use crate::error::BenchError;
use crate::fakes::{Fakes, Script};
use crate::function::Function;
use crate::report::Row;
use crate::spread::{Spread, millis, to_f64};

#[derive(Debug)]
pub(super) struct Cell {
    pub(super) script: Script,
    pub(super) answer_ms: u64,
    pub(super) runs: Vec<Run>,
}

/// The measurements of one answer.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) median_ms: f64,
    p99_ms: f64,
    last_ms: f64,
    publishes: f64,
    /// The CPU time of each further token.
    cpu_us: f64,
    /// The CPU time of an answer with one token.
    answer_cpu_ms: f64,
}

impl Run {
    pub(super) async fn of(
        cell: &Cell,
        worker: &Function,
        fakes: &mut Fakes,
    ) -> Result<Self, BenchError> {
        fakes
            .appsync
            .set_answer_time(Duration::from_millis(cell.answer_ms));
        // An answer of one token shows the CPU time that every answer takes.
        let shortest = Script {
            tokens: 1,
            ..cell.script
        };
        let shortest = worker.answer(fakes, shortest, 1).await?;
        let answered = worker.answer(fakes, cell.script, 1).await?;
        let further = answered.cpu.saturating_sub(shortest.cpu);
        let [session] = answered.sessions.as_slice() else {
            return Err(BenchError::Wrong("expected one session".to_owned()));
        };
        let tokens = cell.script.tokens as u64;
        Ok(Self {
            median_ms: session.lags.median(),
            p99_ms: session.lags.p99(),
            last_ms: session.last_lag_ms,
            // The last publish is the terminal event.
            publishes: 1_000.0 * to_f64(session.publishes - 1) / to_f64(tokens),
            cpu_us: further.as_secs_f64() * 1e6 / to_f64(tokens - 1),
            answer_cpu_ms: millis(shortest.cpu),
        })
    }
}

impl Cell {
    pub(super) fn new(script: Script, answer_ms: u64) -> Self {
        Self {
            script,
            answer_ms,
            runs: Vec::new(),
        }
    }

    fn spread(&self, figure: fn(&Run) -> f64) -> Spread {
        Spread::of(self.runs.iter().map(figure))
    }

    /// Returns by how much the 99th of a hundred tokens is later than two of AppSync's answers.
    pub(super) fn p99_beyond_ms(&self) -> f64 {
        self.spread(|run| run.p99_ms).median - 2.0 * to_f64(self.answer_ms)
    }

    pub(super) fn line(&self) -> Vec<String> {
        vec![
            self.script.per_second.to_string(),
            format!("{} ms", self.answer_ms),
            self.spread(|run| run.median_ms).text(""),
            self.spread(|run| run.p99_ms).text(""),
            self.spread(|run| run.last_ms).text(""),
            self.spread(|run| run.publishes).text(""),
            self.spread(|run| run.cpu_us).text(""),
        ]
    }

    pub(super) fn answer_row(&self) -> Row {
        let cpu = self.spread(|run| run.answer_cpu_ms);
        Row::new("CPU of an answer with one token", cpu.text(" ms"))
    }
}
