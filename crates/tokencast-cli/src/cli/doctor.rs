//! The arguments of `tokencast doctor`.

use clap::{ArgGroup, Args};

use super::place;
use super::sign_in::{OutputsArgs, SignInArgs};

const HELP: &str = "\
Examples:
  tokencast doctor --local                         a `tokencast dev` that is running, with its own two users
  tokencast doctor --stack Tokencast-Streaming --username ada@example.com --second-username bob@example.com
  tokencast doctor --amplify-outputs amplify_outputs.json --username … --second-username … --yes --json
  tokencast doctor --local --only url,sessions.stop        only these, after something was mended

The passwords come from TOKENCAST_PASSWORD and TOKENCAST_SECOND_PASSWORD. Queues, tables, quotas and alarms are read
with the credentials of the AWS environment, if there are any.

Exit codes:
  0    no probe failed
  1    a probe failed
  2    wrong usage, or nobody agreed to begin
  3    no local stack answers
  7    the report cannot be written, as on a full disk
  130  stopped by Ctrl-C; what the run began was deleted
  141  nobody reads the report
  143  stopped by SIGTERM; what the run began was deleted";

/// See whether a deployment keeps its promises: one line for each, within three minutes.
///
/// It signs in two users, asks some short questions over each channel, and deletes them again. docs/DOCTOR.md lists what
/// it probes. The report has no secret, no prompt and no account number, so it can be attached to an issue.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
#[command(group(ArgGroup::new("deployment").required(true).args(["stack", "amplify_outputs", "local"])))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub outputs: OutputsArgs,

    /// The local stack on this port.
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "4680", value_parser = place::port)]
    pub local: Option<u16>,

    #[command(flatten)]
    pub sign_in: SignInArgs,

    /// The second user, who tries what is the first one's.
    #[arg(long, value_name = "NAME")]
    pub second_username: Option<String>,

    #[arg(
        long,
        value_name = "PASSWORD",
        env = "TOKENCAST_SECOND_PASSWORD",
        hide_env_values = true
    )]
    pub second_password: Option<String>,

    /// A JWT of the second user, in the place of a password.
    #[arg(
        long,
        value_name = "JWT",
        env = "TOKENCAST_SECOND_TOKEN",
        hide_env_values = true
    )]
    pub second_token: Option<String>,

    /// Try only these: probes by their ids, or groups of them, such as `sessions.stop,url`.
    #[arg(long, value_name = "PROBE", value_delimiter = ',')]
    pub only: Vec<String>,

    /// Send a message that is no job, find it in the dead-letter queue, and delete it there. The alarm `DeadLetters` goes
    /// off.
    #[arg(long)]
    pub disruptive: bool,

    /// Begin without asking.
    #[arg(short, long)]
    pub yes: bool,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,

    /// Keep account numbers in the report.
    #[arg(long)]
    pub full: bool,
}
