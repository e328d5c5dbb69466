//! `cargo xtask soak`: the soak, with a table of what happened.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use system_tests::Channel;
use system_tests::soak::{Plan, run};

/// Many sessions, everything going wrong, and a look from outside at what holds.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many sessions, 24 at once.
    #[arg(long, default_value_t = 500)]
    sessions: usize,
    /// What everything random is drawn from; by default another each time.
    #[arg(long)]
    seed: Option<u64>,
    /// Over which channel: all of them in turns without it.
    #[arg(long, value_enum)]
    via: Option<Via>,
    /// Begin no session after so many seconds.
    #[arg(long, default_value_t = 1800)]
    seconds: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Via {
    Appsync,
    Url,
    Websocket,
}

impl Via {
    fn channel(self) -> &'static [Channel] {
        match self {
            Self::Appsync => &[Channel::AppSync],
            Self::Url => &[Channel::FunctionUrl],
            Self::Websocket => &[Channel::WebSocket],
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let plan = Plan {
        sessions: arguments.sessions,
        seed,
        channels: arguments.via.map_or(&Channel::ALL, Via::channel),
        at_most: Duration::from_secs(arguments.seconds),
        at_least: 0,
    };
    eprintln!("seed {seed}, {} sessions", plan.sessions);
    let report = run(plan, |done| {
        if done % 25 == 0 {
            eprintln!("{done} sessions over");
        }
    })
    .await;
    println!("{report}");
    if report.broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
