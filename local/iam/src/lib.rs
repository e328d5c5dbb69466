//! Access keys, and what each may do. A function's role gets one at start, as on Lambda.
//!
//! | module | what |
//! | --- | --- |
//! | [`sigv4`] | signatures of requests, verified |
//! | [`gate`] | a service's router behind that check |
//! | [`own_keys`] | the stack's own keys |
//! | `signing_keys` | the keys of a day |
//! | `testing` | access keys and AWS's own signer, for tests |

pub mod gate;
pub mod own_keys;
mod signing_keys;
pub mod sigv4;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use chrono::NaiveDate;
use scratchstack_aws_signature::KSigningKey;

use signing_keys::SigningKeys;

/// Of the event source mappings' own poller, which reads the queues.
pub const EVENT_SOURCE_ACCESS_KEY_ID: &str = "AKIALOCALEVENTSOURCE";

/// Whoever signs with an access key.
#[derive(Clone, Debug)]
pub struct Principal {
    pub access_key_id: String,
    pub secret_access_key: String,
    /// Set for temporary credentials, such as a role's; a request must then carry it.
    pub session_token: Option<String>,
    pub account_id: String,
    /// `arn:aws:sts::A:assumed-role/ROLE/SESSION` or `arn:aws:iam::A:user/NAME`.
    pub arn: String,
    /// When the key stops working, in milliseconds since the Unix epoch; `None` is never.
    pub expires_at_ms: Option<i64>,
    pub policy: Vec<Statement>,
}

/// One `Allow` statement of a policy. `*` stands for any run of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub actions: Vec<String>,
    pub resources: Vec<String>,
}

impl Principal {
    pub fn allows(&self, action: &str, resource: &str) -> bool {
        self.policy.iter().any(|statement| {
            statement
                .actions
                .iter()
                .any(|pattern| matches(pattern, action))
                && statement
                    .resources
                    .iter()
                    .any(|pattern| matches(pattern, resource))
        })
    }
}

/// The access keys that exist.
#[derive(Clone, Debug, Default)]
pub struct CredentialStore {
    principals: Arc<RwLock<HashMap<String, Arc<Principal>>>>,
    signing_keys: SigningKeys,
}

impl CredentialStore {
    pub fn insert(&self, principal: Principal) {
        let mut principals = self
            .principals
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        principals.insert(principal.access_key_id.clone(), Arc::new(principal));
    }

    /// From now on the key is unknown.
    pub fn remove(&self, access_key_id: &str) {
        let mut principals = self
            .principals
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        principals.remove(access_key_id);
    }

    pub fn find(&self, access_key_id: &str) -> Option<Arc<Principal>> {
        let principals = self
            .principals
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        principals.get(access_key_id).cloned()
    }

    /// What the principal signs with on one day. `None`: no key can be made of its secret.
    pub fn signing_key(
        &self,
        principal: &Arc<Principal>,
        date: NaiveDate,
        region: &str,
        service: &str,
    ) -> Option<KSigningKey> {
        self.signing_keys.get(principal, date, region, service)
    }
}

/// Text that nobody can guess: digits and the letters to `f`.
pub fn random_text(length: usize) -> String {
    let mut text = String::new();
    while text.len() < length {
        text.push_str(&uuid::Uuid::new_v4().simple().to_string());
    }
    text.truncate(length);
    text
}

/// Whether `text` is what `pattern` means, in which `*` stands for any run of characters.
pub fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => {
            let Some(rest) = text.strip_prefix(before) else {
                return false;
            };
            (0..=rest.len())
                .filter(|at| rest.is_char_boundary(*at))
                .any(|at| matches(after, &rest[at..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_with_stars_anywhere() {
        let field =
            "arn:aws:appsync:us-east-1:000000000000:apis/local/types/Mutation/fields/publishToken";
        for (pattern, expected) in [
            ("*", true),
            (field, true),
            (
                "arn:aws:appsync:us-east-1:000000000000:apis/*/fields/publishToken",
                true,
            ),
            ("arn:aws:appsync:*:apis/local/types/Mutation/*", true),
            (
                "arn:aws:appsync:us-east-1:000000000000:apis/local/types/Query/*",
                false,
            ),
            ("arn:aws:appsync", false),
        ] {
            assert_eq!(matches(pattern, field), expected, "{pattern}");
        }
    }
}
