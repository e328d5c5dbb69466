//! The `tokencast` command.
//!
//! | module | what |
//! | --- | --- |
//! | [`cli`] | the arguments |
//! | [`ask`] | `tokencast ask`: one prompt, its answer on stdout |
//! | [`chat`] | `tokencast chat`: a conversation, on a terminal or from a pipe |
//! | [`export`] | `tokencast export`: a conversation as one document |
//! | [`answer`] | one session, as a terminal or a pipe gets it |
//! | [`target`] | where answers come from: an API, or a stack of the command's own |
//! | [`dev`] | `tokencast dev`: the local stack, until Ctrl-C |
//! | [`doctor`] | `tokencast doctor`: whether a deployment keeps its promises |
//! | [`forget`] | `tokencast forget`: a user's conversations and answers, deleted |
//! | [`operator`] | what the commands of operators share |
//! | [`quota`] | `tokencast quota`: one user's quota, for an administrator |
//! | [`redrive`] | `tokencast redrive`: jobs whose every attempt failed |
//! | [`function`] | `tokencast function`: a Lambda function's runtime loop, as the local stack starts it |
//! | [`local_key`] | the access key of a stack that runs, for other commands |
//! | [`stack`] | this project on the local stack, from the template of `cdk/` or another |
//! | [`amplify`] | `amplify_outputs.json` |
//! | [`exit`] | the exit codes |
//! | [`parent`], [`signal`] | what ends the command: its parent's end, and signals |
//! | [`stdio`], [`visible`] | the standard streams, and control characters on a terminal |

pub mod amplify;
pub mod answer;
pub mod ask;
pub mod chat;
pub mod cli;
pub mod dev;
pub mod doctor;
pub mod exit;
pub mod export;
pub mod forget;
pub mod function;
pub mod local_key;
pub mod logging;
pub mod model;
pub mod operator;
pub mod parent;
pub mod quota;
pub mod redrive;
pub mod signal;
pub mod stack;
pub mod stdio;
pub mod target;
pub mod visible;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::exit::{Exit, say};

/// Runs the command. `lookup` gives an environment variable's value.
pub fn main_with(
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    lookup: impl Fn(&str) -> Option<String>,
) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` come here as well, and go to stdout. A closed pipe is no error.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Success.into()
            };
        }
    };
    if let Command::Function(args) = &cli.command {
        // A function has its own runtime and its own logs, so it runs before anything else is set up.
        return function::run(args.name, lookup);
    }
    if let Command::ExecFunction(args) = &cli.command {
        return function::exec(&args.program);
    }
    parent::end_with(&lookup);
    let (rust_log, no_color) = (lookup("RUST_LOG"), lookup("NO_COLOR"));
    if let Err(wrong) = logging::init(cli.verbose, rust_log.as_deref(), no_color.as_deref()) {
        say!("error: {wrong}");
        return Exit::Usage.into();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            say!("error: no runtime: {error}");
            return Exit::Stack.into();
        }
    };
    let exit = runtime.block_on(async {
        match cli.command {
            Command::Ask(args) => Box::pin(ask::run(*args, &lookup)).await,
            Command::Chat(args) => Box::pin(chat::run(*args, &lookup)).await,
            Command::Export(args) => Box::pin(export::run(*args, &lookup)).await,
            Command::Dev(args) => dev::run(args, &lookup).await,
            Command::Doctor(args) => Box::pin(doctor::run(*args, &lookup)).await,
            Command::Redrive(args) => redrive::run(args, &lookup).await,
            Command::Forget(args) => forget::run(args, &lookup).await,
            Command::Quota(args) => quota::run(args, &lookup).await,
            Command::Function(_) | Command::ExecFunction(_) => unreachable!("it returned above"),
        }
    });
    // A pending read of stdin must not delay the end of the process.
    runtime.shutdown_background();
    exit.into()
}
