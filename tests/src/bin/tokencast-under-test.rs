//! The `tokencast` command, built with the tests: what their stacks start as functions.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the lookup comes from"
    )]
    let lookup = |name: &str| std::env::var(name).ok();
    tokencast::main_with(std::env::args_os(), lookup)
}
