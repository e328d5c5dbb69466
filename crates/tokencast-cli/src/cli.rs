//! The command line's arguments.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use uuid::Uuid;

mod access;
mod api;
mod ask;
mod chat;
mod doctor;
mod id;
mod place;
mod quota;
mod sign_in;
mod user_group;

use crate::model::{ModelSpec, ReasoningTags};

pub use self::api::{ApiArgs, Channel, TargetArgs};
pub use self::ask::AskArgs;
pub use self::chat::{ChatArgs, ExportArgs, Format};
pub use self::doctor::DoctorArgs;
pub use self::quota::{GivenLimit, QuotaAction, QuotaArgs, QuotaTarget};
pub use self::sign_in::{OutputsArgs, SignInArgs};
pub use self::user_group::UserGroup;

/// The port of `tokencast dev` unless another is given.
pub const DEFAULT_PORT: u16 = 4680;

/// Stream a language model's answer through AppSync, on AWS or on this machine.
#[derive(Debug, Parser)]
#[command(name = "tokencast", version, propagate_version = true)]
#[command(after_help = "\
Examples:
  tokencast ask \"Why do rivers meander?\"        one prompt, on a local stack of its own
  tokencast chat                                a conversation, on a local stack of its own
  tokencast dev                                 the local stack, until Ctrl-C
  tokencast dev --model openai:http://localhost:11434/v1#llama3.2")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// Log to stderr what happens; twice for more. `RUST_LOG` has the last word.
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 900)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Ask(Box<AskArgs>),
    Chat(Box<ChatArgs>),
    Dev(DevArgs),
    Doctor(Box<DoctorArgs>),
    Export(Box<ExportArgs>),
    Redrive(RedriveArgs),
    Forget(ForgetArgs),
    Quota(QuotaArgs),
    #[command(hide = true)]
    Function(FunctionArgs),
    #[command(hide = true)]
    ExecFunction(ExecFunctionArgs),
}

const REDRIVE_HELP: &str = "\
Examples:
  tokencast redrive --local --list                 what failed on a `tokencast dev` that is running
  tokencast redrive --local --session SESSION_ID
  tokencast redrive --queue-url URL --dead-letter-queue-url URL --table NAME \\
      --conversations-table NAME --all

With --local, the access key is that of your running `tokencast dev`. Without, region and credentials are those of the AWS
environment.";

/// Show the jobs whose every attempt failed, or have them tried again.
///
/// Such a job is in the dead-letter queue, and its session has failed. Putting the job back opens the session again.
#[derive(Debug, Args)]
#[command(after_long_help = REDRIVE_HELP)]
#[command(group(clap::ArgGroup::new("where").required(true).multiple(true)))]
pub struct RedriveArgs {
    #[command(flatten)]
    pub what: RedriveWhat,

    /// The local stack on this port.
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "4680", value_parser = place::port, group = "where")]
    pub local: Option<u16>,

    /// The queue that the jobs go back to.
    #[arg(long, value_name = "URL", group = "where")]
    pub queue_url: Option<String>,

    #[arg(long, value_name = "URL", required_unless_present = "local")]
    pub dead_letter_queue_url: Option<String>,

    /// The sessions' table.
    #[arg(long, value_name = "NAME", value_parser = place::table, required_unless_present = "local")]
    pub table: Option<String>,

    /// The conversations' table.
    #[arg(long, value_name = "NAME", value_parser = place::table, required_unless_present = "local")]
    pub conversations_table: Option<String>,

    /// The quotas' table, if the deployment has quotas.
    #[arg(long, value_name = "NAME", value_parser = place::table)]
    pub quotas_table: Option<String>,

    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct RedriveWhat {
    /// Show them, and change nothing.
    #[arg(long)]
    pub list: bool,

    /// Put the job of this session back.
    #[arg(long, value_name = "SESSION_ID", value_parser = id::uuid)]
    pub session: Option<Uuid>,

    /// Put all of them back, those that are no jobs included.
    #[arg(long)]
    pub all: bool,
}

/// Delete all conversations of a user, and the text of their other sessions.
///
/// For a user who leaves. A worker deletes the texts of conversations within a minute or so. Backups and the dead-letter
/// queue may still hold some; see docs/DEPLOY.md. After an interruption, run it again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tokencast forget --owner SUB --local
  tokencast forget --owner SUB --queue-url URL --table NAME --conversations-table NAME

SUB is the user's `sub` in the Cognito user pool. Region and credentials are those of the AWS environment.")]
#[command(group(clap::ArgGroup::new("where").required(true).multiple(true)))]
pub struct ForgetArgs {
    /// The user's `sub`.
    #[arg(long, value_name = "SUB")]
    pub owner: String,

    /// The local stack on this port.
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "4680", value_parser = place::port, group = "where")]
    pub local: Option<u16>,

    /// The queue of jobs, by which the worker hears of it.
    #[arg(long, value_name = "URL", group = "where")]
    pub queue_url: Option<String>,

    /// The sessions' table.
    #[arg(long, value_name = "NAME", value_parser = place::table, required_unless_present = "local")]
    pub table: Option<String>,

    /// The conversations' table.
    #[arg(long, value_name = "NAME", value_parser = place::table, required_unless_present = "local")]
    pub conversations_table: Option<String>,

    /// The quotas' table, if the deployment has quotas.
    #[arg(long, value_name = "NAME", value_parser = place::table)]
    pub quotas_table: Option<String>,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Start the local stack and keep it until Ctrl-C.
