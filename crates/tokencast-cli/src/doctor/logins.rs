//! The two users that the arguments name, or those of a local stack.

use super::deployment::{Deployment, DeploymentError};
use super::probes::access::claims;
use crate::cli::DoctorArgs;
use crate::stack::users;

/// How a user signs in.
#[derive(Clone)]
pub enum Login {
    Token(String),
    Password { username: String, password: String },
}

impl Login {
    /// The user's name, as far as it is known.
    fn username(&self) -> Option<String> {
        match self {
            Self::Password { username, .. } => Some(username.clone()),
            Self::Token(token) => {
                let claims = claims(token)?;
                let names = ["username", "cognito:username"];
                let mut names = names.iter().filter_map(|name| claims[*name].as_str());
                names.next().map(str::to_owned)
            }
        }
    }
}

/// The two users that the arguments name. The local stack has two of its own.
///
/// # Errors
///
/// There is no first user, a password is missing, or two ways to sign in are given for one.
pub fn logins(args: &DoctorArgs) -> Result<(Login, Option<Login>), DeploymentError> {
    let first = login(
        args.sign_in.token.as_ref(),
        args.sign_in.username.as_ref(),
        args.sign_in.password.as_ref(),
        [
            "--username",
            "--password (TOKENCAST_PASSWORD)",
            "--token (TOKENCAST_TOKEN)",
        ],
    )?;
    let second = login(
        args.second_token.as_ref(),
        args.second_username.as_ref(),
        args.second_password.as_ref(),
        [
            "--second-username",
            "--second-password (TOKENCAST_SECOND_PASSWORD)",
            "--second-token (TOKENCAST_SECOND_TOKEN)",
        ],
    )?;
    if args.local.is_none() {
        return Ok((first.ok_or(DeploymentError::NoUser)?, second));
    }
    let own = users().into_iter().map(|user| Login::Password {
        username: user.username,
        password: user.password,
    });
    let mut own: Vec<Login> = own.collect();
    // Nobody is both.
    for named in [&first, &second].into_iter().flatten() {
        own.retain(|user| user.username() != named.username());
    }
    let mut own = own.into_iter();
    let first = first.or_else(|| own.next());
    let first = first.ok_or(DeploymentError::NoUser)?;
    Ok((first, second.or_else(|| own.next())))
}

fn login(
    token: Option<&String>,
    username: Option<&String>,
    password: Option<&String>,
    [name, needs, instead]: [&'static str; 3],
) -> Result<Option<Login>, DeploymentError> {
    // An empty variable counts as unset.
    let set = |value: Option<&String>| value.filter(|value| !value.trim().is_empty()).cloned();
    match (set(username), set(token)) {
        (Some(_), Some(_)) => Err(DeploymentError::TwoLogins(instead, name)),
        (Some(username), None) => {
            let password = set(password).ok_or(DeploymentError::Incomplete(name, needs))?;
            Ok(Some(Login::Password { username, password }))
        }
        (None, Some(token)) => Ok(Some(Login::Token(token))),
        (None, None) => Ok(None),
    }
}

/// Whether those who sign in by a password have a pool to do so.
///
/// # Errors
///
/// They have none.
pub fn have_a_pool<'a>(
    logins: impl IntoIterator<Item = &'a Login>,
    deployment: &Deployment,
) -> Result<(), DeploymentError> {
    let mut logins = logins.into_iter();
    let needs_one = logins.any(|login| matches!(login, Login::Password { .. }));
    if !needs_one || deployment.pool.is_some() {
        return Ok(());
    }
    let expected = if deployment.stack.is_some() {
        "UserPoolId` and `UserPoolClientId"
    } else {
        "auth.user_pool_id` and `auth.user_pool_client_id"
    };
    Err(DeploymentError::NoPool(deployment.from.clone(), expected))
}
