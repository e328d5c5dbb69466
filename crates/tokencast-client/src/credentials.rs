//! Where the token comes from that every call carries.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Semaphore;

use crate::bounds::{FRESH, RENEW_BEFORE};
use crate::cognito::{self, SignInError, Tokens, UserPool};
use crate::error::Error;
use crate::wall_clock::WallClock;

/// Who is calling.
#[derive(Clone)]
#[non_exhaustive]
pub enum Credentials {
    /// A JWT of the user pool, ID or access token. It is used as it is.
    Token(String),
    /// A user, who is signed in at the first call; tokens are renewed before they end.
    User {
        /// Where the user signs in.
        pool: UserPool,
        /// The user's name or alias.
        username: String,
        /// With a pool id it never leaves the machine (SRP).
        password: String,
    },
}

impl Credentials {
    /// A JWT of the user pool, used as it is.
    pub fn token(token: impl Into<String>) -> Self {
        Self::Token(token.into())
    }

    /// A user, who is signed in at the first call.
    ///
    /// ```no_run
    /// use tokencast_client::{Credentials, cognito::UserPool};
    ///
    /// let pool = UserPool::aws("us-east-1", "the app client's id", Some("us-east-1_AbCdEfGhI".into()));
    /// let credentials = Credentials::user(pool, "alice", "her password");
    /// ```
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
    wall_clock: WallClock,
    held: Mutex<Held>,
    /// Held while signing in, so that many callers sign in once.
    signing_in: Semaphore,
}

/// What a user's sign-in has given.
#[derive(Debug, Default)]
struct Held {
    tokens: Option<(Tokens, SystemTime)>,
    /// Counts the tokens; 0 before the first.
    generation: u64,
    is_refused: bool,
    replaced_refused: bool,
}

impl TokenProvider {
    pub(crate) fn new(credentials: Credentials, wall_clock: WallClock) -> Self {
        Self {
            credentials,
            wall_clock,
            held: Mutex::default(),
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
        let refresh_token = self.with_held(|held| {
            let (tokens, _) = held.tokens.as_ref()?;
            tokens.refresh_token.clone()
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
        let now = self.wall_clock.now();
        self.with_held(|held| {
            held.tokens = Some((tokens, now));
            held.generation += 1;
            held.replaced_refused = std::mem::take(&mut held.is_refused);
        });
        Ok(token)
    }

    /// Which token a request is about to carry, for [`TokenProvider::renews_after`].
    pub(crate) fn generation(&self) -> u64 {
        self.with_held(|held| held.generation)
    }

    /// Whether a request that took its token when the generation was `seen` failed for that token, and another may help.
    pub(crate) fn renews_after(&self, error: &Error, seen: u64) -> bool {
        matches!(error, Error::Unauthorized { .. }) && self.refused(seen)
    }

    fn refused(&self, seen: u64) -> bool {
        self.with_held(|held| {
            if seen != 0 && seen != held.generation {
                // Another request was refused, too, and the token is new already.
                return true;
            }
            let Some((tokens, at)) = &held.tokens else {
                return false;
            };
            // Only the access token is worthless; the refresh token may be good.
            let may_help = !held.replaced_refused || self.age(tokens, *at) >= FRESH;
            held.is_refused |= may_help;
            may_help
        })
    }

    fn current(&self) -> Option<String> {
        self.with_held(|held| {
            let (tokens, at) = held.tokens.as_ref().filter(|_| !held.is_refused)?;
            // A pool may give tokens that live for less than the margin: these are used for half of their life.
            let margin = RENEW_BEFORE.min(tokens.lifetime / 2);
            (self.age(tokens, *at) + margin < tokens.lifetime).then(|| tokens.access_token.clone())
        })
    }

    /// By the clock that has gone further: the monotonic one stands still while the machine sleeps.
    fn age(&self, tokens: &Tokens, at: SystemTime) -> Duration {
        tokens.obtained_at.elapsed().max(self.wall_clock.since(at))
    }

    fn with_held<T>(&self, work: impl FnOnce(&mut Held) -> T) -> T {
        work(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
