//! Where the answer comes from: a deployed API, or a local stack that the command starts.

mod outputs;
pub mod proxy;

use std::path::PathBuf;

use thiserror::Error;
use tokencast_client::cognito::UserPool;
use tokencast_client::{Client, Credentials};

use self::outputs::OutputsError;
use crate::cli::{ApiArgs, AskArgs, Channel};
use crate::model::ModelSpecError;
use crate::stack::{Functions, StackError, StackOptions};

pub enum Target {
    Remote {
        client: Client,
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
        "--resume needs {}: a local stack that `ask` starts for itself has no earlier session",
        url_option(*via)
    )]
    NothingToResume { via: Channel },
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
    pub fn new(
        args: &AskArgs,
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
            if args.resume.is_some() {
                return Err(TargetError::NothingToResume { via });
            }
            let model = args.model.clone().unwrap_or_default();
            let model = model.config(args.reasoning_tags, lookup)?;
            let options = StackOptions {
                model,
                functions: Functions::own()?,
                ..StackOptions::default()
            };
            let options = options.with_first_token_timeout(args.first_token_timeout);
            return Ok(Self::Local(Box::new(options)));
        };
        for (option, given) in [
            ("--model", args.model.is_some()),
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
        let mut builder = Client::builder(endpoint).credentials(credentials(&api)?);
        if let Some(path) = &api.ca_file {
            let pem = std::fs::read(path).map_err(|source| TargetError::CaFile {
                path: path.clone(),
                source,
            })?;
            builder = builder.extra_ca_pem(pem);
        }
        let client = builder.build()?;
        Ok(Self::Remote { client, socket })
    }
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
            set(api.token.as_ref()).is_some(),
        ),
        ("--username", api.username.is_some()),
        ("--user-pool-client-id", api.user_pool_client_id.is_some()),
        ("--user-pool-id", api.user_pool_id.is_some()),
        ("--region", api.region.is_some()),
        ("--cognito-endpoint", api.cognito_endpoint.is_some()),
        ("--ca-file", api.ca_file.is_some()),
    ]
    .into_iter()
    .find_map(|(option, given)| given.then_some(option))
}

