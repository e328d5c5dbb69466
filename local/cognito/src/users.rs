//! The pool's users, who come from the configuration.

use std::collections::HashMap;
use std::sync::OnceLock;

use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

use crate::config::UserConfig;
use crate::srp;

#[derive(Debug)]
pub(crate) struct Users {
    pool_name: String,
    all: Vec<User>,
    /// By user name and by e-mail address, in lower case.
    by_name: HashMap<String, usize>,
}

pub struct User {
    pub username: String,
    /// Stable over restarts, because it is derived from the pool and the user name.
    pub sub: String,
    pub email: String,
    pub groups: Vec<String>,
    password: String,
    /// Computed at the user's first SRP sign-in.
    verifier: OnceLock<Verifier>,
}

/// What a server needs to check an SRP proof.
#[derive(Clone, Debug)]
pub(crate) struct Verifier {
    pub salt: BigUint,
    pub verifier: BigUint,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("username", &self.username)
            .field("sub", &self.sub)
            .finish_non_exhaustive()
    }
}

impl Users {
    pub(crate) fn new(pool_id: &str, pool_name: &str, users: &[UserConfig]) -> Self {
        let all: Vec<User> = users.iter().map(|user| User::new(pool_id, user)).collect();
        let mut by_name = HashMap::new();
        for (at, user) in all.iter().enumerate() {
            by_name.entry(user.email.to_lowercase()).or_insert(at);
        }
        // A user's name takes precedence over another user's e-mail address.
        for (at, user) in all.iter().enumerate() {
            by_name.insert(user.username.to_lowercase(), at);
        }
        Self {
            pool_name: pool_name.to_owned(),
            all,
            by_name,
        }
    }

    pub(crate) fn all(&self) -> &[User] {
        &self.all
    }

    /// Finds a user by name, e-mail address or `sub`.
    pub(crate) fn find(&self, name: &str) -> Option<&User> {
        let by_name = self
            .by_name
            .get(&name.to_lowercase())
            .and_then(|at| self.all.get(*at));
        by_name.or_else(|| self.all.iter().find(|user| user.sub == name))
    }

    /// The part of the pool's id that SRP proofs contain.
    pub(crate) fn pool_name(&self) -> &str {
        &self.pool_name
    }

    pub(crate) fn verifier(&self, user: &User) -> Verifier {
        let make = || {
            let salt = srp::random(16);
            let verifier = srp::verifier(&self.pool_name, &user.username, &user.password, &salt);
            Verifier { salt, verifier }
        };
        user.verifier.get_or_init(make).clone()
    }
}

impl User {
    fn new(pool_id: &str, config: &UserConfig) -> Self {
        Self {
            username: config.username.clone(),
            sub: sub(pool_id, &config.username),
            email: config.email.clone(),
            groups: config.groups.clone(),
            password: config.password.clone(),
            verifier: OnceLock::new(),
        }
    }

    pub fn has_password(&self, password: &str) -> bool {
        // Compares hashes, so that the time it takes tells nothing about the password.
        Sha256::digest(password.as_bytes()) == Sha256::digest(self.password.as_bytes())
    }
}

pub(crate) fn sub(pool_id: &str, username: &str) -> String {
    let digest = Sha256::new()
        .chain_update(pool_id)
        .chain_update([0])
        .chain_update(username.to_lowercase())
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}
