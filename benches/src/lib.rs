//! The benchmarks behind `cargo xtask bench`: each prints its figures with what is aimed at, and says how much they vary.
//!
//! A benchmark is a function from [`Options`] to a [`Section`]. Both sides of a ratio are measured in one run, in turns.
//!
//! | module | what |
//! | --- | --- |
//! | [`floors`] | what nobody can do without: a round trip, a broadcast, a signature, a decoded event |
//! | [`added_delay`] | from `startStream` to the first token, against bare loopback hops |
//! | [`worker`] | the worker's process: lag, publishes, CPU, allocations, system calls; beside it [`naive`], a worker as one writes it first |
//! | [`streams`] | many answers in one process on one core |
//! | [`stop`] | from `stopStream` to the last event |
//! | [`cold_start`] | the functions' start, and their size |
//! | [`fan_out`] | from one publish to many subscribers, against a plain broadcast |
//! | [`growth`] | how what an answer takes grows |
//! | [`cost`], [`prices`] | what 1,000 answers cost |
//! | [`variants`] | the worker built in other ways |
//! | [`compare`] | the three deliveries side by side |
//! | [`meter`], [`metered`] | a proxy that counts what the functions ask for, and a stack behind one |
//! | [`fakes`] | all that a worker talks to; an AppSync and a Bedrock that keep the time of what passes through them |
//! | [`function`] | the worker's process between the fakes |
//! | [`process`], [`syscalls`], [`allocations`] | what the system, `perf` and an allocator that counts say of a process |
//! | [`spread`], [`report`] | figures with their variation; tables, and `docs/PERFORMANCE.md` |

use std::path::PathBuf;

pub mod added_delay;
pub mod allocations;
pub mod cli;
pub mod cold_start;
pub mod compare;
pub mod cost;
pub mod error;
pub mod fakes;
pub mod fan_out;
pub mod floors;
pub mod function;
pub mod growth;
pub mod meter;
pub mod metered;
pub mod naive;
pub mod prices;
pub mod process;
pub mod report;
pub mod spread;
pub mod stop;
pub mod streams;
pub mod syscalls;
pub mod variants;
pub mod worker;

use cli::{Benchmark, Cli};
use error::BenchError;
use report::Section;

/// How a benchmark is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// `request/bootstrap` and `worker/bootstrap` are below it.
    pub functions_dir: PathBuf,
    /// Fewer repetitions: to see that it works.
    pub quick: bool,
}

impl Options {
    /// One of two numbers: in full, or quick.
    pub fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

/// Runs the benchmarks that were asked for, one after another.
pub fn run(cli: &Cli) -> Result<(), BenchError> {
    let options = Options {
        functions_dir: cli.functions_dir.clone(),
        quick: cli.quick,
    };
    if let Some(role) = cli.serve {
        return fan_out::serve(role, &options);
    }
    let chosen = match cli.benchmark {
        Some(benchmark) => vec![benchmark],
        None => vec![
            Benchmark::Floors,
            Benchmark::AddedDelay,
            Benchmark::Worker,
            Benchmark::Streams,
            Benchmark::Stop,
            Benchmark::ColdStart,
            Benchmark::FanOut,
            Benchmark::Growth,
            Benchmark::Cost,
        ],
    };
    for benchmark in chosen {
        let section = measure(benchmark, &options, cli)?;
        println!("\n{}", section.to_markdown());
        if let Some(path) = &cli.report {
            report::write(path, &section)?;
        }
    }
    Ok(())
}

fn measure(benchmark: Benchmark, options: &Options, cli: &Cli) -> Result<Section, BenchError> {
    match benchmark {
        Benchmark::Floors => floors::measure(options),
        Benchmark::AddedDelay => added_delay::measure(options),
        Benchmark::Worker => worker::measure(options),
        Benchmark::Streams => streams::measure(options),
        Benchmark::Stop => stop::measure(options),
        Benchmark::ColdStart => cold_start::measure(options),
        Benchmark::FanOut => fan_out::measure(options),
        Benchmark::Growth => growth::measure(options),
        Benchmark::Cost => cost::measure(options, &cli.cost),
        Benchmark::Variants => variants::measure(options, &cli.variants_dir),
        Benchmark::Compare => compare::measure(options, &cli.compare),
    }
}
