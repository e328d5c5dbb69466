//! `cargo xtask soak`: runs the soak, and prints a table of its results.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use system_tests::Channel;
use system_tests::soak::{Plan, conversations, run};

/// Runs many sessions while every kind of fault happens, and checks from outside what must hold.
#[derive(Debug, Parser)]
struct Arguments {
    /// The number of sessions, of which 24 run at once.
    #[arg(long, default_value_t = 500)]
    sessions: usize,
    /// The number of conversations after that, each with six turns or more; 8 run at once.
    #[arg(long, default_value_t = 100)]
    conversations: usize,
    /// The seed of everything random; another one each time unless given.
    #[arg(long)]
    seed: Option<u64>,
    /// The channel; all of them in turns unless given.
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
    let plan = conversations::Plan {
        conversations: arguments.conversations,
        seed,
        channels: plan.channels,
    };
    let talks = conversations::run(plan, |done| {
        if done % 10 == 0 {
            eprintln!("{done} conversations over");
        }
    })
    .await;
    println!("{talks}");
    if report.broken.is_empty() && talks.broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
