//! The arguments of `tokencast quota`.

use std::str::FromStr;

use clap::{Args, Subcommand};
use tokencast_core::quota::Override;

use super::place;

const HELP: &str = "\
Examples:
  tokencast quota show --user SUB --local
  tokencast quota set --user SUB --tokens-per-day 1000000 --starts-per-day none --local
  tokencast quota set --user SUB --tokens-per-day configured --table NAME
  tokencast quota reset --user SUB --table NAME

SUB is the user's `sub` in the Cognito user pool; `tokencast dev` prints that of each local user. With --local, the access key is that of your running `tokencast dev`. Without,
region and credentials are those of the AWS environment.";

/// Show, change or reset the quota of one user.
///
/// The limits of `set` take the place of those that the deployment has for the user's groups, from the next start on.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct QuotaArgs {
    #[command(subcommand)]
    pub action: QuotaAction,
}

#[derive(Debug, Subcommand)]
pub enum QuotaAction {
    /// Show what the user has used today, and the limits that `set` has given them.
    Show {
        #[command(flatten)]
        target: QuotaTarget,
    },
    /// Give the user limits of their own: each a number, `none`, or `configured` for the deployment's.
    #[command(group(clap::ArgGroup::new("limits").required(true).multiple(true)))]
    Set {
        #[command(flatten)]
        target: QuotaTarget,

        #[arg(long, value_name = "LIMIT", group = "limits")]
        starts_per_minute: Option<GivenLimit>,

        #[arg(long, value_name = "LIMIT", group = "limits")]
        starts_per_day: Option<GivenLimit>,

        #[arg(long, value_name = "LIMIT", group = "limits")]
        tokens_per_day: Option<GivenLimit>,

        #[arg(long, value_name = "LIMIT", group = "limits")]
        sessions_at_once: Option<GivenLimit>,
    },
    /// Forget what the user has started and used today. What runs stays reserved, and what it cost stays counted.
    Reset {
        #[command(flatten)]
        target: QuotaTarget,
    },
}

/// Whose quota, and where it is.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("where").required(true).multiple(true)))]
pub struct QuotaTarget {
    /// The user's `sub`.
    #[arg(long, value_name = "SUB")]
    pub user: String,

    /// The local stack on this port.
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "4680", value_parser = place::port, group = "where")]
    pub local: Option<u16>,

    /// The quotas' table.
    #[arg(long, value_name = "NAME", value_parser = place::table, group = "where")]
    pub table: Option<String>,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// A limit as an administrator gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenLimit {
    Most(u32),
    /// There is no such limit.
    None,
    /// As the deployment has it.
    Configured,
}

impl GivenLimit {
    /// As the table has it.
    pub fn as_override(self) -> Option<Override> {
        match self {
            Self::Most(most) => Some(Override::Most(most)),
            Self::None => Some(Override::Unlimited),
            Self::Configured => None,
        }
    }
}

impl FromStr for GivenLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const MOST: u32 = i32::MAX.unsigned_abs();
        match text {
            "none" => Ok(Self::None),
            "configured" => Ok(Self::Configured),
            number => number
                .parse()
                .ok()
                .filter(|most| *most <= MOST)
                .map(Self::Most)
                .ok_or_else(|| format!("expected 0 to {MOST}, `none` or `configured`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_or_a_word() {
        for (text, expected) in [
            ("0", Some(GivenLimit::Most(0))),
            ("2147483647", Some(GivenLimit::Most(2_147_483_647))),
            ("none", Some(GivenLimit::None)),
            ("configured", Some(GivenLimit::Configured)),
            ("2147483648", None),
            ("-1", None),
            ("", None),
            ("some", None),
        ] {
            assert_eq!(text.parse::<GivenLimit>().ok(), expected, "{text}");
        }
    }
}
