//! The stack's own access keys: the developer's, for SDKs and the AWS CLI, and the key of Lambda's poller.

use std::io;
use std::path::{Path, PathBuf};

use local_kit::private_files;

use super::{CredentialStore, EVENT_SOURCE_ACCESS_KEY_ID, Principal, Statement, random_text};

/// The name of the developer's credentials file in the stack's directory (`AWS_SHARED_CREDENTIALS_FILE`).
pub const CREDENTIALS_FILE: &str = "credentials";

const KEY_ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";

/// The keys that exist for as long as the stack runs.
#[derive(Clone, Debug)]
pub struct OwnKeys {
    /// The developer's principal, which may do everything.
    pub developer: Principal,
    /// The developer's key in the format that SDKs read.
    pub credentials_file: PathBuf,
    /// The principal of the event source mappings, which read the queues.
    pub poller: Principal,
}

impl OwnKeys {
    /// Reads the developer's key from `directory`, or makes a new one and stores it there.
    ///
    /// # Errors
    ///
    /// The credentials file can't be read or written.
    pub fn open(directory: &Path, account_id: &str, store: &CredentialStore) -> io::Result<Self> {
        let credentials_file = directory.join(CREDENTIALS_FILE);
        let kept = std::fs::read_to_string(&credentials_file)
            .ok()
            .and_then(|text| parse(&text));
        let (key_id, secret) = if let Some(kept) = kept {
            kept
        } else {
            let id = format!("AKIA{}", random_text(16).to_ascii_uppercase());
            let made = (id, random_text(40));
            private_files::write(&credentials_file, to_text(&made.0, &made.1).as_bytes())?;
            made
        };
        let developer = user(account_id, "developer", key_id, secret, "*");
        let poller_id = EVENT_SOURCE_ACCESS_KEY_ID.to_owned();
        let poller = user(
            account_id,
            "event-source",
            poller_id,
            random_text(40),
            "sqs:*",
        );
        store.insert(developer.clone());
        store.insert(poller.clone());
        Ok(Self {
            developer,
            credentials_file,
            poller,
        })
    }
}

fn user(account_id: &str, name: &str, key_id: String, secret: String, action: &str) -> Principal {
    Principal {
        access_key_id: key_id,
        secret_access_key: secret,
        session_token: None,
        account_id: account_id.to_owned(),
        arn: format!("arn:aws:iam::{account_id}:user/{name}"),
        expires_at_ms: None,
        policy: vec![Statement {
            actions: vec![action.to_owned()],
            resources: vec!["*".to_owned()],
        }],
    }
}

/// The text of a credentials file with one profile.
pub fn to_text(access_key_id: &str, secret_access_key: &str) -> String {
    format!("[default]\n{KEY_ID} = {access_key_id}\n{SECRET} = {secret_access_key}\n")
}

/// Reads the key id and the secret from a text that [`to_text`] wrote.
pub fn parse(text: &str) -> Option<(String, String)> {
    let value = |wanted: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.trim() == wanted)?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    Some((value(KEY_ID)?, value(SECRET)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_with_its_directory() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = CredentialStore::default();
        let open = || {
            let keys = OwnKeys::open(directory.path(), "000000000000", &store).expect("keys");
            assert!(store.find(&keys.developer.access_key_id).is_some());
            (keys.developer, keys.credentials_file)
        };
        let (first, path) = open();
        assert_eq!(open().0.secret_access_key, first.secret_access_key);
        assert_eq!(first.secret_access_key.len(), 40);
        std::fs::write(&path, "[default]\n").expect("written");
        let (second, _) = open();
        assert_ne!(second.secret_access_key, first.secret_access_key);
        assert_ne!(second.access_key_id, first.access_key_id);
    }
}
