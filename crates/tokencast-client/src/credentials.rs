//! Where the token comes from that every call carries.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::cognito::{self, SignInError, Tokens, UserPool};
use crate::error::Error;

/// How long before its end a token is no longer used.
const RENEW_BEFORE: Duration = Duration::from_mins(1);
/// A token younger than this that is refused isn't refused for its age.
const FRESH: Duration = Duration::from_secs(30);

/// Who is calling.
#[derive(Clone)]
#[non_exhaustive]
pub enum Credentials {
    /// A JWT of the user pool, ID or access token. It is used as it is.
    Token(String),
    /// A user, who is signed in at the first call; tokens are renewed before they end.
    User {
        pool: UserPool,
        username: String,
        password: String,
    },
}

impl Credentials {
    pub fn token(token: impl Into<String>) -> Self {
        Self::Token(token.into())
    }

    pub fn user(pool: UserPool, username: impl Into<String>, password: impl Into<String>) -> Self {
        Self::User {
            pool,
            username: username.into(),
            password: password.into(),
        }
    }
}

impl std::fmt::Debug for Credentials {
    /// Without what is secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Token(_) => formatter.write_str("Token(..)"),
            Self::User { pool, username, .. } => formatter
                .debug_struct("User")
                .field("pool", pool)
                .field("username", username)
                .finish_non_exhaustive(),
        }
    }
}

/// Hands out a token that is good for a minute at least.
#[derive(Debug)]
pub(crate) struct TokenProvider {
    credentials: Credentials,
    tokens: Mutex<Option<Tokens>>,
    /// Held while signing in, so that many callers sign in once.
    signing_in: Semaphore,
}

impl TokenProvider {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            tokens: Mutex::new(None),
            signing_in: Semaphore::new(1),
        }
    }

    pub(crate) async fn token(&self, http: &reqwest::Client) -> Result<String, Error> {
        let (pool, username, password) = match &self.credentials {
            Credentials::Token(token) => return Ok(token.clone()),
            Credentials::User {
                pool,
                username,
                password,
            } => (pool, username, password),
        };
        if let Some(token) = self.current() {
            return Ok(token);
        }
        let _permit = self
            .signing_in
            .acquire()
            .await
            .expect("the semaphore is never closed");
        if let Some(token) = self.current() {
            return Ok(token);
        }
        let refresh_token = self.with_tokens(|tokens| {
            tokens
                .as_ref()
                .and_then(|tokens| tokens.refresh_token.clone())
        });
        let refreshed = match refresh_token {
            Some(refresh_token) => match cognito::refresh(http, pool, &refresh_token).await {
                Ok(tokens) => Some(tokens),
                // Revoked, or at its end: the password is still there.
                Err(SignInError::NotAuthorized { .. }) => None,
                Err(error) => return Err(error.into()),
            },
            None => None,
        };
        let tokens = match refreshed {
            Some(tokens) => tokens,
            None => cognito::sign_in(http, pool, username, password).await?,
        };
        let token = tokens.access_token.clone();
        self.with_tokens(|slot| *slot = Some(tokens));
        Ok(token)
    }

    /// The API refused the token. Whether asking for another may help.
    pub(crate) fn refused(&self) -> bool {
        self.with_tokens(|slot| match slot {
            Some(tokens) if tokens.obtained_at.elapsed() >= FRESH => {
                // Only the access token is worthless; the refresh token may be good.
                tokens.lifetime = Duration::ZERO;
                true
            }
            _ => false,
        })
    }

    fn current(&self) -> Option<String> {
        self.with_tokens(|tokens| {
            let tokens = tokens.as_ref()?;
            // A pool may give tokens that live for less than the margin: these are used for half of their life.
            let margin = RENEW_BEFORE.min(tokens.lifetime / 2);
            (tokens.obtained_at.elapsed() + margin < tokens.lifetime)
                .then(|| tokens.access_token.clone())
        })
    }

    fn with_tokens<T>(&self, work: impl FnOnce(&mut Option<Tokens>) -> T) -> T {
        work(&mut self.tokens.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
