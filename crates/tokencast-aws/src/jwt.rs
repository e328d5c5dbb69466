//! Who calls, where no AWS service says so: the JSON Web Tokens of a Cognito user pool, verified.
//!
//! A token counts if it is signed with RS256 by a key of the pool's [key set](keys), is of the pool's issuer, is valid
//! now, and was issued to one of the expected app clients. What a claim says is looked at only once the signature is
//! found to be right, so that a refusal tells nothing to someone who made the token up.

use thiserror::Error;
use tokencast_core::id::Owner;
use tokencast_core::ports::Clock;

use crate::config::Reader;
use crate::tls::CaBundle;

mod keys;
mod token;

pub use keys::KeysError;
use keys::{KeySet, Lookup};

/// Far above what Cognito issues, and little enough to decode for nothing.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// By how much Cognito's clock may be ahead of this process's: a token that was issued this instant is taken. An end gets
/// none, as with AppSync: a client that waits for it would be let in here and not there.
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

/// Why a caller is not let in.
#[derive(Debug, Error)]
pub enum JwtError {
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The token may be right; another try can tell.
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
    /// The keys are fetched with the first token, from a server that the certificate authorities vouch for.
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

    /// The user whose token is in an `Authorization` header; `Bearer` before it may be left out.
    ///
    /// # Errors
    ///
    /// [`JwtError::Refused`] if the token does not count, and [`JwtError::Keys`] if that cannot be told now.
    pub async fn verify(&self, authorization: Option<&str>) -> Result<Owner, JwtError> {
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
/// Lambda joins headers that came several times by commas, which no token has: which of them is meant, no two readers need
/// agree on.
fn bearer(value: &str) -> &str {
    let value = value.trim();
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => token.trim_start(),
        _ => value,
    }
}

#[cfg(test)]
mod tests;
