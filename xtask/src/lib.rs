//! `cargo xtask`: the tasks of a developer of this project, the same on a laptop and in CI.
//!
//! | module | what |
//! | --- | --- |
//! | [`cli`] | the command line |
//! | [`test`], [`ci`], [`dev`], [`soak`], [`package`], [`bench`], [`size`] | the tasks |
//! | [`npm`], [`venv`], [`deny`], [`drift`], [`guard`] | their parts |
//! | [`step`], [`process`], [`error`] | steps with headings and times, the programs that they run, and why they fail |

use std::process::ExitCode;

pub mod bench;
pub mod ci;
pub mod cli;
pub mod deny;
pub mod dev;
pub mod drift;
pub mod error;
pub mod guard;
pub mod npm;
pub mod package;
pub mod process;
pub mod size;
pub mod soak;
pub mod step;
pub mod test;
pub mod venv;

/// Runs a task, and returns its exit code.
pub fn run(task: &cli::Task) -> ExitCode {
    let mut steps = step::Steps::begin();
    match task {
        cli::Task::Test(options) => test::run(&mut steps, options.all_majors),
        cli::Task::Ci => ci::run(&mut steps),
        cli::Task::Dev(options) => dev::run(&mut steps, options),
        cli::Task::Soak(options) => soak::run(&mut steps, options),
        cli::Task::Package(cli::Package { npm: true, dev }) => {
            package::npm::run(&mut steps, *dev);
        }
        cli::Task::Package(cli::Package { npm: false, .. }) => {
            package::run(&mut steps);
        }
        cli::Task::Bench(options) => bench::run(&mut steps, options),
        cli::Task::Cost(options) => bench::cost(&mut steps, options),
        cli::Task::Size => size::run(&mut steps),
    }
    steps.finish()
}
