//! What a signed-in user may do: read their own attributes, and sign out.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Pool;
use crate::error::CognitoError;
use crate::sign_in::missing;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WithAccessToken {
    access_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RevokeToken {
    token: Option<String>,
    client_id: Option<String>,
}

impl Pool {
    pub(crate) fn get_user(&self, request: &WithAccessToken) -> Result<Value, CognitoError> {
        let token = request
            .access_token
            .as_deref()
            .ok_or_else(|| missing("accessToken"))?;
        let (user, _) = self.check_access_token(token)?;
        let attributes = [
            ("sub", user.sub.as_str()),
            ("email", &user.email),
            ("email_verified", "true"),
        ]
        .map(|(name, value)| json!({ "Name": name, "Value": value }));
        Ok(json!({ "Username": user.username, "UserAttributes": attributes }))
    }

    /// Ends all of the user's sessions.
    pub(crate) fn global_sign_out(&self, request: &WithAccessToken) -> Result<Value, CognitoError> {
        let token = request
            .access_token
            .as_deref()
            .ok_or_else(|| missing("accessToken"))?;
        let (user, _) = self.check_access_token(token)?;
        self.sessions.revoke_all(&user.username)?;
        Ok(json!({}))
    }

    /// Ends one session. An unknown token counts as revoked.
    pub(crate) fn revoke_token(&self, request: &RevokeToken) -> Result<Value, CognitoError> {
        self.check_client(request.client_id.as_deref())?;
        let token = request.token.as_deref().ok_or_else(|| missing("token"))?;
        if token.split('.').count() == 3 {
            return Err(CognitoError::new(
                "UnsupportedTokenTypeException",
                "Only a refresh token can be revoked.",
            ));
        }
        self.sessions.revoke(token)?;
        Ok(json!({}))
    }
}
