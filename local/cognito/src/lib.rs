//! Cognito user pools, as much of them as a sign-in needs.
//!
//! | module | what |
//! | --- | --- |
//! | [`http`] | the actions over HTTP, and the documents that verifiers fetch |
//! | [`sign_in`] | from a password or a refresh token to tokens |
//! | [`srp`] | the password proof in which no password is sent |
//! | [`challenges`] | proofs that were begun |
//! | [`account`] | what a signed-in user may do |
//! | [`tokens`] | what a token says, and how it is signed and checked |
//! | [`keys`] | the signing key, and where it is kept |
//! | [`sessions`] | who is signed in, and with which refresh token |
//! | [`users`] | who there is |

pub mod account;
pub mod challenges;
pub mod error;
pub mod http;
pub mod keys;
pub mod sessions;
pub mod sign_in;
pub mod srp;
pub mod tokens;
pub mod users;

pub mod config;
pub mod endpoint;

pub use endpoint::ENDPOINT;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use local_kit::clock::Clock;

use crate::challenges::Challenges;
use crate::config::UserPoolConfig;
use crate::error::CognitoError;
use crate::keys::PoolKey;
use crate::sessions::Sessions;
use crate::tokens::Tokens;
use crate::users::{User, Users};

/// One user pool with one app client, without a client secret. Clones share it.
#[derive(Clone, Debug)]
pub struct Cognito {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    id: String,
    client_id: String,
    issuer: String,
    token_validity: Duration,
    clock: Clock,
    key: PoolKey,
    users: Users,
    challenges: Challenges,
    sessions: Sessions,
}

/// Why a user pool can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the user pool's id `{0}` has no underscore, as in `us-east-1_Example`")]
    PoolId(String),
    #[error("the state directory `{0}` can't be made")]
    StateDirectory(String, #[source] io::Error),
    #[error("the sessions in `{0}` can't be read")]
    Sessions(String, #[source] io::Error),
    #[error("the signing key in `{0}` can't be read")]
    Key(String, #[source] io::Error),
}

impl Cognito {
    /// Opens the pool. Its key and refresh tokens are kept below `state`, if there is one; without a kept key, one is
    /// made meanwhile, on a thread of its own, and what needs it waits.
    pub fn new(
        config: &UserPoolConfig,
        issuer: String,
        state: Option<&Path>,
        clock: Clock,
    ) -> Result<Self, OpenError> {
        let pool_id = config.pool_id.clone();
        let Some((_, pool_name)) = pool_id.split_once('_') else {
            return Err(OpenError::PoolId(pool_id));
        };
        let pool = Pool {
            key: PoolKey::open(&pool_id, state)?,
            sessions: Sessions::open(&pool_id, state)?,
            users: Users::new(&pool_id, pool_name, &config.users),
            challenges: Challenges::default(),
            client_id: config.client_id.clone(),
            token_validity: config.token_validity,
            id: pool_id,
            issuer,
            clock,
        };
        Ok(Self {
            pool: Arc::new(pool),
        })
    }

    /// Answers the JSON protocol on `POST /`, and `GET /{poolId}/.well-known/…`.
    pub fn router(&self) -> axum::Router {
        http::router(self.clone())
    }

    /// The keys that tokens are checked with. Blocks while the first key is made.
    pub fn jwk_set(&self) -> Result<JwkSet, CognitoError> {
        Ok(self.pool.key.wait()?.jwk_set())
    }

    /// `iss` of the tokens.
    pub fn issuer(&self) -> &str {
        &self.pool.issuer
    }

    pub fn pool_id(&self) -> &str {
        &self.pool.id
    }

    pub fn client_id(&self) -> &str {
        &self.pool.client_id
    }

    pub fn users(&self) -> &[User] {
        self.pool.users.all()
    }

    /// Signs a user in without asking for a password. Blocks while the first key is made.
    pub fn issue_tokens(&self, username: &str) -> Result<Tokens, CognitoError> {
        let user = self
            .pool
            .users
            .find(username)
            .ok_or_else(CognitoError::incorrect)?;
        self.pool.key.wait()?;
        self.pool.sign_in(user)
    }
}
