//! Which deployment is probed, and what is known of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use thiserror::Error;
use tokencast_client::cognito::UserPool;

use super::selection::UnknownProbe;
use super::wire::{Wire, WireError, chain};
use crate::cli::DoctorArgs;
use crate::stack::{CONVERSATIONS_TABLE, DEAD_LETTER_QUEUE, QUEUE, TABLE, users};
use crate::target::outputs::{self, OutputsError};

/// Where a deployment answers, and what its resources are called.
#[derive(Clone, Debug, Default)]
pub struct Deployment {
    /// How it was named: `a stack`, `an Amplify back end`, `the local stack`.
    pub kind: &'static str,
    /// The stack with the API, if its name is known.
    pub stack: Option<String>,
    pub region: String,
    pub graphql_url: String,
    pub function_url: Option<String>,
    pub websocket_url: Option<String>,
    pub pool: Option<UserPool>,
    /// The other outputs by name: `QueueUrl`, `SessionsTableName` …
    pub resources: BTreeMap<String, String>,
    /// The URL of the local stack, if it is one.
    pub local: Option<String>,
    /// Authorities to trust besides the public ones.
    pub ca_pem: Option<Vec<u8>>,
}

/// How a user signs in.
#[derive(Clone)]
pub enum Login {
    Token(String),
    Password { username: String, password: String },
}

#[derive(Debug, Error)]
pub enum DeploymentError {
    #[error(transparent)]
    Outputs(#[from] OutputsError),
    #[error("{0} has no `{1}`")]
    Missing(String, &'static str),
    #[error("cannot read --ca-file {}", path.display())]
    CaFile {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("no stack answers on port {port} ({why}): `tokencast dev` starts one")]
    NoLocalStack { port: u16, why: String },
    #[error(
        "a user is needed: --username with --password (TOKENCAST_PASSWORD), or --token (TOKENCAST_TOKEN)"
    )]
    NoUser,
    #[error("{0} needs {1} as well")]
    Incomplete(&'static str, &'static str),
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Only(#[from] UnknownProbe),
}

impl Deployment {
    /// Finds the deployment that the arguments name.
    ///
    /// # Errors
    ///
    /// Its outputs can't be read, or have no API; or no local stack answers.
    pub async fn find(args: &DoctorArgs) -> Result<Self, DeploymentError> {
        let ca_pem = args.sign_in.ca_file.as_ref().map(|path| {
            std::fs::read(path).map_err(|source| DeploymentError::CaFile {
                path: path.clone(),
                source,
            })
        });
        let ca_pem = ca_pem.transpose()?;
        let mut found = if let Some(port) = args.local {
            Self::local(port).await?
        } else if let Some(stack) = &args.outputs.stack {
            let values = outputs::stack_values(&args.outputs.outputs_file, stack)?;
            Self::of_stack(stack, values)?
        } else {
            let path = args.outputs.amplify_outputs.clone().unwrap_or_default();
            Self::of_amplify(
                &outputs::amplify_values(&path)?,
                &path.display().to_string(),
            )?
        };
        found.ca_pem = ca_pem;
        if let (Some(client_id), Some(pool)) = (&args.sign_in.user_pool_client_id, &mut found.pool)
        {
            client_id.clone_into(&mut pool.client_id);
        }
        Ok(found)
    }

    /// What `cdk deploy --outputs-file` wrote of a stack.
    ///
    /// # Errors
    ///
    /// The stack has no API.
    pub fn of_stack(
        stack: &str,
        values: BTreeMap<String, String>,
    ) -> Result<Self, DeploymentError> {
        let value = |name: &str| values.get(name).cloned();
        let missing = |name| DeploymentError::Missing(format!("the stack `{stack}`"), name);
        let graphql_url = value("GraphqlUrl").ok_or_else(|| missing("GraphqlUrl"))?;
        let pool_id = value("UserPoolId");
        let region = value("Region").or_else(|| region_of(pool_id.as_deref()));
        let pool = pool_id.zip(value("UserPoolClientId"));
        Ok(Self {
            kind: "a stack",
            stack: Some(stack.to_owned()),
            region: region.ok_or_else(|| missing("Region"))?,
            graphql_url,
            function_url: value("StreamUrl"),
            websocket_url: value("WebSocketUrl"),
            pool: pool.map(|(pool_id, client_id)| {
                // A pool may be in another Region than the API; its id begins with it.
                let region = region_of(Some(&pool_id)).unwrap_or_default();
                UserPool::aws(&region, client_id, Some(pool_id))
            }),
            resources: values,
            ..Self::default()
        })
    }

