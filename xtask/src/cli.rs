//! The command line's arguments.

use clap::{Args, Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "The project's development tasks",
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub task: Task,
}

#[derive(Debug, Subcommand)]
pub enum Task {
    /// Run every test: Rust's, and the npm packages'
    ///
    /// Needs Rust and Node, and nothing else. Installs the npm packages that the tests use, again only when a
    /// package-lock.json has changed.
    Test(Test),
    /// Run what CI runs: format, lints, tests, dependencies, generated files
    ///
    /// Needs cargo-deny beside Rust and Node; `.ci/run` brings it along.
    Ci,
    /// Build the web page, and start the local stack with it
    Dev(Dev),
    /// Have everything go wrong at random under many sessions, and check that the promises hold
    ///
    /// Prints a table of what happened and, should a promise not hold, the seed that repeats it.
    Soak(Soak),
    /// Build the Lambda functions, small, for `provided.al2023` on `x86_64`
    ///
    /// Leaves target/lambda/FUNCTION/bootstrap and bootstrap.zip for each function. A binary that
    /// needs a newer glibc than Amazon Linux 2023 has is built again with cargo-lambda, which is installed below target/ where
    /// it is missing.
    Package(Package),
    /// Measure, and write docs/PERFORMANCE.md
    ///
    /// Builds and measures the packaged functions. Give the machine nothing else to do meanwhile.
    Bench(Bench),
    /// Count what an answer does, and print what 1,000 of them cost
    ///
    /// Takes `--tokens`, `--rate`, `--flush-interval-ms` (several, with commas), `--subscribers` and `--answer-ms`, each with a
    /// default. Without any of them it also writes its section of docs/PERFORMANCE.md.
    Cost(Cost),
    /// Print what is in the functions' binaries, crate by crate
    Size,
}

#[derive(Args, Debug)]
pub struct Test {
    /// Also with the major version before of others' packages that pages use with ours: the AI SDK's 6
    #[arg(long)]
    pub all_majors: bool,
}

#[derive(Args, Debug)]
pub struct Package {
    /// Packs the npm packages, too, into target/npm, and prints their sizes: the command with its binary for this machine, the
    /// constructs with the functions, and with those for arm64 if target/lambda-arm64 has them
    #[arg(long)]
    pub npm: bool,
    /// Packs the development builds of the command and the functions, which takes less time
    #[arg(long, requires = "npm")]
    pub dev: bool,
}

#[derive(Args, Debug)]
pub struct Cost {
    /// See `cargo xtask help cost`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
}

#[derive(Args, Debug)]
pub struct Bench {
    /// Which benchmark: added-delay, worker, streams, cold-start, cost or conversation, or all of these without it; pages (the web pages in
    /// a browser) or first-minutes (from an empty npm cache to the first token), which print their figures; or guard, which
    /// compares instruction counts with `benches/guard/bounds.json`
    pub name: Option<String>,
    /// A short run that shows that everything works; its figures are noisy, and are not written down
    #[arg(long)]
    pub quick: bool,
    /// Makes today's instruction counts guard's bounds
    #[arg(long)]
    pub bless: bool,
}

#[derive(Args, Debug)]
pub struct Dev {
    /// Passed on to `tokencast dev`, such as `--port 0` or `--model openai:URL#NAME`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
}

#[derive(Args, Debug)]
pub struct Soak {
    /// How many sessions; 24 are there at once
    #[arg(long, default_value_t = 500)]
    pub sessions: usize,
    /// What everything random is drawn from; another each time unless given
    #[arg(long)]
    pub seed: Option<u64>,
    /// The channel: appsync, url or websocket; all of them in turns without it
    #[arg(long)]
    pub via: Option<String>,
}
