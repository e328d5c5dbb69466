//! The sessions and their refresh tokens. They are stored in the state directory, so that a restart signs nobody out.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use local_kit::private_files;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::OpenError;
use crate::error::CognitoError;

/// Cognito's default: 30 days.
const VALID_SECONDS: i64 = 30 * 24 * 60 * 60;
/// At this limit the oldest session is ended, so that a long-running stack doesn't grow.
const MAX_SESSIONS: usize = 2_000;

#[derive(Debug)]
pub(crate) struct Sessions {
    file: Option<PathBuf>,
    /// By the hash of the refresh token, because only the user has the token itself.
    by_token: Mutex<HashMap<String, Session>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The `origin_jti` of all tokens of the session.
    pub origin_jti: String,
    pub username: String,
    /// Seconds since the Unix epoch.
    pub signed_in_at: i64,
    /// A revoked session is remembered until it would have expired, because its access tokens may still be used.
    pub revoked: bool,
}

impl Sessions {
    pub(crate) fn open(pool_id: &str, state: Option<&Path>) -> Result<Self, OpenError> {
        let file = state.map(|state| state.join(format!("cognito-{pool_id}-sessions.json")));
        let by_token = match &file {
            Some(file) if file.exists() => {
                let read = |error| OpenError::Sessions(file.display().to_string(), error);
                serde_json::from_slice(&std::fs::read(file).map_err(read)?)
                    .map_err(|error| read(error.into()))?
            }
            _ => HashMap::new(),
        };
        Ok(Self {
            file,
            by_token: Mutex::new(by_token),
        })
    }

    pub(crate) fn add(&self, refresh_token: &str, session: Session) -> Result<(), CognitoError> {
        let mut sessions = self.lock();
        sessions.retain(|_, other| session.signed_in_at - other.signed_in_at < VALID_SECONDS);
        if sessions.len() >= MAX_SESSIONS {
            let oldest = sessions
                .iter()
                .min_by_key(|(_, session)| session.signed_in_at)
                .map(|(hash, _)| hash.clone());
            sessions.remove(&oldest.unwrap_or_default());
        }
        sessions.insert(hash(refresh_token), session);
        self.save(&sessions)
    }

    /// The session of a refresh token that is valid.
    pub(crate) fn resume(
        &self,
        refresh_token: &str,
        now_seconds: i64,
    ) -> Result<Session, CognitoError> {
        let session = self.lock().get(&hash(refresh_token)).cloned();
        let session =
            session.ok_or_else(|| CognitoError::not_authorized("Invalid Refresh Token"))?;
        if session.revoked {
            return Err(CognitoError::not_authorized(
                "Refresh Token has been revoked",
            ));
        }
        if now_seconds - session.signed_in_at >= VALID_SECONDS {
            return Err(CognitoError::not_authorized("Refresh Token has expired"));
        }
        Ok(session)
    }

    pub(crate) fn revoke(&self, refresh_token: &str) -> Result<(), CognitoError> {
        let hash = hash(refresh_token);
        self.revoke_where(|token, _| *token == hash)
    }

    pub(crate) fn revoke_all(&self, username: &str) -> Result<(), CognitoError> {
        self.revoke_where(|_, session| session.username == username)
    }

    /// Whether the session was revoked. Unknown sessions count as revoked.
    pub(crate) fn is_revoked(&self, origin_jti: &str) -> bool {
        self.lock()
            .values()
            .find(|session| session.origin_jti == origin_jti)
            .is_none_or(|session| session.revoked)
    }

    fn revoke_where(&self, meant: impl Fn(&String, &Session) -> bool) -> Result<(), CognitoError> {
        let mut sessions = self.lock();
        for (token, session) in sessions.iter_mut() {
            session.revoked |= meant(token, session);
        }
        self.save(&sessions)
    }

    /// Called under the lock, so that an older state never overwrites a newer one.
    fn save(&self, sessions: &HashMap<String, Session>) -> Result<(), CognitoError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let written = serde_json::to_vec(sessions)
            .map_err(io::Error::from)
            .and_then(|json| private_files::write(file, &json));
        written.map_err(|error| {
            tracing::error!(%error, file = %file.display(), "the user pool's sessions can't be kept");
            CognitoError::internal("The session can't be kept.")
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.by_token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token))
}