    /// What Amplify, or `tokencast dev`, wrote of an API. `from` names it in errors.
    ///
    /// # Errors
    ///
    /// It has no API.
    pub fn of_amplify(outputs: &Value, from: &str) -> Result<Self, DeploymentError> {
        let value = |pointer: &str| outputs.pointer(pointer)?.as_str().map(str::to_owned);
        let missing = |name| DeploymentError::Missing(from.to_owned(), name);
        // `data` may be another API, Amplify's own.
        let own = value("/custom/tokencast/graphql_url");
        let graphql_url = own.or_else(|| value("/data/url"));
        let graphql_url = graphql_url.ok_or_else(|| missing("data.url"))?;
        let region = value("/data/aws_region").ok_or_else(|| missing("data.aws_region"))?;
        let ids = value("/auth/user_pool_id").zip(value("/auth/user_pool_client_id"));
        let endpoint = value("/custom/tokencast/user_pool_endpoint");
        let pool = ids.map(|(pool_id, client_id)| {
            if let Some(endpoint) = endpoint {
                UserPool {
                    endpoint,
                    client_id,
                    pool_id: Some(pool_id),
                }
            } else {
                let region = region_of(Some(&pool_id)).unwrap_or_default();
                UserPool::aws(&region, client_id, Some(pool_id))
            }
        });
        Ok(Self {
            kind: "an Amplify back end",
            region,
            graphql_url,
            function_url: value("/custom/streamUrl"),
            websocket_url: value("/custom/webSocketUrl"),
            pool,
            ..Self::default()
        })
    }

    /// The local stack on a port.
    ///
    /// # Errors
    ///
    /// None answers there.
    pub async fn local(port: u16) -> Result<Self, DeploymentError> {
        let url = format!("http://localhost:{port}");
        let none = |error: reqwest::Error| DeploymentError::NoLocalStack {
            port,
            why: chain(&error),
        };
        let wire = Wire::new(None, true)?;
        let outputs = wire.http.get(format!("{url}/amplify_outputs.json"));
        let outputs = outputs.send().await.map_err(none)?.error_for_status();
        let outputs: Value = outputs.map_err(none)?.json().await.map_err(none)?;
        let found = Self::of_amplify(&outputs, &url)?;
        let queue = |name: &str| format!("{url}/000000000000/{name}");
        let resources = [
            ("QueueUrl", queue(QUEUE)),
            ("DeadLetterQueueUrl", queue(DEAD_LETTER_QUEUE)),
            ("SessionsTableName", TABLE.to_owned()),
            ("ConversationsTableName", CONVERSATIONS_TABLE.to_owned()),
        ];
        Ok(Self {
            kind: "the local stack",
            resources: resources
                .map(|(name, value)| (name.to_owned(), value))
                .into(),
            local: Some(url),
            ..found
        })
    }

    /// The value of an output.
    pub fn resource(&self, name: &str) -> Option<&str> {
        self.resources.get(name).map(String::as_str)
    }

    /// The channels that it has.
    pub fn channels(&self) -> Vec<&'static str> {
        let url = self.function_url.as_ref().map(|_| "Function URL");
        let websocket = self.websocket_url.as_ref().map(|_| "WebSocket API");
        [Some("AppSync"), url, websocket]
            .into_iter()
            .flatten()
            .collect()
    }

    /// HTTP and WebSockets to it, by connections of their own.
    ///
    /// # Errors
    ///
    /// The authorities to trust can't be read.
    pub fn wire(&self) -> Result<Wire, WireError> {
        let is_local = self.graphql_url.starts_with("http://");
        Wire::new(self.ca_pem.as_deref(), is_local)
    }
}

/// The two users that the arguments name. The local stack has two of its own.
///
/// # Errors
///
/// There is no first user, or a password is missing.
pub fn logins(args: &DoctorArgs) -> Result<(Login, Option<Login>), DeploymentError> {
    let first = login(
        args.sign_in.token.as_ref(),
        args.sign_in.username.as_ref(),
        args.sign_in.password.as_ref(),
        ("--username", "--password (TOKENCAST_PASSWORD)"),
    )?;
    let second = login(
        args.second_token.as_ref(),
        args.second_username.as_ref(),
        args.second_password.as_ref(),
        (
            "--second-username",
            "--second-password (TOKENCAST_SECOND_PASSWORD)",
        ),
    )?;
    let mut of_the_stack = users().into_iter().map(|user| Login::Password {
        username: user.username,
        password: user.password,
    });
    match (first, args.local) {
        (Some(first), _) => Ok((first, second)),
        (None, Some(_)) => {
            let first = of_the_stack.next().ok_or(DeploymentError::NoUser)?;
            Ok((first, second.or_else(|| of_the_stack.next())))
        }
        (None, None) => Err(DeploymentError::NoUser),
    }
}

fn login(
    token: Option<&String>,
    username: Option<&String>,
    password: Option<&String>,
    (name, needs): (&'static str, &'static str),
) -> Result<Option<Login>, DeploymentError> {
    // An empty variable counts as unset.
    let set = |value: Option<&String>| value.filter(|value| !value.trim().is_empty()).cloned();
    match (set(username), set(token)) {
        (Some(username), _) => {
            let password = set(password).ok_or(DeploymentError::Incomplete(name, needs))?;
            Ok(Some(Login::Password { username, password }))
        }
        (None, Some(token)) => Ok(Some(Login::Token(token))),
        (None, None) => Ok(None),
    }
}

/// The Region that a user pool's id begins with.
fn region_of(pool_id: Option<&str>) -> Option<String> {
    let (region, _) = pool_id?.split_once('_')?;
    Some(region.to_owned())
}
