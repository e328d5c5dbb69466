//! A token's three parts, and what its claims must say.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokencast_core::id::Owner;
use tokencast_core::quota::Caller;
use tokencast_core::time::Timestamp;

use super::{JwtIssuer, MAX_SKEW_S, MAX_TOKEN_BYTES, Refused};

/// A parsed token. Nothing of it is verified yet.
#[derive(Debug)]
pub(super) struct Unverified<'a> {
    pub(super) key_id: String,
    /// The text that is signed: header and claims, as they came.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
    claims: &'a str,
}

/// A header may also hold a key, or its address (`jwk`, `jku`, `x5u`). These are not read.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

/// What Cognito puts into ID tokens (`aud`) and access tokens (`client_id`), as far as it is read here.
#[derive(Deserialize)]
pub(super) struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    token_use: Option<String>,
    aud: Option<String>,
    client_id: Option<String>,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    #[serde(rename = "cognito:groups", default)]
    groups: Option<Vec<String>>,
}

/// Parses a token.
pub(super) fn parse(token: &str) -> Result<Unverified<'_>, Refused> {
    if token.is_empty() {
        return Err(Refused::Missing);
    }
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Refused::TooLong);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Refused::Malformed)?;
    if claims.contains('.') {
        return Err(Refused::Malformed);
    }
    let header: Header = json(header)?;
    // The algorithm is fixed, because a token must not choose how it is checked.
    if header.alg != "RS256" {
        return Err(Refused::Algorithm);
    }
    // An extension that must be understood and is not makes a token invalid (RFC 7515, section 4.1.11).
    if header.crit.is_some() {
        return Err(Refused::Critical);
    }
    Ok(Unverified {
        key_id: header.kid.ok_or(Refused::Signature)?,
        signed,
        signature: base64(signature)?,
        claims,
    })
}

impl Unverified<'_> {
    /// The claims. The caller asks for them only after the signature was verified.
    pub(super) fn claims(&self) -> Result<Claims, Refused> {
        json(self.claims)
    }
}

impl Claims {
    /// Returns the user with their groups, if the token is for us and valid now.
    pub(super) fn check(self, issuer: &JwtIssuer, now: Timestamp) -> Result<Caller, Refused> {
        #[expect(clippy::cast_precision_loss, reason = "exact for 285,000 years")]
        let now = now.as_millis() as f64 / 1000.0;
        let skew_s = f64::from(MAX_SKEW_S);
        if self.iss.as_ref() != Some(&issuer.url) {
            return Err(Refused::Issuer);
        }
        let client_id = match self.token_use.as_deref() {
            Some("id") => self.aud,
            Some("access") => self.client_id,
            _ => return Err(Refused::Use),
        };
        if !client_id.is_some_and(|id| issuer.client_ids.contains(&id)) {
            return Err(Refused::Client);
        }
        if self.exp <= now {
            return Err(Refused::Expired);
        }
        let begins = [self.nbf, self.iat];
        if begins.into_iter().flatten().any(|at| at - skew_s > now) {
            return Err(Refused::NotYet);
        }
        let owner = self.sub.and_then(Owner::new).ok_or(Refused::Subject)?;
        Ok(Caller::new(owner, self.groups.unwrap_or_default()))
    }
}

fn json<T: DeserializeOwned>(part: &str) -> Result<T, Refused> {
    serde_json::from_slice(&base64(part)?).map_err(|_| Refused::Malformed)
}

/// Decodes as RFC 7515 asks: without padding, and without spare bits.
fn base64(part: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused::Malformed)
}
