//! `tokencast doctor`: whether a deployment keeps its promises.
//!
//! | module | what |
//! | --- | --- |
//! | [`deployment`], [`logins`] | which deployment, and its two users |
//! | [`selection`] | which probes are wanted |
//! | [`estimate`] | what a run costs |
//! | [`examine`] | runs the experiments, cleans up, and judges |
//! | [`probes`] | one file for each group: the experiment, and the probes that judge it |
//! | [`probe`], [`evidence`], [`context`] | what a probe is, what it judges, and what experiments have |
//! | [`wire`], [`aws`] | GraphQL, WebSockets, HTTP, and AWS's APIs, without the client library |
//! | [`report`] | the report, without secrets |
//!
//! An experiment asks the deployment, and a probe judges what was found, so many probes cost one question. A probe whose
//! experiment came to an end earlier says that it wasn't probed, and names the probe that failed.

pub mod aws;
pub mod context;
pub mod deployment;
pub mod estimate;
pub mod evidence;
pub mod examine;
pub mod logins;
pub mod probe;
pub mod probes;
pub mod report;
pub mod selection;
pub mod wire;

use std::io::{ErrorKind, IsTerminal as _, Write as _};

use self::aws::Aws;
use self::deployment::{Deployment, DeploymentError};
use self::estimate::Estimate;
use self::examine::{Settings, examine};
use self::logins::{have_a_pool, logins};
use self::selection::Selection;
use crate::cli::DoctorArgs;
use crate::exit::{Exit, complain, say};
use crate::operator::sdk_for;
use crate::signal::Signals;
use crate::stdio::{Stderr, Stdout};

pub async fn run(args: DoctorArgs, lookup: &impl Fn(&str) -> Option<String>) -> Exit {
    match check(&args, lookup).await {
        Ok(exit) => exit,
        Err(error) => {
            complain(&error);
            match error {
                DeploymentError::NoLocalStack { .. } => Exit::Api,
                _ => Exit::Usage,
            }
        }
    }
}

async fn check(
    args: &DoctorArgs,
    lookup: &impl Fn(&str) -> Option<String>,
) -> Result<Exit, DeploymentError> {
    let selection = Selection::of(&args.only)?;
    let (first, second) = logins(args)?;
    let deployment = Deployment::find(args).await?;
    have_a_pool([&first].into_iter().chain(&second), &deployment)?;
    let Ok(mut signals) = Signals::listen() else {
        say!("error: cannot listen to signals");
        return Ok(Exit::Stack);
    };
    // The local stack costs nothing.
    if args.local.is_none() {
        say!("{}", Estimate::of(&deployment, &selection).as_text());
        if !args.yes
            && let Err(exit) = may_begin(&mut signals).await
        {
            return Ok(exit);
        }
    }
    let wire = deployment.wire()?;
    let local = deployment.local.clone();
    let credentials = async {
        let sdk = sdk_for(args.local, lookup).await;
        Aws::new(wire.http.clone(), &sdk, &deployment.region, local, lookup).await
    };
    let aws = tokio::select! {
        aws = credentials => aws,
        exit = signals.next() => return Ok(exit),
    };
    let settings = Settings {
        disruptive: args.disruptive,
        selection,
        ..Settings::default()
    };
    let mut signal = None;
    let interrupted = async {
        signal = Some(signals.next().await);
    };
    let users = (&first, second.as_ref());
    let report = examine(deployment, wire, users, aws, settings, interrupted);
    let report = Box::pin(report).await?;
    let text = if args.json {
        format!("{}\n", report.as_json(args.full))
    } else {
        report.as_text(args.full)
    };
    if let Err(error) = Stdout.write_all(text.as_bytes()) {
        if error.kind() == ErrorKind::BrokenPipe {
            return Ok(Exit::BrokenPipe);
        }
        say!("error: cannot write the report: {error}");
        return Ok(Exit::Unwritable);
    }
    Ok(match (signal, report.failed().as_slice()) {
        (Some(exit), _) => exit,
        (None, []) => Exit::Success,
        (None, _) => Exit::Failed,
    })
}

/// Asks whether to begin. Otherwise returns why the command ends.
async fn may_begin(signals: &mut Signals) -> Result<(), Exit> {
    if !std::io::stdin().is_terminal() {
        say!("error: nobody can be asked whether to begin: --yes begins");
        return Err(Exit::Usage);
    }
    // A question that can't be shown is answered like any other.
    let _ = Stderr.write_all(b"Begin? [y/N] ");
    // A thread that reads a terminal can't be stopped, but it ends with the process.
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = tokio::select! {
        answer = answer => answer,
        exit = signals.next() => {
            say!("");
            return Err(exit);
        }
    };
    let answer = answer.ok().and_then(Result::ok).unwrap_or_default();
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Exit::Usage),
    }
}
