//! The configuration of a user pool.

use std::time::Duration;

use crate::users;

#[derive(Clone, Debug)]
pub struct UserPoolConfig {
    /// `REGION_xxxxxxxxx`.
    pub pool_id: String,
    pub client_id: String,
    pub users: Vec<UserConfig>,
    /// The validity of ID and access tokens; Cognito's default is an hour.
    pub token_validity: Duration,
    /// Whether a pool without a state directory signs with a key that all such pools of this process share. To make a key
    /// takes a processor for up to a second, and tests start many pools.
    pub shares_key: bool,
}

impl UserPoolConfig {
    /// The `sub` of one of the pool's users.
    pub fn sub(&self, username: &str) -> String {
        users::sub(&self.pool_id, username)
    }
}

#[derive(Clone, Debug)]
pub struct UserConfig {
    pub username: String,
    pub password: String,
    pub email: String,
    /// The `cognito:groups` of the user's tokens.
    pub groups: Vec<String>,
}