///
/// AppSync, Lambda, SQS, DynamoDB, Cognito and Bedrock answer on one port of loopback, for the AWS SDKs, Amplify and curl.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tokencast dev
  tokencast dev --model openai:http://localhost:11434/v1#llama3.2
  tokencast dev --model bedrock:us.anthropic.claude-sonnet-4-5-20250929-v1:0
  tokencast dev --state-dir .tokencast --amplify-outputs web/amplify_outputs.json
  tokencast dev --functions-dir target/lambda
  tokencast dev --template cdk/cdk.out/Streaming.template.json
  tokencast dev --assistants assistants.json
  tokencast dev --faults faults.json --control
  tokencast dev --quotas quotas.json --group alice=pro
  tokencast dev --allow-host 10.0.2.2           for an Android emulator (docs/LOCAL.md)

With openai:URL#NAME, OPENAI_API_KEY is sent along if it is set.

Exit codes:
  0    ended by Ctrl-C or SIGTERM
  2    wrong usage, or a file that is wrong
  4    the stack cannot start, or cannot store what it is told")]
pub struct DevArgs {
    /// Port on loopback; 0 takes any that is free.
    #[arg(long, default_value_t = DEFAULT_PORT, value_parser = place::port_or_any)]
    pub port: u16,

    /// What answers: `scripted`, `openai:URL#NAME` or `bedrock:MODEL_ID`.
    #[arg(long, value_name = "MODEL", default_value = "scripted")]
    pub model: ModelSpec,

    /// The assistants in this JSON file (docs/ASSISTANTS.md). `--model openai:URL` and `--model bedrock`, without a name, take
    /// the model of each assistant.
    #[arg(long, value_name = "FILE")]
    pub assistants: Option<PathBuf>,

    /// How reasoning is found in the text of an `openai:` model's answers; `auto` unless given.
    #[arg(long, value_enum, value_name = "HOW")]
    pub reasoning_tags: Option<ReasoningTags>,

    /// How long the model's first token is waited for; 120 unless given. Some servers load a model first.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=900))]
    pub first_token_timeout: Option<u16>,

    /// Run DIR/request/bootstrap, DIR/worker/bootstrap and so on, instead of the functions in this executable.
    #[arg(long, value_name = "DIR")]
    pub functions_dir: Option<PathBuf>,

    /// Be what this synthesized template describes; whatever can't be so here is refused (docs/LOCAL.md).
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,

    /// Keep tables, queues and keys in this directory across restarts.
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,

    /// Where to write `amplify_outputs.json`. By default it goes to the state directory, or to a temporary one.
    #[arg(long, value_name = "PATH")]
    pub amplify_outputs: Option<PathBuf>,

    /// Limit what users may start and use, as the quotas in this JSON file say (docs/LOCAL.md).
    #[arg(long, value_name = "FILE")]
    pub quotas: Option<PathBuf>,

    /// Put a user into a group of the user pool, by which quotas may differ. May be given several times.
    #[arg(long, value_name = "USER=GROUP")]
    pub group: Vec<UserGroup>,

    /// Serve the web page that is built in this directory; `cargo xtask dev` builds it first.
    #[arg(long, value_name = "DIR")]
    pub web_dir: Option<PathBuf>,

    /// Have things go wrong on purpose, as the plan in this JSON file says (docs/FAULTS.md).
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,

    /// Let programs on this machine change faults, clock and processes over HTTP, below /_tokencast/.
    #[arg(long)]
    pub control: bool,

    /// Let tools that don't know AppSync's protocol subscribe by graphql-transport-ws, which AppSync on AWS refuses.
    #[arg(long)]
    pub graphql_transport_ws: bool,
    /// Answer requests for this host name or address as well, not only for those of loopback. May be given several times.
    #[arg(long, value_name = "HOST", value_parser = access::host)]
    pub allow_host: Vec<String>,

    /// Answer web pages of this origin as well, not only those of loopback: GraphQL, sign-in, Function URL and WebSocket
    /// API. May be given several times.
    #[arg(long, value_name = "ORIGIN", value_parser = access::origin)]
    pub allow_origin: Vec<String>,

    /// Print where everything is as one line of JSON, once the stack is ready.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct FunctionArgs {
    #[arg(value_enum)]
    pub name: FunctionName,
}

#[derive(Debug, Args)]
pub struct ExecFunctionArgs {
    /// The path of a packaged function's `bootstrap`.
    pub program: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FunctionName {
    Request,
    FunctionUrl,
    Websocket,
    WebsocketAuthorizer,
    Worker,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_make_sense() {
        Cli::command().debug_assert();
    }

    /// A typo must not cost an answer.
    #[test]
    fn an_unknown_option_is_no_prompt() {
        let parse = |words: &[&str]| {
            let words = ["tokencast", "ask"].iter().chain(words);
            Cli::try_parse_from(words).map(|cli| match cli.command {
                Command::Ask(args) => args.prompt,
                _ => None,
            })
        };
        for words in [&["--jsn"][..], &["--jsn", "hello"], &["-x"]] {
            let error = parse(words).expect_err("an unknown option");
            assert!(error.to_string().contains(words[0]), "{words:?}: {error}");
        }
        for (words, prompt) in [
            (&["--", "--jsn"][..], "--jsn"),
            (&["-"], "-"),
            (&["Is 5 - 3 2?"], "Is 5 - 3 2?"),
        ] {
            let parsed = parse(words).expect("a prompt");
            assert_eq!(parsed.as_deref(), Some(prompt), "{words:?}");
        }
    }
}
