//! The arguments of `tokencast chat` and `tokencast export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use uuid::Uuid;

use super::{ApiArgs, TargetArgs, id};
use crate::exit;

const CHAT_HELP: &str = "\
Examples:
  tokencast chat                                on a local stack of its own
  tokencast chat --amplify-outputs amplify_outputs.json --username alice --password PASSWORD
  tokencast chat --stack Tokencast-Streaming --token \"$JWT\" --conversation UUID
  printf 'Why do rivers meander?\\nAnd glaciers?\\n' | tokencast chat

On a terminal, a line is a question, and a line that ends with a backslash goes on in the next one. /help lists the
commands. Ctrl-C stops an answer, and Ctrl-D ends the program. Your lines are kept in
$XDG_STATE_HOME/tokencast/chat_history (~/.local/state without the variable), but for those that begin with a blank.

In a pipe, each line of stdin is a question or a command: UTF-8, or UTF-16 with a byte order mark. stdout gets the answers' text
as it is, and what /list, /title, /assistant, /export and /help print; what was said before in a conversation that is opened goes
to stderr. The exit code is that of the last line that failed, or 0. Ctrl-C ends the program.";

/// Talk with the model in a conversation.
///
/// Each answer comes token by token. A conversation is kept by the API: open it again later, edit a question, ask for another
/// answer, export it. Without an API's URL, a local stack is started, and its conversations end with it.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{CHAT_HELP}\n\n{}", exit::HELP))]
pub struct ChatArgs {
    /// Go on with this conversation of yours, which must be there.
    #[arg(long, value_name = "UUID", value_parser = id::uuid)]
    pub conversation: Option<Uuid>,

    /// Have this assistant answer; /assistant changes it.
    #[arg(long, value_name = "NAME")]
    pub assistant: Option<String>,

    /// Show what the model thinks, as far as it shows that; /reasoning changes it.
    #[arg(long)]
    pub show_reasoning: bool,

    /// Neither read nor write the history of lines.
    #[arg(long)]
    pub no_history: bool,

    #[command(flatten)]
    pub target: TargetArgs,
}

/// Write a conversation as one document.
///
/// It has all turns, those that were edited or asked again included. Conversations are read over GraphQL.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tokencast export UUID --stack Tokencast-Streaming --token \"$JWT\" --output conversation.md
  tokencast export UUID --format json --api-url URL --token \"$JWT\" | jq '.turns[].prompt'

Exit codes:
  0    the document is written
  2    wrong usage
  3    there is no such conversation, or the API cannot be reached or refused the request
  7    the document cannot be written, as to a directory that is not there, or on a full disk
  130  stopped by Ctrl-C
  141  stopped because nobody reads stdout any more
  143  stopped by SIGTERM")]
pub struct ExportArgs {
    /// The conversation's id.
    #[arg(value_name = "UUID", value_parser = id::uuid)]
    pub conversation: Uuid,

    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Write to this file, in the place of stdout.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub api: ApiArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// To be read.
    #[default]
    Markdown,
    /// To be processed.
    Json,
}