fn credentials(api: &ApiArgs) -> Result<Credentials, TargetError> {
    let username = match (set(api.token.as_ref()), set(api.username.as_ref())) {
        (Some(_), Some(_)) => return Err(TargetError::TwoCredentials),
        (Some(token), None) => return Ok(Credentials::token(token)),
        (None, None) => return Err(TargetError::NoCredentials),
        (None, Some(username)) => username,
    };
    let missing = |missing| TargetError::IncompleteUser { missing };
    let password =
        set(api.password.as_ref()).ok_or_else(|| missing("--password (TOKENCAST_PASSWORD)"))?;
    let client_id =
        set(api.user_pool_client_id.as_ref()).ok_or_else(|| missing("--user-pool-client-id"))?;
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
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    /// Returns the error of `tokencast ask ARGS`, or the kind of its target.
    fn check(args: &str, expected: &str) {
        let words = ["tokencast", "ask"]
            .into_iter()
            .chain(args.split_whitespace());
        let Command::Ask(args) = Cli::parse_from(words).command else {
            panic!("it is `ask`")
        };
        let got = match Target::new(&args, &|_| None) {
            Ok(Target::Local(_)) => "local".to_owned(),
            Ok(Target::Remote { .. }) => "remote".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(got.contains(expected), "{got}");
    }

    #[test]
    fn what_is_missing_is_named() {
        const API: &str = "hello --api-url http://localhost:1/graphql";
        check("hello", "local");
        check("hello --model bedrock:m", "AWS_ACCESS_KEY_ID");
        check(
            "hello --token t",
            "--token (TOKENCAST_TOKEN) is for a deployed API",
        );
        check("hello --username alice", "no --api-url (TOKENCAST_API_URL)");
        check(
            "--resume 3f1c3b5e-7a39-4b8e-9f0a-0d8a1f6f6b11",
            "--resume needs --api-url",
        );
        check("hello --via url", "local");
        check("hello --via websocket", "local");
        check(
            "hello --via url --token t",
            "--token (TOKENCAST_TOKEN) is for a deployed API, but there is no --function-url",
        );
        check(
            "hello --via websocket --api-url http://localhost:1/graphql --token t",
            "--api-url (TOKENCAST_API_URL) is for a deployed API, but there is no --websocket-url",
        );
        check(
            "hello --function-url http://localhost:1/ --token t",
            "--function-url is for --via url",
        );
        check(
            "hello --via url --websocket-url ws://localhost:1/ --token t",
            "--websocket-url is for --via websocket",
        );
        check(
            "hello --via url --function-url http://localhost:1/",
            "needs credentials",
        );
        check(
            "hello --via url --function-url http://localhost:1/ --token t",
            "remote",
        );
        check(
            "hello --via websocket --websocket-url http://localhost:1/ --token t",
            "expected a ws or wss URL",
        );
        check(
            "hello --via websocket --websocket-url ws://localhost:1/dev --token t",
            "remote",
        );
        check(API, "needs credentials");
        check(&format!("{API} --token t"), "remote");
        check(
            &format!("{API} --token t --model scripted"),
            "--model is for the local stack",
        );
        check(
            &format!("{API} --token t --first-token-timeout 9"),
            "--first-token-timeout is for the local stack",
        );
        check(
            &format!("{API} --token t --username u"),
            "exclude each other",
        );
        check(
            &format!("{API} --username u"),
            "--password (TOKENCAST_PASSWORD)",
        );
        check(
            &format!("{API} --username u --password p"),
            "--user-pool-client-id",
        );
        check(
            &format!("{API} --username u --password p --user-pool-client-id c"),
            "--region or --user-pool-id",
        );
        check(
            &format!("{API} --username u --password p --user-pool-client-id c --region eu-west-1"),
            "remote",
        );
        check(
            &format!("{API} --token t --ca-file nowhere.pem"),
            "cannot read --ca-file nowhere.pem",
        );
        check(
            "hello --token t --stack A --outputs-file nowhere.json",
            "cannot read the stacks' outputs in nowhere.json",
        );
        check(
            "hello --token t --api-url localhost",
            "`api_url` is `localhost`, expected an http or https URL",
        );
    }

    #[test]
    fn a_stacks_outputs_say_where_its_api_and_pool_are() {
        let path = std::env::temp_dir().join(format!("outputs-{}.json", uuid::Uuid::new_v4()));
        let text = r#"{"A": {"GraphqlUrl": "https://a.example/graphql", "UserPoolId": "eu-west-1_A",
            "UserPoolClientId": "client", "WebSocketUrl": "wss://b.example/dev"}, "B": {"DashboardName": "b"}}"#;
        std::fs::write(&path, text).expect("written");
        let file = format!("--outputs-file {}", path.display());
        check(&format!("hello --stack A {file} --token t"), "remote");
        check(
            &format!("hello --stack A {file} --username u --password p"),
            "remote",
        );
        check(&format!("hello --stack A {file}"), "needs credentials");
        check(
            &format!("hello --stack B {file} --token t"),
            "`B` has no output `GraphqlUrl`",
        );
        check(
            &format!("hello --stack C {file} --token t"),
            "only `A`, `B`",
        );
        check(
            &format!("hello --via websocket --stack A {file} --token t"),
            "remote",
        );
        check(
            &format!("hello --via url --stack A {file} --token t"),
            "`A` has no output `StreamUrl`",
        );
        std::fs::remove_file(&path).expect("removed");
    }

    #[test]
    fn amplifys_file_says_it_as_well() {
        let path = std::env::temp_dir().join(format!("amplify-{}.json", uuid::Uuid::new_v4()));
        let text = r#"{"version": "1.4", "data": {"url": "http://localhost:1/graphql"},
            "auth": {"aws_region": "us-east-1", "user_pool_id": "us-east-1_A", "user_pool_client_id": "client"},
            "custom": {"streamUrl": "http://localhost:1/", "tokencast": {"user_pool_endpoint": "http://localhost:1/"}}}"#;
        std::fs::write(&path, text).expect("written");
        let file = format!("--amplify-outputs {}", path.display());
        check(&format!("hello {file} --token t"), "remote");
        check(
            &format!("hello --via url {file} --username u --password p"),
            "remote",
        );
        check(
            &format!("hello --via websocket {file} --token t"),
            "has no `custom.webSocketUrl`",
        );
        std::fs::write(&path, "[]").expect("written");
        check(
            &format!("hello {file} --token t"),
            "is not what Amplify writes",
        );
        std::fs::remove_file(&path).expect("removed");
        check(
            &format!("hello {file} --token t"),
            "cannot read the API's outputs in",
        );
    }
}
