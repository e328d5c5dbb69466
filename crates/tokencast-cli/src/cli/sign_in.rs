//! Which deployment is meant, and who signs in there.

use std::path::PathBuf;

use clap::Args;

/// A deployment, by what its tools wrote of it.
#[derive(Clone, Debug, Default, Args)]
pub struct OutputsArgs {
    /// This deployed stack, such as Tokencast-Streaming: its endpoints and its user pool.
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,

    /// The endpoints and the user pool in this `amplify_outputs.json`.
    #[arg(long, value_name = "FILE", conflicts_with = "stack")]
    pub amplify_outputs: Option<PathBuf>,

    /// Where `npm run deploy` in cdk/ wrote the stacks' outputs.
    #[arg(long, value_name = "FILE", default_value = "cdk/outputs.json")]
    pub outputs_file: PathBuf,
}

/// A user of the deployment's user pool, and how far its servers are trusted.
#[derive(Clone, Debug, Default, Args)]
pub struct SignInArgs {
    /// A JWT of the user pool, in the place of a user name and a password.
    #[arg(
        long,
        value_name = "JWT",
        env = "TOKENCAST_TOKEN",
        hide_env_values = true
    )]
    pub token: Option<String>,

    /// Sign in as this user.
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,

    #[arg(
        long,
        value_name = "PASSWORD",
        env = "TOKENCAST_PASSWORD",
        hide_env_values = true
    )]
    pub password: Option<String>,

    /// The app client to sign in through, in the place of the deployment's.
    #[arg(long, value_name = "ID")]
    pub user_pool_client_id: Option<String>,

    /// Trust the authorities in this PEM file as well.
    #[arg(long, value_name = "PEM")]
    pub ca_file: Option<PathBuf>,
}
