//! Who answers: a deployed API, or a local stack of the command's own.

use std::path::PathBuf;

use thiserror::Error;
use tokencast_client::cognito::UserPool;
use tokencast_client::{Client, Credentials};

use super::outputs::{self, OutputsError};
use crate::cli::{ApiArgs, AskArgs};
use crate::model::ModelSpecError;
use crate::stack::{Functions, StackError, StackOptions};

pub(super) enum Target {
    Remote(Client),
    Local(Box<StackOptions>),
}

#[derive(Debug, Error)]
pub(super) enum TargetError {
    #[error("{option} is for a deployed API, but there is no --api-url (TOKENCAST_API_URL)")]
    NoApiUrl { option: &'static str },
    #[error(
        "--api-url needs credentials: --token (TOKENCAST_TOKEN), or --username with --password and --user-pool-client-id"
    )]
    NoCredentials,
    #[error("--token and --username exclude each other")]
    TwoCredentials,
    #[error("--username needs {missing} as well")]
    IncompleteUser { missing: &'static str },
    #[error("--model is for the local stack, and --api-url names another")]
    ModelOfRemote,
    #[error(
        "--resume needs --api-url: a local stack that `ask` starts for itself has no earlier session"
    )]
    NothingToResume,
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
    pub(super) fn new(
        args: &AskArgs,
        lookup: &impl Fn(&str) -> Option<String>,
    ) -> Result<Self, TargetError> {
        let api = outputs::complete(args.api.clone())?;
        let Some(api_url) = set(api.api_url.as_ref()) else {
            if let Some(option) = stray(&api) {
                return Err(TargetError::NoApiUrl { option });
            }
            if args.resume.is_some() {
                return Err(TargetError::NothingToResume);
            }
            let model = args.model.clone().unwrap_or_default().config(lookup)?;
            let options = StackOptions {
                model,
                functions: Functions::own()?,
                ..StackOptions::default()
            };
            return Ok(Self::Local(Box::new(options)));
        };
        if args.model.is_some() {
            return Err(TargetError::ModelOfRemote);
        }
        let mut builder = Client::builder(api_url).credentials(credentials(&api)?);
        if let Some(path) = &api.ca_file {
            let pem = std::fs::read(path).map_err(|source| TargetError::CaFile {
                path: path.clone(),
                source,
            })?;
            builder = builder.extra_ca_pem(pem);
        }
        Ok(Self::Remote(builder.build()?))
    }
}

/// An empty variable is as good as none.
fn set(value: Option<&String>) -> Option<&str> {
    value
        .map(String::as_str)
        .filter(|value| !value.trim().is_empty())
}

/// An option that means nothing without an API. A password alone may well be in the environment for later.
fn stray(api: &ApiArgs) -> Option<&'static str> {
    [
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

    /// The error of `tokencast ask ARGS`, or what kind of target it is.
    fn check(args: &str, expected: &str) {
        let words = ["tokencast", "ask"]
            .into_iter()
            .chain(args.split_whitespace());
        let Command::Ask(args) = Cli::parse_from(words).command else {
            panic!("it is `ask`")
        };
        let got = match Target::new(&args, &|_| None) {
            Ok(Target::Local(_)) => "local".to_owned(),
            Ok(Target::Remote(_)) => "remote".to_owned(),
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
        check(API, "needs credentials");
        check(&format!("{API} --token t"), "remote");
        check(
            &format!("{API} --token t --model scripted"),
            "--model is for the local stack",
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
            "`api_url` is `localhost`, expected a URL",
        );
    }

    #[test]
    fn a_stacks_outputs_say_where_its_api_and_pool_are() {
        let path = std::env::temp_dir().join(format!("outputs-{}.json", uuid::Uuid::new_v4()));
        let text = r#"{"A": {"GraphqlUrl": "https://a.example/graphql", "UserPoolId": "eu-west-1_A",
            "UserPoolClientId": "client"}, "B": {"DashboardName": "b"}}"#;
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
        std::fs::remove_file(&path).expect("removed");
    }
}
