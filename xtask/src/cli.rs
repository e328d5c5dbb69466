//! The command line.

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
    Test,
    /// Run what CI runs: format, lints, tests, dependencies, generated files
    ///
    /// Needs cargo-deny beside Rust and Node; `.ci/run` brings it along.
    Ci,
    /// Build both Lambda functions, small, for `provided.al2023` on `x86_64`
    ///
    /// Leaves target/lambda/{request,worker}/bootstrap and bootstrap.zip. A binary that needs a newer glibc than Amazon
    /// Linux 2023 has is built again with cargo-lambda, which is installed below target/ where it is missing.
    Package,
    /// Measure, and write docs/PERFORMANCE.md
    ///
    /// Builds and measures the packaged functions. Give the machine nothing else to do meanwhile.
    Bench(Bench),
}

#[derive(Args, Debug)]
pub struct Bench {
    /// Which benchmark: added-delay, worker or cold-start. All of them without it
    pub name: Option<String>,
    /// A short run that shows that everything works; its figures are noisy, and are not written down
    #[arg(long)]
    pub quick: bool,
}
