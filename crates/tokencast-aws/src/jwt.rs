//! Verifies the JSON Web Tokens of a Cognito user pool, for the functions whose caller no AWS service has verified.
//!
//! A token counts if a key of the pool's [key set](keys) has signed it with RS256, if it is of the pool's issuer, if it
//! is valid now, and if it was issued to one of the expected app clients. The claims are looked at only after the
//! signature, so a refusal tells nothing to someone who made the token up.

use thiserror::Error;
use tokencast_core::ports::Clock;
use tokencast_core::quota::Caller;

use crate::config::Reader;
use crate::tls::CaBundle;

mod keys;
mod token;

pub use keys::KeysError;
use keys::{KeySet, Lookup};

/// The longest token that is read: far longer than Cognito's, and short enough to decode in vain.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// How far Cognito's clock may be ahead of this process's, so that a token is taken the moment it was issued. The
/// expiry gets no such margin. AppSync gives it none either, and a client would be let in here and not there.
pub const MAX_SKEW_S: i32 = 60;

/// The issuer whose tokens are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtIssuer {
    /// `COGNITO_ISSUER`: the URL of the user pool, as in its tokens' `iss`.
    pub url: String,
    /// `COGNITO_CLIENT_ID`: its app clients, separated by commas.
    pub client_ids: Vec<String>,
}

impl JwtIssuer {
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let url = reader.url("COGNITO_ISSUER", "the issuer URL of a Cognito user pool");
        let expected = "the id of an app client, or several separated by commas";
        let client_ids = reader.required("COGNITO_CLIENT_ID", expected);
        Self {
            url: url.trim_end_matches('/').to_owned(),
            client_ids: client_ids
                .split(',')
                .map(str::trim)
                .filter(|id| !id.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// Verifies the tokens of one user pool; made once for a process, because it keeps the pool's keys.
#[derive(Debug)]
pub struct Verifier<C> {
    issuer: JwtIssuer,
    keys: KeySet,
    clock: C,
}

/// Why a caller is refused.
#[derive(Debug, Error)]
pub enum JwtError {
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The token may be right. Another try can tell.
    #[error("the token cannot be checked now: try again")]
    Keys(#[from] KeysError),
}

/// What is wrong with a token, in words that its bearer may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    #[error("no token: expected `Authorization: Bearer` and a token of the user pool")]
    Missing,
    #[error("there are several tokens: expected one `Authorization` header")]
    Several,
    #[error("the token is too long: expected at most {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    #[error("the token is malformed: expected a JSON Web Token")]
    Malformed,
    #[error("the token's algorithm is not taken: expected RS256")]
    Algorithm,
    #[error("the token asks for an extension that is not known: expected no `crit` in its header")]
    Critical,
    #[error("the token is not signed by the user pool")]
    Signature,
    #[error("the token is of another issuer than the user pool")]
    Issuer,
    #[error("the token is neither an ID token nor an access token")]
    Use,
    #[error("the token was issued to another app client")]
    Client,
    #[error("the token has expired: refresh it, or sign in again")]
    Expired,
    #[error("the token is not valid yet")]
    NotYet,
    #[error("the token names no user: expected a `sub`")]
    Subject,
}

impl<C: Clock> Verifier<C> {
    /// The first token fetches the keys, from a server that the certificate authorities vouch for.
    ///
    /// # Errors
    ///
    /// If the process can have no HTTP client.
    pub fn new(issuer: JwtIssuer, ca_bundle: &CaBundle, clock: C) -> Result<Self, reqwest::Error> {
        let url = format!("{}/.well-known/jwks.json", issuer.url);
        let keys = KeySet::new(url, ca_bundle)?;
        Ok(Self {
            issuer,
            keys,
            clock,
        })
    }

    /// Returns the user, with their groups, whose token is in an `Authorization` header. `Bearer` before the token is optional.
    ///
    /// # Errors
    ///
    /// [`JwtError::Refused`] if the token does not count, and [`JwtError::Keys`] if that cannot be told now.
    pub async fn verify(&self, authorization: Option<&str>) -> Result<Caller, JwtError> {
        let authorization = authorization.unwrap_or_default();
        if authorization.contains(',') {
            return Err(Refused::Several.into());
        }
        let text = bearer(authorization);
        let token = token::parse(text)?;
        let now = self.clock.now();
        let key = match self.keys.find(&token.key_id, now).await? {
            Lookup::Found(key) => key,
            Lookup::Unknown => return Err(Refused::Signature.into()),
        };
        if !key.verifies(token.signed.as_bytes(), &token.signature) {
            return Err(Refused::Signature.into());
        }
        Ok(token.claims()?.check(&self.issuer, now)?)
    }
}

/// The token in a header's value.
///
/// Lambda joins repeated headers by commas, which no token has. Readers may differ on which of several tokens counts,
/// so a value with a comma is refused.
fn bearer(value: &str) -> &str {
    let value = value.trim();
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => token.trim_start(),
        _ => value,
    }
}

#[cfg(test)]
mod tests;
