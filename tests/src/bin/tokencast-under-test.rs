//! The `tokencast` command, which the stacks of these tests run as their functions. It is built with the tests, so that
//! they never run an old one.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where variables are looked up"
    )]
    tokencast::main_with(std::env::args_os(), |name| std::env::var(name).ok())
}
