//! Cognito user pools, as far as a sign-in needs them.
//!
//! | module | what |
//! | --- | --- |
//! | `http` | the actions over HTTP, and the documents that token verifiers fetch |
//! | `sign_in` | exchanges a password or a refresh token for tokens |
//! | `srp` | the sign-in that doesn't send the password |
//! | `challenges` | open SRP challenges |
//! | `account` | what a signed-in user may do |
//! | `tokens` | the tokens' claims, and how tokens are signed and verified |
//! | `keys` | the signing key and its file |
//! | `sessions` | the sessions and their refresh tokens |
//! | `users` | the pool's users |

mod account;
mod challenges;
mod error;
mod http;
mod keys;
mod sessions;
mod sign_in;
mod srp;
mod tokens;
mod users;

pub mod config;
mod endpoint;

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

/// One user pool with one app client, which has no secret. Clones share it.
///
/// ```no_run
/// use local_cognito::Cognito;
/// use local_cognito::config::UserPoolConfig;
/// use local_kit::clock::Clock;
///
/// # async fn example(pool: UserPoolConfig, issuer: String) -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let cognito = Cognito::new(&pool, issuer, None, Clock::system())?;
/// axum::serve(listener, cognito.router()).await?;
/// # Ok(())
/// # }
/// ```
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
    /// Opens the pool. If there is a directory `state`, the key and the refresh tokens are stored there. A missing key
    /// is generated on its own thread; what needs the key waits for it.
    ///
    /// # Errors
    ///
    /// A stored file can't be read.
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
            key: PoolKey::open(config, state)?,
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

    /// Serves the JSON protocol on `POST /`, and `GET /{poolId}/.well-known/…`.
    pub fn router(&self) -> axum::Router {
        http::router(self.clone())
    }

    /// The public keys that verify the tokens. Blocks while the first key is generated.
    ///
    /// # Errors
    ///
    /// The key couldn't be generated.
    pub fn jwk_set(&self) -> Result<JwkSet, CognitoError> {
        Ok(self.pool.key.wait()?.jwk_set())
    }

    /// The tokens' `iss`.
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

    /// Signs a user in without a password. Blocks while the first key is generated.
    ///
    /// # Errors
    ///
    /// There is no such user, or the key couldn't be generated.
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
