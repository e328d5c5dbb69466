//! The sender of a request, as resolvers see it in `ctx.identity`.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use local_iam::Principal;
use serde_json::{Map, Value, json};

use crate::config::AuthMode;

/// The authenticated sender of a request.
#[derive(Clone, Debug)]
pub struct Caller {
    pub identity: Identity,
    pub source_ip: IpAddr,
    /// The request's headers, or for a subscription those in its `authorization` extension.
    pub headers: HeaderMap,
}

#[derive(Clone, Debug)]
pub enum Identity {
    UserPool(UserPoolIdentity),
    Iam(Arc<Principal>),
}

/// The claims of a verified ID or access token.
#[derive(Clone, Debug)]
pub struct UserPoolIdentity {
    pub sub: String,
    pub issuer: String,
    pub username: String,
    pub groups: Option<Vec<String>>,
    pub claims: Map<String, Value>,
}

impl Identity {
    /// When the token expires. `None` for a signature, which doesn't last.
    pub fn expires_at_ms(&self) -> Option<i64> {
        match self {
            Self::UserPool(user) => {
                let expires_at_s = user.claims.get("exp")?.as_i64()?;
                Some(expires_at_s.saturating_mul(1_000))
            }
            Self::Iam(_) => None,
        }
    }
}

impl Caller {
    pub fn auth_mode(&self) -> AuthMode {
        match self.identity {
            Identity::UserPool(_) => AuthMode::UserPools,
            Identity::Iam(_) => AuthMode::Iam,
        }
    }

    /// `ctx.identity`, in AppSync's shape for resolvers.
    pub(crate) fn identity_json(&self) -> Value {
        let source_ip = json!([self.source_ip.to_string()]);
        match &self.identity {
            Identity::UserPool(user) => json!({
                "sub": user.sub,
                "issuer": user.issuer,
                "username": user.username,
                "claims": user.claims,
                "sourceIp": source_ip,
                "defaultAuthStrategy": "ALLOW",
                "groups": user.groups,
            }),
            Identity::Iam(principal) => json!({
                "accountId": principal.account_id,
                "userArn": principal.arn,
                "username": principal.arn.rsplit('/').next(),
                "sourceIp": source_ip,
                "cognitoIdentityPoolId": null,
                "cognitoIdentityId": null,
                "cognitoIdentityAuthType": null,
                "cognitoIdentityAuthProvider": null,
            }),
        }
    }
}
