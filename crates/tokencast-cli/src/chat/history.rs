//! The file with the lines of earlier chats.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use local_stack::private_files;

/// Returns the file, which only its owner may read. `None`: the environment names no directory for it.
///
/// # Errors
///
/// The file can't be created.
pub(super) fn file(lookup: &impl Fn(&str) -> Option<String>) -> io::Result<Option<PathBuf>> {
    let directory = |name: &str| lookup(name).filter(|value| value.starts_with('/'));
    let state = directory("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| directory("HOME").map(|home| PathBuf::from(home).join(".local/state")));
    let Some(state) = state else {
        return Ok(None);
    };
    let directory = state.join("tokencast");
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(&directory)?;
    let file = directory.join("chat_history");
    private_files::open(&file)?;
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_file_is_private_and_in_the_state_directory() {
        let directory = std::env::temp_dir().join(format!("history-{}", uuid::Uuid::new_v4()));
        let home = directory.display().to_string();
        for (variable, expected) in [
            ("XDG_STATE_HOME", "tokencast/chat_history"),
            ("HOME", ".local/state/tokencast/chat_history"),
        ] {
            let lookup = |name: &str| (name == variable).then(|| home.clone());
            let path = file(&lookup).expect("created").expect("a path");
            assert_eq!(path, directory.join(expected));
            let mode = |path: &std::path::Path| {
                let metadata = path.metadata().expect("it is there");
                metadata.permissions().mode() & 0o777
            };
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(path.parent().expect("a directory")), 0o700);
        }
        std::fs::remove_dir_all(&directory).expect("removed");
        assert_eq!(file(&|_| None).expect("no error"), None);
    }
}
