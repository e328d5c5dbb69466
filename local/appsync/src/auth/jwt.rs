//! Verifies the user pool's ID and access tokens.

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::AuthError;
use crate::caller::UserPoolIdentity;

/// Far more than Cognito's tokens have, and little enough to decode.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// How far the issuer's clock may be ahead. Expiry has no such tolerance.
const MAX_SKEW_S: f64 = 60.0;

/// Returns the pool's present public keys.
pub type Keys = Arc<dyn Fn() -> JwkSet + Send + Sync>;

/// The user pool whose tokens are accepted.
#[derive(Clone)]
pub struct JwtIssuer {
    pub issuer: String,
    pub client_id: String,
    pub keys: Keys,
}

impl fmt::Debug for JwtIssuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("JwtIssuer")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// The identity in a token that `pool` signed for its client and that is valid now.
pub(super) fn verify(
    token: &str,
    pool: &JwtIssuer,
    now_ms: i64,
) -> Result<UserPoolIdentity, AuthError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(unreadable());
    }
    let header = decode_header(token).map_err(|_| unreadable())?;
    // The algorithm is fixed, because the token's header must not choose how the token is verified.
    if header.alg != Algorithm::RS256 {
        return Err(refused());
    }
    // A token with a critical extension that isn't supported is invalid (RFC 7515, section 4.1.11).
    if header.crit.is_some() {
        return Err(refused());
    }
    let key_id = header.kid.ok_or_else(refused)?;
    let keys = (pool.keys)();
    let key = keys.find(&key_id).ok_or_else(refused)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| refused())?;
    let claims = decode::<Map<String, Value>>(token, &key, &signature_only())
        .map_err(|_| refused())?
        .claims;
    check_claims(&claims, pool, now_ms)?;
    identity(claims).ok_or_else(refused)
}

/// Only the signature. Times are checked below by the injected clock, and the audience by the kind of token.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

fn check_claims(
    claims: &Map<String, Value>,
    pool: &JwtIssuer,
    now_ms: i64,
) -> Result<(), AuthError> {
    #[expect(clippy::cast_precision_loss, reason = "exact for 285,000 years")]
    let now = now_ms as f64 / 1000.0;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(&pool.issuer) {
        return Err(refused());
    }
    let audience = match text("token_use") {
        Some("id") => text("aud"),
        Some("access") => text("client_id"),
        _ => None,
    };
    if audience != Some(&pool.client_id) {
        return Err(refused());
    }
    let expires = claims
        .get("exp")
        .and_then(Value::as_f64)
        .ok_or_else(refused)?;
    if expires <= now {
        return Err(AuthError::unauthorized("Token has expired."));
    }
    for name in ["nbf", "iat"] {
        let valid = match claims.get(name) {
            None => true,
            Some(time) => time.as_f64().is_some_and(|time| time - MAX_SKEW_S <= now),
        };
        if !valid {
            return Err(refused());
        }
    }
    Ok(())
}

fn identity(claims: Map<String, Value>) -> Option<UserPoolIdentity> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let sub = text("sub").filter(|sub| !sub.is_empty())?;
    let groups = claims
        .get("cognito:groups")
        .and_then(Value::as_array)
        .map(|groups| {
            groups
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        });
    Some(UserPoolIdentity {
        issuer: text("iss")?,
        username: text("username")
            .or_else(|| text("cognito:username"))
            .unwrap_or_else(|| sub.clone()),
        groups,
        sub,
        claims,
    })
}

fn unreadable() -> AuthError {
    AuthError::unauthorized("Unable to parse JWT token.")
}

