//! Runs one path of the worker a given number of times, and nothing else. `cargo xtask bench guard` has valgrind count
//! its instructions, once with a thousand units and once with none, and compares the difference with a stored bound.
//!
//! | module | what |
//! | --- | --- |
//! | `pipeline` | an answer through `tokencast_core::deliver`, with its ports in memory and the clock paused |
//! | `publish` | the worker's own publisher, up to the signed request |
//!
//! The count must be the same each time. So there is one thread, no time, no network, and no hash map with a seed.

mod pipeline;
mod publish;

use std::process::ExitCode;

use thiserror::Error;
use tokencast_core::pipeline::PublishMode;

#[derive(Debug, Error)]
enum GuardError {
    #[error(
        "expected a path (pipeline-joined, pipeline-token or publish) and a number of units, got `{0}`"
    )]
    Arguments(String),
    #[error("the runtime can't be started")]
    Runtime(#[source] std::io::Error),
    #[error("{0}")]
    Wrong(&'static str),
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), GuardError> {
    let wrong = || GuardError::Arguments(arguments.join(" "));
    let [path, units] = arguments else {
        return Err(wrong());
    };
    let units = units.parse().map_err(|_| wrong())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(GuardError::Runtime)?;
    match path.as_str() {
        "pipeline-joined" => runtime.block_on(pipeline::answer(units, PublishMode::Joined)),
        "pipeline-token" => runtime.block_on(pipeline::answer(units, PublishMode::Token)),
        "publish" => runtime.block_on(publish::requests(units)),
        _ => Err(wrong()),
    }
}
