//! The tokens' claims, and how tokens are signed and verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::Pool;
use crate::error::CognitoError;
use crate::sessions::Session;
use crate::srp;
use crate::users::User;

/// The result of a sign-in.
#[derive(Clone)]
pub struct Tokens {
    pub access_token: String,
    pub id_token: String,
    /// `None` if a refresh token was used to get the others.
    pub refresh_token: Option<String>,
    pub expires_in_seconds: u64,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("expires_in_seconds", &self.expires_in_seconds)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// The tokens in the shape of `AuthenticationResult`.
    pub fn to_json(&self) -> Value {
        let mut result = json!({
            "AccessToken": self.access_token,
            "ExpiresIn": self.expires_in_seconds,
            "IdToken": self.id_token,
            "TokenType": "Bearer",
        });
        if let Some(refresh_token) = &self.refresh_token {
            result["RefreshToken"] = json!(refresh_token);
        }
        result
    }
}

impl Pool {
    /// Starts a new session.
    pub(crate) fn sign_in(&self, user: &User) -> Result<Tokens, CognitoError> {
        let refresh_token = URL_SAFE_NO_PAD.encode(srp::random_bytes(192));
        let session = Session {
            origin_jti: Uuid::new_v4().to_string(),
            username: user.username.clone(),
            signed_in_at: self.now_seconds(),
            revoked: false,
        };
        let tokens = self.tokens(user, &session)?;
        self.sessions.add(&refresh_token, session)?;
        Ok(Tokens {
            refresh_token: Some(refresh_token),
            ..tokens
        })
    }

    /// New tokens of an existing session.
    pub(crate) fn tokens(&self, user: &User, session: &Session) -> Result<Tokens, CognitoError> {
        let issued_at = self.now_seconds();
        let validity = self.token_validity.as_secs();
        let mut common = Map::new();
        common.insert("sub".into(), json!(user.sub));
        if !user.groups.is_empty() {
            common.insert("cognito:groups".into(), json!(user.groups));
        }
        common.insert("iss".into(), json!(self.issuer));
        common.insert("origin_jti".into(), json!(session.origin_jti));
        common.insert("event_id".into(), json!(Uuid::new_v4()));
        common.insert("auth_time".into(), json!(session.signed_in_at));
        common.insert("iat".into(), json!(issued_at));
        common.insert(
            "exp".into(),
            json!(issued_at + i64::try_from(validity).unwrap_or(i64::MAX / 2)),
        );
        let with = |own: Value| {
            let mut claims = common.clone();
            if let Value::Object(own) = own {
                claims.extend(own);
            }
            self.sign(&Value::Object(claims))
        };
        let id_token = with(json!({
            "aud": self.client_id,
            "cognito:username": user.username,
            "email": user.email,
            "email_verified": true,
            "jti": Uuid::new_v4(),
            "token_use": "id",
        }))?;
        let access_token = with(json!({
            "client_id": self.client_id,
            "jti": Uuid::new_v4(),
            "scope": "aws.cognito.signin.user.admin",
            "token_use": "access",
            "username": user.username,
        }))?;
        Ok(Tokens {
            access_token,
            id_token,
            refresh_token: None,
            expires_in_seconds: validity,
        })
    }

    /// The user of an access token that is valid and not revoked.
    pub(crate) fn check_access_token(&self, token: &str) -> Result<(&User, Value), CognitoError> {
        let invalid = || CognitoError::not_authorized("Invalid Access Token");
        let claims = self.verify(token).ok_or_else(invalid)?;
        if claims["token_use"] != "access" || claims["client_id"] != self.client_id.as_str() {
            return Err(invalid());
        }
        if claims["exp"]
            .as_i64()
            .is_none_or(|expires_at| expires_at <= self.now_seconds())
        {
            return Err(CognitoError::not_authorized("Access Token has expired"));
        }
        if claims["origin_jti"]
            .as_str()
            .is_none_or(|origin_jti| self.sessions.is_revoked(origin_jti))
        {
            return Err(CognitoError::not_authorized(
                "Access Token has been revoked",
            ));
        }
        let user = claims["username"]
            .as_str()
            .and_then(|username| self.users.find(username))
            .ok_or_else(invalid)?;
        Ok((user, claims))
    }

    pub(crate) fn now_seconds(&self) -> i64 {
        self.clock.now_ms() / 1_000
    }

    fn sign(&self, claims: &Value) -> Result<String, CognitoError> {
        let key = self.key.wait()?;
        let header = json!({ "kid": key.kid(), "alg": "RS256" });
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(&header), encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes())?);
        Ok(format!("{message}.{signature}"))
    }

    /// The claims of a token that this pool signed, without checking the claims.
    fn verify(&self, token: &str) -> Option<Value> {
        let key = self.key.wait().ok()?;
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        if header["alg"] != "RS256"
            || header["kid"] != key.kid()
            || !key.verify(message.as_bytes(), &signature)
        {
            return None;
        }
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        (claims["iss"] == self.issuer.as_str()).then_some(claims)
    }
}