fn refused() -> AuthError {
    AuthError::unauthorized("You are not authorized to make this call.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_support::{CLIENT_ID, ISSUER, NOW_MS, Pool};

    const NOW: i64 = NOW_MS / 1000;
    const REFUSED: &str = "You are not authorized to make this call.";
    const UNREADABLE: &str = "Unable to parse JWT token.";

    fn check(token: &str, expected: Result<&str, &str>) {
        let got = verify(token, &Pool::shared().jwt_issuer(), NOW_MS)
            .map(|user| user.sub)
            .map_err(|error| {
                assert_eq!(error.error_type, "UnauthorizedException");
                error.message
            });
        let shown = &token[..token.len().min(60)];
        assert_eq!(got.as_deref().map_err(String::as_str), expected, "{shown}");
    }

    /// A valid access token with these claims changed; `null` removes one.
    fn altered(changes: &Value) -> String {
        let mut claims = Pool::access_claims();
        for (name, value) in changes.as_object().expect("an object") {
            match value {
                Value::Null => claims.remove(name),
                value => claims.insert(name.clone(), value.clone()),
            };
        }
        Pool::shared().sign(&claims)
    }

    #[test]
    fn claims() {
        check(&altered(&json!({})), Ok("sub-ada"));
        check(
            &altered(&json!({"token_use": "id", "client_id": null, "aud": CLIENT_ID})),
            Ok("sub-ada"),
        );
        check(&altered(&json!({"exp": NOW + 1})), Ok("sub-ada"));
        check(&altered(&json!({"exp": NOW})), Err("Token has expired."));
        check(
            &altered(&json!({"exp": NOW - 1})),
            Err("Token has expired."),
        );
        check(&altered(&json!({"exp": null})), Err(REFUSED));
        check(&altered(&json!({"exp": "soon"})), Err(REFUSED));
        check(&altered(&json!({"nbf": NOW + 61})), Err(REFUSED));
        check(&altered(&json!({"nbf": NOW + 60})), Ok("sub-ada"));
        check(&altered(&json!({"nbf": NOW})), Ok("sub-ada"));
        check(&altered(&json!({"iat": NOW + 61})), Err(REFUSED));
        check(&altered(&json!({"iat": NOW + 60})), Ok("sub-ada"));
        check(
            &altered(&json!({"iss": format!("{ISSUER}2")})),
            Err(REFUSED),
        );
        check(&altered(&json!({"iss": null})), Err(REFUSED));
        check(&altered(&json!({"client_id": "another"})), Err(REFUSED));
        check(
            &altered(&json!({"client_id": null, "aud": CLIENT_ID})),
            Err(REFUSED),
        );
        check(&altered(&json!({"token_use": "id"})), Err(REFUSED));
        check(
            &altered(&json!({"token_use": "id", "aud": "another"})),
            Err(REFUSED),
        );
        check(&altered(&json!({"token_use": "refresh"})), Err(REFUSED));
        check(&altered(&json!({"token_use": null})), Err(REFUSED));
        check(&altered(&json!({"sub": null})), Err(REFUSED));
    }

    /// The cases that every verifier of user pool tokens must pass; `tests/fixtures/README.md` describes them.
    #[test]
    fn forged_tokens() {
        const TABLE: &str = include_str!("../../../../tests/fixtures/forged_tokens.json");
        let table: Value = serde_json::from_str(TABLE).expect("the table");
        let keys: JwkSet = serde_json::from_value(table["jwks"].clone()).expect("keys");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let pool = JwtIssuer {
            issuer: text(&table["issuer"]),
            client_id: text(&table["clientId"]),
            keys: Arc::new(move || keys.clone()),
        };
        let now_ms = table["now"].as_i64().expect("a time") * 1000;
        for row in table["rows"].as_array().expect("rows") {
            let differs = !row["differs"]["AppSync"].is_null();
            let expected = row["refused"].is_null() != differs;
            let taken = verify(&text(&row["token"]), &pool, now_ms).is_ok();
            assert_eq!(taken, expected, "{}", row["name"]);
        }
    }

    #[test]
    fn nonsense() {
        check("garbage", Err(UNREADABLE));
        check("..", Err(UNREADABLE));
        check("é.ü.ß", Err(UNREADABLE));
        check(&"x".repeat(MAX_TOKEN_BYTES + 1), Err(UNREADABLE));
    }

    #[test]
    fn names_and_groups() {
        let issuer = Pool::shared().jwt_issuer();
        let user = verify(
            &altered(&json!({"cognito:groups": ["admins"]})),
            &issuer,
            NOW_MS,
        )
        .expect("valid");
        assert_eq!(
            (user.username.as_str(), user.groups),
            ("ada", Some(vec!["admins".to_owned()]))
        );
        let changes = json!({"token_use": "id", "aud": CLIENT_ID, "username": null, "cognito:username": "ada2"});
        let user = verify(&altered(&changes), &issuer, NOW_MS).expect("valid");
        assert_eq!((user.username.as_str(), user.groups), ("ada2", None));
    }
}
