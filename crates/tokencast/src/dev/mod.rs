//! `tokencast dev`: the local stack, until Ctrl-C.

mod ready;

use std::path::{Path, PathBuf};

use thiserror::Error;
use tokencast_local::faults::{FaultPlan, PlanError};

use self::ready::Ready;
use crate::amplify;
use crate::cli::DevArgs;
use crate::exit::{Exit, complain, say};
use crate::model::ModelSpecError;
use crate::signal::Signals;
use crate::stack::{
    Functions, REQUEST_FUNCTION, RunningStack, StackError, StackOptions, WORKER_FUNCTION,
};
use crate::template::Template;

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
    #[error("no page is built in {}: there is no index.html", .0.display())]
    NoPage(PathBuf),
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
                | DevError::Stack(StackError::Template(_)) => Exit::Usage,
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
    // The first prompt shall not wait for a process to start.
    stack.warm().await;
    let announced = announce(&args, &stack);
    if announced.is_ok() {
        signals.next().await;
        if !args.json {
            say!("shutting down …");
        }
    }
    tokio::select! {
        () = stack.shutdown() => {}
        // Asked twice: no more waiting.
        _ = signals.next() => {}
    }
    announced
}

fn options(
    args: &DevArgs,
    lookup: &impl Fn(&str) -> Option<String>,
) -> Result<StackOptions, DevError> {
    let functions = match &args.functions_dir {
        Some(directory) => {
            let packaged = Functions::Packaged(directory.clone());
            // Before anything is started.
            for function in [REQUEST_FUNCTION, WORKER_FUNCTION] {
                packaged.command(function)?;
            }
            packaged
        }
        None => Functions::own()?,
    };
    let faults = args.faults.as_deref().map(read_faults).transpose()?;
    let template = args.template.as_deref().map(Template::open).transpose();
    Ok(StackOptions {
        port: args.port,
        model: args.model.clone().config(lookup)?,
        functions,
        template: template.map_err(StackError::from)?,
        state_dir: args.state_dir.clone(),
        faults: faults.unwrap_or_default(),
        control: args.control,
        web_dir: args.web_dir.as_deref().map(built_page).transpose()?,
        ..StackOptions::default()
    })
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

fn announce(args: &DevArgs, stack: &RunningStack) -> Result<(), DevError> {
    let path = outputs_path(args, stack.info.endpoints.address.port());
    let outputs = amplify::outputs(
        &stack.info.endpoints,
        &stack.info.user_pool.pool_id,
        &stack.info.user_pool.client_id,
        stack.info.stream_url.as_deref(),
        stack.info.websocket_url.as_deref(),
    );
    write(&path, &format!("{outputs:#}\n")).map_err(|source| DevError::AmplifyOutputs {
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
    // A reader who has gone isn't waiting for the stack's addresses.
    let _ = std::io::Write::write_all(&mut crate::stdio::Stdout, format!("{text}\n").as_bytes());
    Ok(())
}

/// Never in the working directory unasked: a file of that name may be there, of a deployed back end.
fn outputs_path(args: &DevArgs, port: u16) -> PathBuf {
    const NAME: &str = "amplify_outputs.json";
    match (&args.amplify_outputs, &args.state_dir) {
        (Some(path), _) => path.clone(),
        (None, Some(directory)) => directory.join(NAME),
        (None, None) => std::env::temp_dir()
            .join(format!("tokencast-{port}"))
            .join(NAME),
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::write(path, text)
}
