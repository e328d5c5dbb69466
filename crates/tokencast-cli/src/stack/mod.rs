//! This project on the local stack: what `cdk/` deploys, from its own template.
//!
//! | module | what |
//! | --- | --- |
//! | `config` | the template, and what [`StackOptions`] change of it |
//! | `local` | what differs on this machine, and the template can't say |
//! | `launch` | starting it, and what is known of it once it runs |

mod config;
mod launch;
mod local;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use local_stack::appsync::realtime::RealtimeLimits;
use local_stack::config::{
    AccessConfig, GuardrailConfig, ModelConfig, ScriptConfig, WebSocketLimits,
};
use local_stack::faults::FaultPlan;
use thiserror::Error;
use tokencast_aws::assistants::InvalidAssistants;

use local_cloudformation::{Template, TemplateError};

use crate::cli::UserGroup;

pub use config::Names;
pub use launch::{AccessKey, RunningStack, StackInfo};
pub use local::{
    AUTHORIZER_FUNCTION, CONNECTIONS_TABLE, CONVERSATIONS_TABLE, DEAD_LETTER_QUEUE,
    FUNCTION_URL_FUNCTION, QUEUE, QUOTAS_TABLE, REGION, REQUEST_FUNCTION, TABLE,
    USER_POOL_CLIENT_ID, USER_POOL_ID, WEBSOCKET_FUNCTION, WEBSOCKET_STAGE, WORKER_FUNCTION,
    template as local_template, users,
};

/// The options in which two stacks may differ.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// The port on loopback; 0 takes any that is free.
    pub port: u16,
    pub model: ModelConfig,
    pub functions: Functions,
    /// The template of the resources; [`local_template`] unless given. The options below override what it says.
    pub template: Option<Template>,
    /// The directory that keeps tables, queues and keys. Without it they live as long as the stack.
    pub state_dir: Option<PathBuf>,
    /// Whether the user pool signs with a key that all such stacks of this process share, so that tests don't make one each.
    pub shares_signing_key: bool,
    /// What users may start and use, as `QUOTAS` has it; without it there are no quotas.
    pub quotas: Option<String>,
    /// The groups that users are in; without it, no user is in any.
    pub groups: Vec<UserGroup>,
    /// Overrides variables of the request function.
    pub request_environment: BTreeMap<String, String>,
    /// Overrides variables of the worker.
    pub worker_environment: BTreeMap<String, String>,
    /// Overrides variables of the function URL's function.
    pub function_url_environment: BTreeMap<String, String>,
    /// Overrides variables of the function of the WebSocket API's routes.
    pub websocket_environment: BTreeMap<String, String>,
    /// The time-out of the worker and of the function URL's function, and the queue's visibility timeout.
    pub worker_timeout: Option<Duration>,
    pub batch_size: Option<NonZeroU32>,
    /// The greatest number of workers at once.
    pub max_concurrency: Option<NonZeroU32>,
    /// Limits of the real-time connections.
    pub realtime: RealtimeLimits,
    /// Limits of the WebSocket API.
    pub websocket: WebSocketLimits,
    /// The faults that are applied once everything has started.
    pub faults: FaultPlan,
    /// Serves the control endpoint below `/_tokencast/`, for tests in other languages.
    pub control: bool,
    /// Hosts and origins that are allowed besides those of this machine.
    pub access: AccessConfig,
    /// A built web page, served beside the services.
    pub web_dir: Option<PathBuf>,
    /// The assistants' file, in the place of the one assistant of the template's settings.
    pub assistants: Option<PathBuf>,
    /// Guardrails, in the place of those to try that each guardrail of the assistants' file gets.
    pub guardrails: Vec<GuardrailConfig>,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            port: 0,
            model: ModelConfig::Scripted(ScriptConfig::default()),
            functions: Functions::Executable {
                program: PathBuf::from("tokencast"),
                args: Vec::new(),
            },
            template: None,
            state_dir: None,
            shares_signing_key: false,
            quotas: None,
            groups: Vec::new(),
            request_environment: BTreeMap::new(),
            worker_environment: BTreeMap::new(),
            function_url_environment: BTreeMap::new(),
            websocket_environment: BTreeMap::new(),
            worker_timeout: None,
            batch_size: None,
            max_concurrency: None,
            realtime: RealtimeLimits::default(),
            websocket: WebSocketLimits::default(),
            faults: FaultPlan::default(),
            control: false,
            access: AccessConfig::default(),
            web_dir: None,
            assistants: None,
            guardrails: Vec::new(),
        }
    }
}

