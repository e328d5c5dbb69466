//! Sign-in to a Cognito user pool, as its own clients do it: the password never leaves the machine with SRP.

mod srp;
mod wire;

use std::time::{Duration, Instant};

use serde_json::json;
use thiserror::Error;

use self::wire::{AuthenticationResult, Challenge};

/// A user pool and the app client to sign in through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPool {
    /// `https://cognito-idp.REGION.amazonaws.com/`, or a local stack's.
    pub endpoint: String,
    /// Of the app client, which has no secret.
    pub client_id: String,
    /// `REGION_xxxxxxxxx`. Without it, `USER_PASSWORD_AUTH` is used, which an app client has to allow.
    pub pool_id: Option<String>,
}

impl UserPool {
    /// A pool on AWS.
    pub fn aws(region: &str, client_id: impl Into<String>, pool_id: Option<String>) -> Self {
        Self {
            endpoint: format!("https://cognito-idp.{region}.amazonaws.com/"),
            client_id: client_id.into(),
            pool_id,
        }
    }
}

/// What a sign-in gives.
#[derive(Clone)]
pub struct Tokens {
    /// What calls carry.
    pub access_token: String,
    /// Who the user is.
    pub id_token: Option<String>,
    /// What [`refresh`] takes.
    pub refresh_token: Option<String>,
    /// When it was given, by this machine's monotonic clock.
    pub obtained_at: Instant,
    /// Of the access token.
    pub lifetime: Duration,
}

