//! The arguments of `tokencast ask`.

use clap::Args;
use uuid::Uuid;

use super::{TargetArgs, id};
use crate::exit;

const ASK_HELP: &str = "\
Examples:
  tokencast ask \"Why do rivers meander?\"
  git diff | tokencast ask -
  tokencast ask --json \"Name three rivers\" | jq -r 'select(.type == \"text\").text'
  tokencast ask --api-url https://ID.appsync-api.us-east-1.amazonaws.com/graphql \\
      --token \"$JWT\" \"Hello\"
  tokencast ask --stack Tokencast-Streaming --username NAME --password PASSWORD \"Hello\"
  tokencast ask --conversation $(uuidgen) \"Why do rivers meander?\"
  tokencast ask --show-reasoning \"Is 2027 a prime number?\" 2> reasoning.txt
  tokencast ask --via url \"Hello\"                 over a Function URL, on a local stack
  tokencast ask --via websocket --stack Tokencast-Streaming --token \"$JWT\" \"Hello\"
  tokencast ask --api-url http://localhost:4680/graphql \\
      --cognito-endpoint http://localhost:4680/ --user-pool-client-id CLIENT_ID \\
      --username alice --password PASSWORD \"Hello\"

With --json, each line on stdout is one of:
  {\"type\":\"started\",\"sessionId\":UUID}
  {\"type\":\"text\",\"text\":STRING,PLACE}                 append it
  {\"type\":\"reasoning\",\"text\":STRING,PLACE}            empty at first: the model thinks, and doesn't show it
  {\"type\":\"citation\",\"citation\":{\"title\",\"url\",\"text\":STRING|null},PLACE}
  {\"type\":\"toolUse\",\"toolUse\":{\"toolUseId\",\"name\",\"input\":STRING},PLACE}   append the input
  {\"type\":\"toolResult\",\"toolResult\":{\"toolUseId\":STRING,\"status\",\"content\":STRING|null},PLACE}
  {\"type\":\"restarted\",\"attempt\":N}                   the answer starts again from nothing
  {\"type\":\"reconnecting\",\"tries\":N,\"delayMs\":N,\"reason\":STRING}
  {\"type\":\"reconnected\"}
  {\"type\":\"completed\",\"stopReason\":STRING|null,\"usage\":USAGE|null,\"guardrail\":GUARDRAIL|null,
   \"reasoningMs\":N|null,\"hasText\":BOOL}
  {\"type\":\"failed\",\"code\":STRING,\"message\":STRING,\"retryable\":BOOL,\"usage\":USAGE|null}
  {\"type\":\"cancelled\",\"stopReason\":STRING|null,\"usage\":USAGE|null}
  {\"type\":\"error\",\"message\":STRING}                            the API cannot be used; nothing follows
where PLACE is \"blockIndex\":N,\"sequence\":N,\"attempt\":N, and USAGE is {\"inputTokens\":N,\"outputTokens\":N,
\"totalTokens\":N}, with \"cacheReadInputTokens\" and \"cacheWriteInputTokens\" where the model has a prompt cache, and \"cost\" in US
dollars where it has a price. GUARDRAIL is {\"action\":\"BLOCKED\"|\"MASKED\",\"masked\":[STRING, ...]}.";

/// Send a prompt and print the answer as it comes.
///
/// The answer goes to stdout; a one-line summary, and whatever goes wrong, to stderr. On a terminal, control characters
/// are shown as \u001b and the like, and citations are marked as [1], with a list of the sources after the answer. A pipe or a
/// file gets the text as it is, and stderr the list. Without an API's URL, a local stack is started for this one prompt. Ctrl-C
/// stops the session.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{ASK_HELP}\n\n{}", exit::HELP))]
pub struct AskArgs {
    /// The prompt, or `-` to read it from stdin: UTF-8, or UTF-16 with a byte order mark.
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    pub prompt: Option<String>,

    /// Print one JSON event a line.
    #[arg(long)]
    pub json: bool,

    /// Use this id for the session; the same id again answers with the same session.
    #[arg(long, value_name = "UUID", value_parser = id::uuid, conflicts_with = "resume")]
    pub session_id: Option<Uuid>,

    /// Listen to a session that was started before, from the beginning of its text.
    #[arg(long, value_name = "SESSION_ID", value_parser = id::uuid)]
    pub resume: Option<Uuid>,

    /// Make the prompt a turn of this conversation, behind its last turn that is over. An id that nobody has used yet begins
    /// a conversation.
    #[arg(long, value_name = "UUID", value_parser = id::uuid, conflicts_with = "resume")]
    pub conversation: Option<Uuid>,

    /// Continue this turn of the conversation instead. The conversation's own id: begin it anew, beside its first turn.
    #[arg(long, value_name = "SESSION_ID", value_parser = id::uuid, requires = "conversation")]
    pub parent: Option<Uuid>,

    /// Have this assistant answer, one of those that the API has. By default the conversation's last, or else the API's default.
    #[arg(long, value_name = "NAME", conflicts_with = "resume")]
    pub assistant: Option<String>,

    /// Print what the model thinks to stderr, as far as it shows that.
    #[arg(long)]
    pub show_reasoning: bool,

    #[command(flatten)]
    pub target: TargetArgs,
}
