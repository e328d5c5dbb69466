//! Which deployment is probed, and what is known of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use thiserror::Error;
use tokencast_client::cognito::UserPool;

use super::examine::SameUser;
use super::selection::UnknownProbe;
use super::wire::{Wire, WireError, chain};
use crate::cli::DoctorArgs;
use crate::stack::{CONVERSATIONS_TABLE, DEAD_LETTER_QUEUE, QUEUE, TABLE};
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
    /// Where it was read from, for errors.
    pub from: String,
    /// Authorities to trust besides the public ones.
    pub ca_pem: Option<Vec<u8>>,
}

#[derive(Debug, Error)]
pub enum DeploymentError {
    #[error(transparent)]
    Outputs(#[from] OutputsError),
    #[error("{0} has no `{1}`")]
    Missing(String, &'static str),
    #[error("`{name}` of {from} is `{got}`, expected {expected}")]
    Malformed {
        from: String,
        name: &'static str,
        got: String,
        expected: &'static str,
    },
    #[error(
        "{0} has no user pool to sign in to, expected `{1}`: --token (TOKENCAST_TOKEN) needs none, nor does --second-token"
    )]
    NoPool(String, &'static str),
    #[error("{0} and {1} exclude each other")]
    TwoLogins(&'static str, &'static str),
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
    #[error(transparent)]
    SameUser(#[from] SameUser),
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
        let client_id = args.sign_in.user_pool_client_id.as_deref();
        let mut found = if let Some(port) = args.local {
            Self::local(port, client_id).await?
        } else if let Some(stack) = &args.outputs.stack {
            let values = outputs::stack_values(&args.outputs.outputs_file, stack)?;
            Self::of_stack(stack, values, client_id)?
        } else {
            let path = args.outputs.amplify_outputs.clone().unwrap_or_default();
            let outputs = outputs::amplify_values(&path)?;
            Self::of_amplify(&outputs, &path.display().to_string(), client_id)?
        };
        found.ca_pem = ca_pem;
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
        client_id: Option<&str>,
    ) -> Result<Self, DeploymentError> {
        let value = |name: &str| values.get(name).cloned();
        let from = format!("the stack `{stack}`");
        let missing = |name| DeploymentError::Missing(from.clone(), name);
        let url = |name, kind| checked(&from, name, value(name), kind);
        let graphql_url = url("GraphqlUrl", HTTP)?.ok_or_else(|| missing("GraphqlUrl"))?;
        let pool_id = checked(&from, "UserPoolId", value("UserPoolId"), POOL)?;
        let region = value("Region").or_else(|| region_of(pool_id.as_deref()));
        let client_id = client_id.map(str::to_owned);
        let pool = pool_id.zip(client_id.or_else(|| value("UserPoolClientId")));
        Ok(Self {
            kind: "a stack",
            stack: Some(stack.to_owned()),
            region: region.ok_or_else(|| missing("Region"))?,
            graphql_url,
            function_url: url("StreamUrl", HTTP)?,
            websocket_url: url("WebSocketUrl", WEBSOCKET)?,
            pool: pool.map(|(pool_id, client_id)| {
                // A pool may be in another Region than the API; its id begins with it.
                let region = region_of(Some(&pool_id)).unwrap_or_default();
                UserPool::aws(&region, client_id, Some(pool_id))
            }),
            resources: values,
            from,
            ..Self::default()
        })
    }

    /// What Amplify, or `tokencast dev`, wrote of an API. `from` names it in errors.
    ///
    /// # Errors
    ///
    /// It has no API.
    pub fn of_amplify(
        outputs: &Value,
        from: &str,
        client_id: Option<&str>,
    ) -> Result<Self, DeploymentError> {
        // `name` has the dots of a path.
        let value = |name: &'static str, kind: Kind| {
            let found = outputs.pointer(&format!("/{}", name.replace('.', "/")));
            let text = match found {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) => Some(text.clone()),
                Some(other) => {
                    return Err(DeploymentError::Malformed {
                        from: from.to_owned(),
                        name,
                        got: other.to_string(),
                        expected: kind,
                    });
                }
            };
            checked(from, name, text, kind)
        };
        let missing = |name| DeploymentError::Missing(from.to_owned(), name);
        // `data` may be another API, Amplify's own.
        let own = value("custom.tokencast.graphql_url", HTTP)?;
        let graphql_url = match own {
            Some(url) => url,
            None => value("data.url", HTTP)?.ok_or_else(|| missing("data.url"))?,
        };
        let region = value("data.aws_region", ANY)?.ok_or_else(|| missing("data.aws_region"))?;
        let pool_id = value("auth.user_pool_id", POOL)?;
        let client_id = match client_id {
            Some(given) => Some(given.to_owned()),
            None => value("auth.user_pool_client_id", ANY)?,
        };
        let ids = pool_id.zip(client_id);
        let endpoint = value("custom.tokencast.user_pool_endpoint", HTTP)?;
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
            function_url: value("custom.streamUrl", HTTP)?,
            websocket_url: value("custom.webSocketUrl", WEBSOCKET)?,
            pool,
            from: from.to_owned(),
            ..Self::default()
        })
    }

    /// The local stack on a port.
    ///
    /// # Errors
    ///
    /// None answers there.
    pub async fn local(port: u16, client_id: Option<&str>) -> Result<Self, DeploymentError> {
        let url = format!("http://localhost:{port}");
        let none = |error: reqwest::Error| DeploymentError::NoLocalStack {
            port,
            why: chain(&error),
        };
        let wire = Wire::new(None, true)?;
        let outputs = wire.http.get(format!("{url}/amplify_outputs.json"));
        let outputs = outputs.send().await.map_err(none)?.error_for_status();
        let outputs: Value = outputs.map_err(none)?.json().await.map_err(none)?;
        let found = Self::of_amplify(&outputs, &url, client_id)?;
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

/// What a value of the outputs has to be: how errors name it.
type Kind = &'static str;

const ANY: Kind = "a text";
const HTTP: Kind = "a URL that begins with https:// or http://";
const WEBSOCKET: Kind = "a URL that begins with wss:// or ws://";
const POOL: Kind = "a user pool's id, such as us-east-1_AbCdEfGhI";

/// A value of the outputs, if it is what it has to be.
fn checked(
    from: &str,
    name: &'static str,
    value: Option<String>,
    kind: Kind,
) -> Result<Option<String>, DeploymentError> {
    let Some(text) = value else { return Ok(None) };
    let is_url = |schemes: [&str; 2]| {
        let url = reqwest::Url::parse(&text);
        url.is_ok_and(|url| schemes.contains(&url.scheme()) && url.has_host())
    };
    let is_good = match kind {
        HTTP => is_url(["https", "http"]),
        WEBSOCKET => is_url(["wss", "ws"]),
        POOL => text.split_once('_').is_some_and(|(region, name)| {
            region.contains('-') && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        }),
        _ => !text.trim().is_empty(),
    };
    if is_good {
        return Ok(Some(text));
    }
    Err(DeploymentError::Malformed {
        from: from.to_owned(),
        name,
        got: text,
        expected: kind,
    })
}

/// The Region that a user pool's id begins with.
fn region_of(pool_id: Option<&str>) -> Option<String> {
    let (region, _) = pool_id?.split_once('_')?;
    Some(region.to_owned())
}
