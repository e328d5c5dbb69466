//! The command line that `cargo xtask bench` uses.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::compare::CompareOptions;
use crate::cost::CostOptions;
use crate::fan_out::Role;

#[derive(Debug, Parser)]
#[command(about = "Measures the packaged functions; `cargo xtask bench` builds and runs it")]
pub struct Cli {
    /// Only this one; all of them otherwise
    pub benchmark: Option<Benchmark>,
    /// Where `request/bootstrap` and `worker/bootstrap` are
    #[arg(long)]
    pub functions_dir: PathBuf,
    /// Where `NAME/worker/bootstrap` is of each other build of the worker
    #[arg(long, default_value = "target/variants")]
    pub variants_dir: PathBuf,
    /// The Markdown file whose sections are to be written anew
    #[arg(long)]
    pub report: Option<PathBuf>,
    /// Fewer repetitions
    #[arg(long)]
    pub quick: bool,
    /// Is the sending side of a benchmark, until its standard input ends
    #[arg(long, hide = true)]
    pub serve: Option<Role>,
    #[command(flatten)]
    pub cost: CostOptions,
    #[command(flatten)]
    pub compare: CompareOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Benchmark {
    Floors,
    AddedDelay,
    Worker,
    Streams,
    Stop,
    ColdStart,
    FanOut,
    Growth,
    Cost,
    Variants,
    Compare,
}
