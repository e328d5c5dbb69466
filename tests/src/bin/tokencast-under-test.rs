//! The `tokencast` command, built with these tests, so that they never run an old one: it is the functions' process.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where variables are looked up"
    )]
    tokencast::main_with(std::env::args_os(), |name| std::env::var(name).ok())
}