impl StackOptions {
    /// Sets the time for which functions wait for the model's first token.
    #[must_use]
    pub fn with_first_token_timeout(mut self, seconds: Option<u16>) -> Self {
        if let Some(seconds) = seconds {
            let millis = u32::from(seconds) * 1000;
            for environment in [
                &mut self.worker_environment,
                &mut self.function_url_environment,
            ] {
                environment.insert("MODEL_FIRST_TOKEN_TIMEOUT_MS".into(), millis.to_string());
            }
        }
        self
    }
}

/// The programs of the functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Functions {
    /// One program for all functions: it is run with `args`, then `function request`, `function worker` and so on.
    Executable {
        program: PathBuf,
        args: Vec<OsString>,
    },
    /// Packaged functions: `request/bootstrap`, `worker/bootstrap` and so on below a directory, as `cargo xtask
    /// package` leaves them.
    Packaged(PathBuf),
    /// Packaged functions that this executable's `exec-function` starts, so that they end with the stack even when it
    /// is killed.
    PackagedUnder {
        launcher: PathBuf,
        directory: PathBuf,
    },
}

impl Functions {
    /// Uses the running executable for all functions.
    ///
    /// # Errors
    ///
    /// If the system can't name the running executable.
    pub fn own() -> Result<Self, StackError> {
        let program = std::env::current_exe().map_err(StackError::OwnExecutable)?;
        Ok(Self::Executable {
            program,
            args: Vec::new(),
        })
    }

    /// Uses packaged functions that end with the stack.
    ///
    /// # Errors
    ///
    /// If the system can't name the running executable, which starts the functions.
    pub fn packaged_under_own(directory: PathBuf) -> Result<Self, StackError> {
        let launcher = std::env::current_exe().map_err(StackError::OwnExecutable)?;
        Ok(Self::PackagedUnder {
            launcher,
            directory,
        })
    }

    /// Returns the program and arguments of one function.
    ///
    /// # Errors
    ///
    /// If a packaged function isn't there.
    pub fn command(&self, function: &'static str) -> Result<(PathBuf, Vec<OsString>), StackError> {
        match self {
            Self::Executable { program, args } => {
                let own = [OsString::from("function"), function.into()];
                Ok((program.clone(), args.iter().cloned().chain(own).collect()))
            }
            Self::Packaged(directory) => Ok((packaged(directory, function)?, Vec::new())),
            Self::PackagedUnder {
                launcher,
                directory,
            } => {
                let bootstrap = packaged(directory, function)?.into_os_string();
                Ok((launcher.clone(), vec!["exec-function".into(), bootstrap]))
            }
        }
    }
}

fn packaged(directory: &Path, function: &'static str) -> Result<PathBuf, StackError> {
    let bootstrap = directory.join(function).join("bootstrap");
    if !bootstrap.is_file() {
        return Err(StackError::NoBootstrap {
            function,
            path: bootstrap,
        });
    }
    // The program is started from another working directory.
    bootstrap
        .canonicalize()
        .map_err(|_| StackError::NoBootstrap {
            function,
            path: bootstrap,
        })
}

/// Why a stack can't start.
#[derive(Debug, Error)]
pub enum StackError {
    #[error("port {0} is in use; choose another with --port, or 0 for any that is free")]
    PortInUse(u16),
    #[error("there is no {function} function at {}; `cargo xtask package` builds it", path.display())]
    NoBootstrap {
        function: &'static str,
        path: PathBuf,
    },
    #[error("cannot find the executable that is running")]
    OwnExecutable(#[source] std::io::Error),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("there is no {0}")]
    Missing(&'static str),
    #[error("the assistants' file {} is wrong", path.display())]
    Assistants {
        path: PathBuf,
        source: InvalidAssistants,
    },
    #[error("{0} names no model: name one, or give assistants, which have models of their own")]
    NoModel(&'static str),
    #[error("the local stack cannot start")]
    Start(#[source] Box<dyn std::error::Error + Send + Sync>),
}
