use std::process::ExitCode;

fn main() -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where variables are looked up"
    )]
    websocket_authorizer::main_with(|name| std::env::var(name).ok())
}
