//! Access keys and their policies. Each function's role gets a key when it starts, as on Lambda.
//!
//! | module | what |
//! | --- | --- |
//! | [`sigv4`] | verifies the signatures of requests |
//! | [`gate`] | puts a service's router behind that check |
//! | [`own_keys`] | the stack's own access keys |
//! | `signing_keys` | a cache of SigV4 signing keys |
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

/// The access key of the event source mappings' poller, which reads the queues.
pub const EVENT_SOURCE_ACCESS_KEY_ID: &str = "AKIALOCALEVENTSOURCE";

/// A user or role with its access key.
#[derive(Clone, Debug)]
pub struct Principal {
    pub access_key_id: String,
    pub secret_access_key: String,
    /// Set for temporary credentials, such as a role's. A request must then carry it.
    pub session_token: Option<String>,
    pub account_id: String,
    /// `arn:aws:sts::A:assumed-role/ROLE/SESSION` or `arn:aws:iam::A:user/NAME`.
    pub arn: String,
    /// When the key expires, in milliseconds since the Unix epoch. `None` means never.
    pub expires_at_ms: Option<i64>,
    pub policy: Vec<Statement>,
}

/// One `Allow` statement of a policy. `*` matches any run of characters.
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

/// The access keys that exist. Clones share them.
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

    /// Removes the key. Requests signed with it are refused from now on.
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

    /// The key that the principal signs with on one day. `None` if the secret can't be made into a key.
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

/// Random text of hexadecimal digits that nobody can guess.
pub fn random_text(length: usize) -> String {
    let mut text = String::new();
    while text.len() < length {
        text.push_str(&uuid::Uuid::new_v4().simple().to_string());
    }
    text.truncate(length);
    text
}

/// Whether `text` matches `pattern`, in which `*` matches any run of characters.
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
