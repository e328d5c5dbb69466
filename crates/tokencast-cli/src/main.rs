//! Wires the `tokencast` command to its process.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the lookup comes from"
    )]
    let lookup = |name: &str| std::env::var(name).ok();
    tokencast::main_with(std::env::args_os(), lookup)
}
