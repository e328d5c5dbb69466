//! A user pool's public keys. They are fetched when they are needed, kept, and fetched again for an unknown key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::{BoxFuture, FutureExt as _, Shared};
use http::StatusCode;
use reqwest::Client;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Deserialize;
use thiserror::Error;
use tokencast_core::time::Timestamp;
use tracing::warn;

use crate::tls::CaBundle;

/// The timeout of one fetch. Cognito answers in some 20 ms.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// The longest key set that is read. A pool has about two keys, of half a KB each.
const MAX_KEY_SET_BYTES: usize = 64 * 1024;

/// The least time between a fetch that succeeded and the next. So tokens with invented keys cost the pool nothing.
const FETCH_INTERVAL: Duration = Duration::from_secs(10);

/// The least time between a fetch that failed and the next.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// How long keys are used without another fetch, so that a key that the pool withdrew does not count for ever.
const MAX_AGE: Duration = Duration::from_hours(1);

/// The keys of one pool.
#[derive(Debug)]
pub(super) struct KeySet {
    client: Client,
    url: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The keys of the last fetch that succeeded.
    keys: Option<Keys>,
    fetched_at: Timestamp,
    /// The last fetch that failed, and when.
    failed: Option<(KeysError, Timestamp)>,
    /// The fetch under way. All callers wait for the same one.
    fetching: Option<Fetching>,
}

type Keys = Arc<HashMap<String, PublicKey>>;
type Fetching = Shared<BoxFuture<'static, Result<Keys, KeysError>>>;

/// Why there are no keys to check a token with.
#[derive(Clone, Debug, Error)]
pub enum KeysError {
    #[error("the user pool's keys were not answered")]
    Fetch(#[source] Arc<reqwest::Error>),
    #[error("the user pool's keys were answered with status {0}")]
    Status(StatusCode),
    #[error("the user pool's keys are more than {MAX_KEY_SET_BYTES} bytes")]
    TooLong,
    #[error("the user pool's keys are not a JSON Web Key Set")]
    Malformed(#[source] Arc<serde_json::Error>),
}

/// The result of looking up a key.
#[derive(Debug)]
pub(super) enum Lookup {
    Found(PublicKey),
    /// The pool has none with this id.
    Unknown,
}

/// An RSA key: modulus and exponent, big-endian.
#[derive(Clone, Debug)]
pub(super) struct PublicKey(Arc<RsaPublicKeyComponents<Vec<u8>>>);

impl PublicKey {
    /// Whether `signature` is this key's over `message`, by RS256.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .is_ok()
    }
}

impl KeySet {
    pub(super) fn new(url: String, ca_bundle: &CaBundle) -> Result<Self, reqwest::Error> {
        Ok(Self {
            client: crate::http_client::new(ca_bundle)?,
            url,
            state: Mutex::default(),
        })
    }

    /// Finds the key with this id. Fetches the keys once at most.
    pub(super) async fn find(&self, key_id: &str, now: Timestamp) -> Result<Lookup, KeysError> {
        let (kept, fetching) = self.plan(key_id, now)?;
        let keys = match (fetching, kept) {
            (None, kept) => kept,
            (Some(fetching), kept) => match (fetching.clone().await, kept) {
                (Ok(keys), _) => {
                    self.note(&fetching, Ok(&keys), now);
                    Some(keys)
                }
                (Err(error), kept) => {
                    self.note(&fetching, Err(&error), now);
                    // A key that was the pool's an hour ago most likely still is, so an outage locks nobody out.
                    match kept.filter(|kept| kept.contains_key(key_id)) {
                        Some(kept) => Some(kept),
                        None => return Err(error),
                    }
                }
            },
        };
        let found = keys.and_then(|keys| keys.get(key_id).cloned());
        Ok(found.map_or(Lookup::Unknown, Lookup::Found))
    }

    /// Returns the kept keys, and the fetch to wait for, if any: the one under way, or a new one.
    fn plan(
        &self,
        key_id: &str,
        now: Timestamp,
    ) -> Result<(Option<Keys>, Option<Fetching>), KeysError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let has_key = state
            .keys
            .as_ref()
            .is_some_and(|keys| keys.contains_key(key_id));
        let age = now.since(state.fetched_at);
        if has_key && age < MAX_AGE {
            return Ok((state.keys.clone(), None));
        }
        if let Some(fetching) = &state.fetching {
            return Ok((state.keys.clone(), Some(fetching.clone())));
        }
        if let Some((error, at)) = &state.failed
            && now.since(*at) < RETRY_INTERVAL
        {
            return if has_key {
                Ok((state.keys.clone(), None))
            } else {
                Err(error.clone())
            };
        }
        if state.keys.is_some() && age < FETCH_INTERVAL {
            return Ok((state.keys.clone(), None));
        }
        let fetching = fetch(self.client.clone(), self.url.clone())
            .boxed()
            .shared();
        state.fetching = Some(fetching.clone());
        Ok((state.keys.clone(), Some(fetching)))
    }

    /// Keeps the result of a fetch. Only the first caller that waited for it does.
    fn note(&self, fetched: &Fetching, brought: Result<&Keys, &KeysError>, now: Timestamp) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state
            .fetching
            .as_ref()
            .is_some_and(|fetching| fetching.ptr_eq(fetched))
        {
            return;
        }
        state.fetching = None;
        match brought {
            Ok(keys) => {
                state.keys = Some(keys.clone());
                state.fetched_at = now;
                state.failed = None;
            }
            Err(error) => {
                warn!(
                    error = error as &dyn std::error::Error,
                    "no keys of the user pool"
                );
                state.failed = Some((error.clone(), now));
            }
        }
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("State")
            .field("keys", &self.keys.as_ref().map(|keys| keys.len()))
            .finish_non_exhaustive()
    }
}

async fn fetch(client: Client, url: String) -> Result<Keys, KeysError> {
    let failed = |error| KeysError::Fetch(Arc::new(error));
    let request = client.get(url).timeout(FETCH_TIMEOUT);
    let mut response = request.send().await.map_err(failed)?;
    if response.status() != StatusCode::OK {
        return Err(KeysError::Status(response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_KEY_SET_BYTES {
            return Err(KeysError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    let keys = read(&body).map_err(|error| KeysError::Malformed(Arc::new(error)))?;
    Ok(Arc::new(keys))
}

/// Reads the keys of a JSON Web Key Set that can check RS256 signatures. Skips the others.
fn read(body: &[u8]) -> Result<HashMap<String, PublicKey>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Key>,
    }
    #[derive(Deserialize)]
    struct Key {
        kty: String,
        kid: Option<String>,
        alg: Option<String>,
        #[serde(rename = "use")]
        used_for: Option<String>,
        n: Option<String>,
        e: Option<String>,
    }
    let set: Set = serde_json::from_slice(body)?;
    let read = |key: Key| {
        let fits = key.kty == "RSA"
            && key.alg.is_none_or(|alg| alg == "RS256")
            && key.used_for.is_none_or(|purpose| purpose == "sig");
        let decode = |number: Option<String>| URL_SAFE_NO_PAD.decode(number?).ok();
        let components = RsaPublicKeyComponents {
            n: decode(key.n)?,
            e: decode(key.e)?,
        };
        fits.then_some((key.kid?, PublicKey(Arc::new(components))))
    };
    Ok(set.keys.into_iter().filter_map(read).collect())
}