impl std::fmt::Debug for Tokens {
    /// Without the tokens.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tokens")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// Why a sign-in has failed.
#[derive(Debug, Error)]
pub enum SignInError {
    /// Wrong user name or password, or a refresh token that is no longer good.
    #[error("Cognito refused the credentials: {message}")]
    NotAuthorized {
        /// Cognito's own words.
        message: String,
    },
    /// Any other response with an error.
    #[error("Cognito answered {code}: {message}")]
    Service {
        /// Cognito's name of the error.
        code: String,
        /// Cognito's own words.
        message: String,
        /// Of HTTP.
        status: u16,
    },
    /// MFA, a new password and the like: these need a user in front of them.
    #[error("Cognito asks for `{0}`, which this client can't answer")]
    Challenge(String),
    /// There was no response, or it broke off.
    #[error("the request to Cognito failed")]
    Request(#[source] reqwest::Error),
    /// A response that the protocol doesn't know.
    #[error("Cognito's answer makes no sense: {0}")]
    Protocol(&'static str),
    /// A user pool's id of another form.
    #[error("user pool id `{0}`, expected REGION_NAME, such as us-east-1_AbCdEfGhI")]
    PoolId(String),
}

impl SignInError {
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Service { code, status, .. } => {
                *status >= 500 || code == "TooManyRequestsException"
            }
            Self::Request(error) => !error.is_builder(),
            _ => false,
        }
    }
}

/// Signs in with SRP, or by password if the pool's id isn't known.
///
/// # Errors
///
/// Cognito refuses the user, asks for something that needs a person, or can't be reached.
pub async fn sign_in(
    http: &reqwest::Client,
    pool: &UserPool,
    username: &str,
    password: &str,
) -> Result<Tokens, SignInError> {
    if let Some(pool_id) = &pool.pool_id {
        return sign_in_with_srp(http, pool, pool_id, username, password).await;
    }
    let parameters = json!({ "USERNAME": username, "PASSWORD": password });
    let response = wire::initiate_auth(http, pool, "USER_PASSWORD_AUTH", parameters).await?;
    tokens(
        response.authentication_result,
        response.challenge_name,
        None,
    )
}

/// New tokens for a refresh token, which stays good.
///
/// # Errors
///
/// [`SignInError::NotAuthorized`] if the refresh token has ended or was revoked; others if Cognito can't be reached.
pub async fn refresh(
    http: &reqwest::Client,
    pool: &UserPool,
    refresh_token: &str,
) -> Result<Tokens, SignInError> {
    let parameters = json!({ "REFRESH_TOKEN": refresh_token });
    let response = wire::initiate_auth(http, pool, "REFRESH_TOKEN_AUTH", parameters).await?;
    tokens(
        response.authentication_result,
        response.challenge_name,
        Some(refresh_token),
    )
}

async fn sign_in_with_srp(
    http: &reqwest::Client,
    pool: &UserPool,
    pool_id: &str,
    username: &str,
    password: &str,
) -> Result<Tokens, SignInError> {
    let pool_name = match pool_id.split_once('_') {
        Some((region, name)) if !region.is_empty() && !name.is_empty() => name,
        _ => return Err(SignInError::PoolId(pool_id.to_owned())),
    };
    let client = srp::Client::new()?;
    let parameters = json!({ "USERNAME": username, "SRP_A": client.public_hex() });
    let response = wire::initiate_auth(http, pool, "USER_SRP_AUTH", parameters).await?;
    let parameters = match (
        response.challenge_name.as_deref(),
        response.challenge_parameters,
    ) {
        (Some("PASSWORD_VERIFIER"), Some(parameters)) => parameters,
        (name, _) => {
            return tokens(
                response.authentication_result,
                name.map(str::to_owned),
                None,
            );
        }
    };
    let missing = SignInError::Protocol("a PASSWORD_VERIFIER challenge without its parameters");
    let Challenge {
        user_id_for_srp: Some(user_id),
        srp_b: Some(srp_b),
        salt: Some(salt),
        secret_block: Some(block),
    } = parameters
    else {
        return Err(missing);
    };
    let timestamp = timestamp();
    let signature = client.signature(&srp::Proof {
        pool_name,
        user_id: &user_id,
        password,
        server_public_hex: &srp_b,
        salt_hex: &salt,
        secret_block: &block,
        timestamp: &timestamp,
    })?;
    let responses = json!({
        "USERNAME": user_id,
        "PASSWORD_CLAIM_SECRET_BLOCK": block,
        "PASSWORD_CLAIM_SIGNATURE": signature,
        "TIMESTAMP": timestamp,
    });
    let response = wire::respond(
        http,
        pool,
        "PASSWORD_VERIFIER",
        response.session.as_deref(),
        responses,
    )
    .await?;
    tokens(
        response.authentication_result,
        response.challenge_name,
        None,
    )
}

fn tokens(
    result: Option<AuthenticationResult>,
    challenge: Option<String>,
    refresh_token: Option<&str>,
) -> Result<Tokens, SignInError> {
    let Some(result) = result else {
        return Err(challenge.map_or(
            SignInError::Protocol("neither tokens nor a challenge"),
            SignInError::Challenge,
        ));
    };
    Ok(Tokens {
        access_token: result.access_token,
        id_token: result.id_token,
        refresh_token: result
            .refresh_token
            .or_else(|| refresh_token.map(str::to_owned)),
        obtained_at: Instant::now(),
        lifetime: Duration::from_secs(result.expires_in),
    })
}

/// `EEE MMM d HH:mm:ss UTC yyyy`, the day without a leading zero; part of what is signed.
fn timestamp() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "Cognito compares it with its own clock, whatever ours decides"
    )]
    let now = chrono::Utc::now();
    format_timestamp(now)
}

fn format_timestamp(time: chrono::DateTime<chrono::Utc>) -> String {
    time.format("%a %b %-d %H:%M:%S UTC %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timestamp_has_no_leading_zero_in_its_day() {
        for (time, expected) in [
            ("2026-03-05T04:05:06Z", "Thu Mar 5 04:05:06 UTC 2026"),
            ("2026-11-22T23:59:00Z", "Sun Nov 22 23:59:00 UTC 2026"),
        ] {
            assert_eq!(format_timestamp(time.parse().expect("a time")), expected);
        }
    }
}
