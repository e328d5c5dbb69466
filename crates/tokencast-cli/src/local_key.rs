//! The access key of a `tokencast dev` that is running, where another command of the same user finds it.
//!
//! It is below a directory of the user's own, and never below the system's temporary one, where others could put a file first.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use local_stack::iam::own_keys;
use local_stack::private_files;

use crate::stack::StackInfo;

/// A key that can be found for as long as this is there.
#[derive(Debug)]
pub struct PublishedKey {
    file: Option<PathBuf>,
}

impl PublishedKey {
    /// Without a directory to write to, `redrive --local` takes the key from the AWS environment.
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

/// Id and secret of the stack that has this port.
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
