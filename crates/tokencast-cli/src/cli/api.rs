//! Where the answers come from: an API, or a local stack of the command's own.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::sign_in::{OutputsArgs, SignInArgs};
use crate::model::{ModelSpec, ReasoningTags};

/// The channel, and what a stack of the command's own is like, or which API there is in its place.
#[derive(Clone, Debug, Default, Args)]
pub struct TargetArgs {
    /// Over which channel the answer comes. The session, the output and the exit codes are the same.
    #[arg(long, value_enum, default_value_t)]
    pub via: Channel,

    /// What answers on the local stack: `scripted`, `openai:URL#NAME` or `bedrock:MODEL_ID`.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<ModelSpec>,

    /// The assistants of the local stack, in this JSON file (docs/ASSISTANTS.md).
    #[arg(long, value_name = "FILE")]
    pub assistants: Option<PathBuf>,

    /// How reasoning is found in the text of an `openai:` model's answers; `auto` unless given.
    #[arg(long, value_enum, value_name = "HOW")]
    pub reasoning_tags: Option<ReasoningTags>,

    /// How long the local stack waits for the model's first token; 120 unless given. Some servers load a model first.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=900))]
    pub first_token_timeout: Option<u16>,

    #[command(flatten)]
    pub api: ApiArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Channel {
    /// GraphQL, and its subscription.
    #[default]
    Appsync,
    /// A Lambda Function URL that streams its response.
    Url,
    /// An API Gateway WebSocket API.
    Websocket,
}

impl Channel {
    /// The channel's name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Appsync => "appsync",
            Self::Url => "url",
            Self::Websocket => "websocket",
        }
    }
}

/// A deployed API, or a `tokencast dev` that is running.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "A deployed API")]
pub struct ApiArgs {
    /// The GraphQL endpoint.
    #[arg(long, value_name = "URL", env = "TOKENCAST_API_URL")]
    pub api_url: Option<String>,

    /// The Function URL, for --via url.
    #[arg(long, value_name = "URL")]
    pub function_url: Option<String>,

    /// The WebSocket API with its stage, for --via websocket.
    #[arg(long, value_name = "URL")]
    pub websocket_url: Option<String>,

    #[command(flatten)]
    pub outputs: OutputsArgs,

    #[command(flatten)]
    pub sign_in: SignInArgs,

    /// With it, the sign-in is by SRP; without, by password, which the app client has to allow.
    #[arg(long, value_name = "ID")]
    pub user_pool_id: Option<String>,

    /// The user pool's region; part of its id as well.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,

    /// Where Cognito answers, if not on AWS.
    #[arg(long, value_name = "URL")]
    pub cognito_endpoint: Option<String>,
}
