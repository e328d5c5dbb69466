//! `tokencast dev`: runs the local stack until Ctrl-C.

mod ready;

use std::path::{Path, PathBuf};

use local_stack::appsync::realtime::RealtimeLimits;
use local_stack::config::AccessConfig;
use local_stack::faults::{FaultPlan, PlanError};
use local_stack::private_files;
use thiserror::Error;
use tokencast_core::quota::{InvalidQuotas, Quotas};

use self::ready::Ready;
use crate::amplify;
use crate::cli::DevArgs;
use crate::exit::{Exit, complain, say};
use crate::local_key::PublishedKey;
use crate::model::ModelSpecError;
use crate::signal::Signals;
use crate::stack::{
    AUTHORIZER_FUNCTION, FUNCTION_URL_FUNCTION, Functions, REQUEST_FUNCTION, RunningStack,
    StackError, StackInfo, StackOptions, WEBSOCKET_FUNCTION, WORKER_FUNCTION,
};
use local_cloudformation::Template;

#[derive(Debug, Error)]
enum DevError {
    #[error(transparent)]
    Model(#[from] ModelSpecError),
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error("cannot read the fault plan {}", path.display())]
    ReadFaults {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the fault plan {} is not valid", path.display())]
    Faults { path: PathBuf, source: PlanError },
    #[error("cannot read the quotas {}", path.display())]
    ReadQuotas {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the quotas {} are not valid", path.display())]
    Quotas {
        path: PathBuf,
        source: InvalidQuotas,
    },
    #[error("no page is built in {}: there is no index.html", .0.display())]
    NoPage(PathBuf),
    #[error("{0}. The stack ends, because it would lose what it is told")]
    Write(String),
    #[error("cannot listen to signals")]
    Signals(#[source] std::io::Error),
    #[error("cannot write {}", path.display())]
    AmplifyOutputs {
        path: PathBuf,
        source: std::io::Error,
    },
}

pub async fn run(args: DevArgs, lookup: &impl Fn(&str) -> Option<String>) -> Exit {
    match serve(args, lookup).await {
        Ok(()) => Exit::Success,
        Err(error) => {
            complain(&error);
            match error {
                DevError::Model(_)
                | DevError::NoPage(_)
                | DevError::ReadFaults { .. }
                | DevError::Faults { .. }
                | DevError::ReadQuotas { .. }
                | DevError::Quotas { .. }
                | DevError::Stack(
                    StackError::Template(_)
                    | StackError::Missing(_)
                    | StackError::Assistants { .. }
                    | StackError::NoModel(_),
                ) => Exit::Usage,
                _ => Exit::Stack,
            }
        }
    }
}

async fn serve(args: DevArgs, lookup: &impl Fn(&str) -> Option<String>) -> Result<(), DevError> {
    let mut signals = Signals::listen().map_err(DevError::Signals)?;
    let options = options(&args, lookup)?;
    let stack = tokio::select! {
        stack = RunningStack::start(options) => stack?,
        _ = signals.next() => return Ok(()),
    };
    // Functions start now, so that the first prompt doesn't wait for a process.
    stack.warm().await;
    let mut ended = announce(&args, &stack);
    // `redrive --local` finds the key for as long as the stack runs.
    let published = PublishedKey::publish(&stack.info, lookup);
    if ended.is_ok() {
        tokio::select! {
            _ = signals.next() => {}
            failure = stack.local.write_failures().first() => ended = Err(DevError::Write(failure)),
        }
        if !args.json {
            say!("shutting down …");
        }
    }
    drop(published);
    tokio::select! {
        () = stack.shutdown() => {}
        // A second Ctrl-C ends the wait.
        _ = signals.next() => {}
    }
    ended
}

fn options(
    args: &DevArgs,
    lookup: &impl Fn(&str) -> Option<String>,
) -> Result<StackOptions, DevError> {
    let functions = match &args.functions_dir {
        Some(directory) => {
            let packaged = Functions::packaged_under_own(directory.clone())?;
            // Missing programs are reported before anything starts. A stack from another template may do without the
            // other functions.
            let needed: &[&'static str] = match args.template {
                Some(_) => &[REQUEST_FUNCTION, WORKER_FUNCTION],
                None => &[
                    REQUEST_FUNCTION,
                    WORKER_FUNCTION,
                    FUNCTION_URL_FUNCTION,
                    WEBSOCKET_FUNCTION,
                    AUTHORIZER_FUNCTION,
                ],
            };
            for &function in needed {
                packaged.command(function)?;
            }
            packaged
        }
        None => Functions::own()?,
    };
    let faults = args.faults.as_deref().map(read_faults).transpose()?;
    let template = args.template.as_deref().map(Template::open).transpose();
    if let Ok(Some(template)) = &template {
        for skipped in template.skipped() {
            say!("skipped: {skipped}");
        }
    }
    let options = StackOptions {
        port: args.port,
        model: args.model.clone().config(args.reasoning_tags, lookup)?,
        functions,
        template: template.map_err(StackError::from)?,
        state_dir: args.state_dir.clone(),
        quotas: args.quotas.as_deref().map(read_quotas).transpose()?,
        groups: args.group.clone(),
        faults: faults.unwrap_or_default(),
        control: args.control,
        realtime: RealtimeLimits {
            graphql_transport_ws: args.graphql_transport_ws,
            ..RealtimeLimits::default()
        },
        access: AccessConfig {
            allow_hosts: args.allow_host.clone(),
            allow_origins: args.allow_origin.clone(),
        },
        assistants: args.assistants.clone(),
        web_dir: args.web_dir.as_deref().map(built_page).transpose()?,
        ..StackOptions::default()
    };
    Ok(options.with_first_token_timeout(args.first_token_timeout))
}

fn built_page(directory: &Path) -> Result<PathBuf, DevError> {
    if directory.join("index.html").is_file() {
        Ok(directory.to_owned())
    } else {
        Err(DevError::NoPage(directory.to_owned()))
    }
}

fn read_faults(path: &Path) -> Result<FaultPlan, DevError> {
    let text = std::fs::read_to_string(path).map_err(|source| DevError::ReadFaults {
        path: path.to_owned(),
        source,
    })?;
    FaultPlan::from_json(&text).map_err(|source| DevError::Faults {
        path: path.to_owned(),
        source,
    })
}

/// Reads quotas, checks them, and returns them as they are.
fn read_quotas(path: &Path) -> Result<String, DevError> {
    let text = std::fs::read_to_string(path).map_err(|source| DevError::ReadQuotas {
        path: path.to_owned(),
        source,
    })?;
    let checked: Result<Quotas, _> = text.parse();
    checked.map(|_| text).map_err(|source| DevError::Quotas {
        path: path.to_owned(),
        source,
    })
}

fn announce(args: &DevArgs, stack: &RunningStack) -> Result<(), DevError> {
    let path = outputs_path(args, &stack.info);
    let outputs = amplify::outputs(
        &stack.info.endpoints,
        &stack.info.user_pool.pool_id,
        &stack.info.user_pool.client_id,
        stack.info.function_url.as_deref(),
        stack.info.websocket_url.as_deref(),
    );
    write(args, &path, &format!("{outputs:#}\n")).map_err(|source| DevError::AmplifyOutputs {
        path: path.clone(),
        source,
    })?;
    let ready = Ready {
        stack: &stack.info,
        amplify_outputs: &path,
        control: args.control,
        fault_rules: stack.local.faults().report().len(),
    };
    let text = if args.json {
        ready.json().to_string()
    } else {
        ready.text()
    };
    // A closed stdout is no error: nobody waits for the stack's addresses.
    let _ = std::io::Write::write_all(&mut crate::stdio::Stdout, format!("{text}\n").as_bytes());
    Ok(())
}

/// The path of `amplify_outputs.json`. The default is never the working directory, which may have such a file of a
/// deployed back end. The stack's own directory is closed to other users, and is removed with the stack unless it is to
/// be kept.
fn outputs_path(args: &DevArgs, stack: &StackInfo) -> PathBuf {
    args.amplify_outputs
        .clone()
        .unwrap_or_else(|| stack.ca_file.with_file_name("amplify_outputs.json"))
}

fn write(args: &DevArgs, path: &Path, text: &str) -> std::io::Result<()> {
    if args.amplify_outputs.is_none() {
        return private_files::write(path, text.as_bytes());
    }
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::write(path, text)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    #[track_caller]
    fn check(flags: &[&str], is_spoken: bool) {
        let words = ["tokencast", "dev"].iter().chain(flags);
        let Command::Dev(args) = Cli::parse_from(words).command else {
            panic!("it is `dev`")
        };
        let options = options(&args, &|_: &str| None).expect("options");
        assert_eq!(options.realtime.graphql_transport_ws, is_spoken);
    }

    #[test]
    fn graphql_transport_ws_is_spoken_where_it_is_asked_for() {
        check(&[], false);
        check(&["--graphql-transport-ws"], true);
    }
}
