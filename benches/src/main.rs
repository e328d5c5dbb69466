use std::process::ExitCode;

use benches::cli::Cli;
use clap::Parser as _;

fn main() -> ExitCode {
    match benches::run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", benches::error::chain(&error));
            ExitCode::FAILURE
        }
    }
}
