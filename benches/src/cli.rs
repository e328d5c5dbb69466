//! The command line, which `cargo xtask bench` uses.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::cost::CostOptions;

#[derive(Debug, Parser)]
#[command(about = "Measures the packaged functions; `cargo xtask bench` builds and runs it")]
pub struct Cli {
    /// Only this one; all of them otherwise
    pub benchmark: Option<Benchmark>,
    /// Where `request/bootstrap` and `worker/bootstrap` are
    #[arg(long)]
    pub functions_dir: PathBuf,
    /// The Markdown file whose sections are to be written anew
    #[arg(long)]
    pub report: Option<PathBuf>,
    /// Fewer repetitions
    #[arg(long)]
    pub quick: bool,
    #[command(flatten)]
    pub cost: CostOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Benchmark {
    AddedDelay,
    Worker,
    Streams,
    ColdStart,
    Cost,
    Conversation,
}

impl Benchmark {
    pub const ALL: [Self; 6] = [
        Self::AddedDelay,
        Self::Worker,
        Self::Streams,
        Self::ColdStart,
        Self::Cost,
        Self::Conversation,
    ];
}
