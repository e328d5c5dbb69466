//! Where the answer comes from: a deployed API, or a local stack that the command starts.

pub(crate) mod outputs;
pub mod proxy;

use std::path::PathBuf;

use thiserror::Error;
use tokencast_client::cognito::UserPool;
use tokencast_client::{Client, Credentials};

use self::outputs::OutputsError;
use crate::cli::{ApiArgs, Channel, TargetArgs};
use crate::model::ModelSpecError;
use crate::stack::{Functions, StackError, StackOptions};

/// What a subcommand needs of its target.
#[derive(Debug, Default)]
pub struct Needs {
    /// This option names something that a stack of the command's own can't have.
    pub api_for: Option<&'static str>,
    /// Conversations, which are to be had over GraphQL alone.
    pub conversations: bool,
}

pub enum Target {
    Remote {
        client: Client,
        /// For conversations. Of a channel other than AppSync it is another client.
        graphql: Client,
        /// The URL from which the WebSocket's URL is made, if the channel has a WebSocket.
        socket: Option<String>,
    },
    Local(Box<StackOptions>),
}

#[derive(Debug, Error)]
pub enum TargetError {
    #[error("{option} is for a deployed API, but there is no {}", url_option(*via))]
    NoUrl { option: &'static str, via: Channel },
    #[error("{option} is for --via {via}")]
    OtherChannel {
        option: &'static str,
        via: &'static str,
    },
    #[error(
        "an API needs credentials: --token (TOKENCAST_TOKEN), or --username with --password and --user-pool-client-id"
    )]
    NoCredentials,
    #[error("--token and --username exclude each other")]
    TwoCredentials,
    #[error("--username needs {missing} as well")]
    IncompleteUser { missing: &'static str },
    #[error("{0} is for the local stack, and another API is named")]
    LocalOnly(&'static str),
    #[error(
        "{what} needs an API: {}, --stack or --amplify-outputs (`tokencast dev` names its file); a local stack that the command starts for itself has nothing from before",
        needed_option(*via)
    )]
    NothingYet { what: &'static str, via: Channel },
    #[error(
        "conversations are read over GraphQL, so that --via {via} needs --api-url (TOKENCAST_API_URL) as well, or --stack or --amplify-outputs"
    )]
    NoGraphql { via: &'static str },
    #[error("cannot read --ca-file {}", path.display())]
    CaFile {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(transparent)]
    Outputs(#[from] OutputsError),
    #[error(transparent)]
    Client(#[from] tokencast_client::Error),
    #[error(transparent)]
    Model(#[from] ModelSpecError),
    #[error(transparent)]
    Stack(#[from] StackError),
}

impl Target {
    /// Finds out from the command line and the environment which API to ask.
    ///
    /// # Errors
    ///
    /// Something is missing or malformed, or doesn't go together.
    pub fn new(
        args: &TargetArgs,
        needs: &Needs,
        lookup: &impl Fn(&str) -> Option<String>,
    ) -> Result<Self, TargetError> {
        let via = args.via;
        for (option, url, of) in [
            ("--function-url", &args.api.function_url, Channel::Url),
            (
                "--websocket-url",
                &args.api.websocket_url,
                Channel::Websocket,
            ),
        ] {
            if url.is_some() && via != of {
                let via = of.name();
                return Err(TargetError::OtherChannel { option, via });
            }
        }
        let api = outputs::complete(args.api.clone(), via)?;
        let Some(endpoint) = endpoint(&api, via) else {
            if let Some(option) = stray(&api, via) {
                return Err(TargetError::NoUrl { option, via });
            }
            if let Some(what) = needs.api_for {
                return Err(TargetError::NothingYet { what, via });
            }
            let model = args.model.clone().unwrap_or_default();
            let model = model.config(args.reasoning_tags, lookup)?;
            let options = StackOptions {
                model,
                functions: Functions::own()?,
                assistants: args.assistants.clone(),
                ..StackOptions::default()
            };
            let options = options.with_first_token_timeout(args.first_token_timeout);
            return Ok(Self::Local(Box::new(options)));
        };
        for (option, given) in [
            ("--model", args.model.is_some()),
            ("--assistants", args.assistants.is_some()),
            ("--reasoning-tags", args.reasoning_tags.is_some()),
            ("--first-token-timeout", args.first_token_timeout.is_some()),
        ] {
            if given {
                return Err(TargetError::LocalOnly(option));
            }
        }
        let socket = match &endpoint {
            tokencast_client::Channel::AppSync(url) | tokencast_client::Channel::WebSocket(url) => {
                Some(url.clone())
            }
            tokencast_client::Channel::FunctionUrl(_) => None,
        };
        let client = client(endpoint, &api)?;
        let graphql = match via {
            Channel::Appsync => client.clone(),
            _ if needs.conversations => graphql(&args.api, via)?,
            _ => client.clone(),
        };
        Ok(Self::Remote {
            client,
            graphql,
            socket,
        })
    }
}

fn client(endpoint: tokencast_client::Channel, api: &ApiArgs) -> Result<Client, TargetError> {
    let mut builder = Client::builder(endpoint).credentials(credentials(api)?);
    if let Some(path) = &api.sign_in.ca_file {
        let pem = std::fs::read(path).map_err(|source| TargetError::CaFile {
            path: path.clone(),
            source,
        })?;
        builder = builder.extra_ca_pem(pem);
    }
    Ok(builder.build()?)
}

/// A client over AppSync, where answers come over another channel.
fn graphql(api: &ApiArgs, via: Channel) -> Result<Client, TargetError> {
    let api = outputs::complete(api.clone(), Channel::Appsync)?;
    let endpoint = endpoint(&api, Channel::Appsync);
    let via = via.name();
    client(endpoint.ok_or(TargetError::NoGraphql { via })?, &api)
}

/// Returns the channel's URL.
fn endpoint(api: &ApiArgs, via: Channel) -> Option<tokencast_client::Channel> {
    match via {
        Channel::Appsync => set(api.api_url.as_ref()).map(tokencast_client::Channel::from),
        Channel::Url => set(api.function_url.as_ref())
            .map(|url| tokencast_client::Channel::FunctionUrl(url.into())),
        Channel::Websocket => set(api.websocket_url.as_ref())
            .map(|url| tokencast_client::Channel::WebSocket(url.into())),
    }
}

fn url_option(via: Channel) -> &'static str {
    match via {
        Channel::Appsync => "--api-url (TOKENCAST_API_URL)",
        Channel::Url => "--function-url, nor --stack or --amplify-outputs that has one",
        Channel::Websocket => "--websocket-url, nor --stack or --amplify-outputs that has one",
    }
}

fn needed_option(via: Channel) -> &'static str {
    match via {
        Channel::Appsync => "--api-url (TOKENCAST_API_URL)",
        Channel::Url => "--function-url",
        Channel::Websocket => "--websocket-url",
    }
}

/// An empty variable counts as unset.
fn set(value: Option<&String>) -> Option<&str> {
    value
        .map(String::as_str)
        .filter(|value| !value.trim().is_empty())
}

/// Finds an option that means nothing without an API. A password alone is no such option: it may be in the environment
/// for later.
fn stray(api: &ApiArgs, via: Channel) -> Option<&'static str> {
    [
        (
            "--api-url (TOKENCAST_API_URL)",
            via != Channel::Appsync && set(api.api_url.as_ref()).is_some(),
        ),
        (
            "--token (TOKENCAST_TOKEN)",
            set(api.sign_in.token.as_ref()).is_some(),
        ),
        ("--username", api.sign_in.username.is_some()),
        (
            "--user-pool-client-id",
            api.sign_in.user_pool_client_id.is_some(),
        ),
        ("--user-pool-id", api.user_pool_id.is_some()),
        ("--region", api.region.is_some()),
        ("--cognito-endpoint", api.cognito_endpoint.is_some()),
        ("--ca-file", api.sign_in.ca_file.is_some()),
    ]
    .into_iter()
    .find_map(|(option, given)| given.then_some(option))
}

fn credentials(api: &ApiArgs) -> Result<Credentials, TargetError> {
    let username = match (
        set(api.sign_in.token.as_ref()),
        set(api.sign_in.username.as_ref()),
    ) {
        (Some(_), Some(_)) => return Err(TargetError::TwoCredentials),
        (Some(token), None) => return Ok(Credentials::token(token)),
        (None, None) => return Err(TargetError::NoCredentials),
        (None, Some(username)) => username,
    };
    let missing = |missing| TargetError::IncompleteUser { missing };
    let password = set(api.sign_in.password.as_ref())
        .ok_or_else(|| missing("--password (TOKENCAST_PASSWORD)"))?;
    let client_id = set(api.sign_in.user_pool_client_id.as_ref())
        .ok_or_else(|| missing("--user-pool-client-id"))?;
    let pool_id = set(api.user_pool_id.as_ref()).map(str::to_owned);
    let region = set(api.region.as_ref()).or_else(|| {
        pool_id
            .as_deref()?
            .split_once('_')
            .map(|(region, _)| region)
    });
    let pool = match (set(api.cognito_endpoint.as_ref()), region) {
        (Some(endpoint), _) => UserPool {
            endpoint: endpoint.into(),
            client_id: client_id.into(),
            pool_id,
        },
        (None, Some(region)) => UserPool::aws(region, client_id, pool_id.clone()),
        (None, None) => return Err(missing("--region or --user-pool-id")),
    };
    Ok(Credentials::user(pool, username, password))
}

#[cfg(test)]
mod tests;
