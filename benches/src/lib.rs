//! The benchmarks behind `cargo xtask bench`. Each prints its figures with their aims and their variation.
//!
//! A benchmark is a function from [`Options`] to a [`Section`]. Both sides of a ratio are measured in one run, in
//! turns. The benchmarks measure the functions: the speed of the local stack is no figure of Tokencast's. A benchmark
//! is deleted once its question is answered.
//!
//! | module | what |
//! | --- | --- |
//! | [`added_delay`] | from `startStream` to the first token, against bare round trips |
//! | [`worker`] | the worker's process: lag, publishes, CPU; beside it [`naive`], a worker as one writes it first |
//! | [`streams`] | many answers in one process on one core |
//! | [`cold_start`] | the functions' start |
//! | [`conversation`] | a follow-up behind 1 turn and behind 200 |
//! | [`cost`], [`prices`] | what 1,000 answers cost |
//! | [`meter`], [`subscriber`] | a proxy that counts what the functions ask for; a client that starts and subscribes |
//! | [`fakes`] | all that a worker talks to; an AppSync and a Bedrock that keep the time of what passes through them |
//! | [`function`], [`process`] | the worker's process between the fakes, and what the system says of a process |
//! | [`bare`] | the same bytes there and back, without a library |
//! | [`spread`], [`report`] | figures with their variation; tables, and `docs/PERFORMANCE.md` |
//!
//! `benches/guard` is the program whose instructions `cargo xtask bench guard` counts.

use std::path::PathBuf;

pub mod added_delay;
pub mod bare;
pub mod cli;
pub mod cold_start;
pub mod conversation;
pub mod cost;
pub mod error;
pub mod fakes;
pub mod function;
pub mod meter;
pub mod naive;
pub mod prices;
pub mod process;
pub mod report;
pub mod spread;
pub mod streams;
pub mod subscriber;
pub mod worker;

use cli::{Benchmark, Cli};
use error::{BenchError, Step as _};
use report::Section;

/// The options of a benchmark's run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory with `request/bootstrap` and `worker/bootstrap`.
    pub functions_dir: PathBuf,
    /// Run fewer repetitions, to see that the benchmark works.
    pub quick: bool,
}

impl Options {
    /// Chooses between the numbers of a full and of a quick run.
    pub fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

/// Runs one benchmark, or all of them one after another.
///
/// # Errors
///
/// A step failed, or an answer was wrong.
pub fn run(cli: &Cli) -> Result<(), BenchError> {
    let options = Options {
        functions_dir: cli.functions_dir.clone(),
        quick: cli.quick,
    };
    let chosen = cli
        .benchmark
        .map_or(Benchmark::ALL.to_vec(), |benchmark| vec![benchmark]);
    let runtime = tokio::runtime::Runtime::new().to("start the runtime")?;
    for benchmark in chosen {
        let section = runtime.block_on(measure(benchmark, &options, cli))?;
        println!("\n{}", section.to_markdown());
        if let Some(path) = &cli.report {
            report::write(path, &section)?;
        }
    }
    Ok(())
}

async fn measure(
    benchmark: Benchmark,
    options: &Options,
    cli: &Cli,
) -> Result<Section, BenchError> {
    match benchmark {
        Benchmark::AddedDelay => added_delay::measure(options).await,
        Benchmark::Worker => worker::measure(options).await,
        Benchmark::Streams => streams::measure(options).await,
        Benchmark::ColdStart => cold_start::measure(options),
        Benchmark::Cost => cost::measure(options, &cli.cost).await,
        Benchmark::Conversation => conversation::measure(options).await,
    }
}
