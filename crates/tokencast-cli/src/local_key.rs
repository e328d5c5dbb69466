//! Publishes the access key of a running `tokencast dev`, where other commands of the same user find it.
//!
//! The file is in a directory of the user's own. It is never in the system's temporary directory, where others could
//! put a file first.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use local_stack::iam::own_keys;
use local_stack::private_files;

use crate::stack::StackInfo;

/// A published key. Others find it until this value is dropped.
#[derive(Debug)]
pub struct PublishedKey {
    file: Option<PathBuf>,
}

impl PublishedKey {
    /// Writes the key. Without a directory to write to, `redrive --local` takes the key from the AWS environment.
    pub fn publish(stack: &StackInfo, lookup: &impl Fn(&str) -> Option<String>) -> Self {
        let port = stack.endpoints.address.port();
        let Some(file) = path(port, lookup) else {
            return Self { file: None };
        };
        let key = &stack.access_key;
        let written = || {
            if let Some(directory) = file.parent() {
                let mut builder = DirBuilder::new();
                builder.recursive(true).mode(0o700).create(directory)?;
            }
            let text = own_keys::to_text(&key.id, &key.secret);
            private_files::write(&file, text.as_bytes())
        };
        match written() {
            Ok(()) => Self { file: Some(file) },
            Err(error) => {
                tracing::warn!(%error, file = %file.display(), "`redrive --local` won't find the access key");
                Self { file: None }
            }
        }
    }
}

impl Drop for PublishedKey {
    fn drop(&mut self) {
        if let Some(file) = &self.file
            && let Err(error) = std::fs::remove_file(file)
        {
            tracing::debug!(%error, file = %file.display(), "not removed");
        }
    }
}

/// Returns the id and secret of the stack on this port.
pub fn find(port: u16, lookup: &impl Fn(&str) -> Option<String>) -> Option<(String, String)> {
    let text = std::fs::read_to_string(path(port, lookup)?).ok()?;
    own_keys::parse(&text)
}

fn path(port: u16, lookup: &impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let directory = |name: &str| lookup(name).filter(|value| value.starts_with('/'));
    let own = directory("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .or_else(|| directory("HOME").map(|home| PathBuf::from(home).join(".cache")))?;
    Some(own.join("tokencast").join(format!("{port}.credentials")))
}
