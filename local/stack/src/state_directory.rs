//! A stack's directory. It holds prompts, responses and keys, so other users of the machine can't read it.

use std::fs::{DirBuilder, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

const OWNER_ONLY: u32 = 0o700;
const FILE_OF_OWNER_ONLY: u32 = 0o600;
/// The permissions of other users.
const OTHERS: u32 = 0o077;

/// What the names of a stack's files begin with.
const OWN_FILES: [&str; 6] = [
    "amplify_outputs.json",
    "ca.",
    "cognito-",
    "credentials",
    "dynamodb.sqlite",
    "sqs.jsonl",
];

/// A directory of the user's, or a temporary one that ends with the stack.
#[derive(Debug)]
pub(crate) enum StateDirectory {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl StateDirectory {
    pub(crate) fn open(kept: Option<PathBuf>) -> Result<Self, (PathBuf, io::Error)> {
        match kept {
            Some(path) => match keep(&path) {
                Ok(()) => Ok(Self::Kept(path)),
                Err(source) => Err((path, source)),
            },
            None => tempfile::Builder::new()
                .prefix("tokencast-local-")
                .permissions(Permissions::from_mode(OWNER_ONLY))
                .tempdir()
                .map(Self::Temporary)
                .map_err(|source| (std::env::temp_dir(), source)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(directory) => directory.path(),
        }
    }

    /// The directory for what shall outlive the stack.
    pub(crate) fn kept(&self) -> Option<&Path> {
        match self {
            Self::Kept(path) => Some(path),
            Self::Temporary(_) => None,
        }
    }
}

/// Creates a directory, or accepts one that nobody else can have prepared, and closes it to other users.
fn keep(path: &Path) -> io::Result<()> {
    // Without a trailing `/` or `/.`, which would make the system follow a link.
    let path = &*path.components().collect::<PathBuf>();
    let Some(found) = metadata(path)? else {
        return DirBuilder::new()
            .recursive(true)
            .mode(OWNER_ONLY)
            .create(path);
    };
    let refuse = |why: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if found.is_symlink() {
        return refuse("it is a symbolic link: name the directory that it leads to".to_owned());
    }
    if !found.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            "it is not a directory",
        ));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return refuse("it belongs to another user".to_owned());
    }
    let (own, others): (Vec<_>, Vec<_>) = std::fs::read_dir(path)?
        .collect::<io::Result<Vec<_>>>()?
        .into_iter()
        .partition(|entry| is_own(&entry.file_name().to_string_lossy()));
    if found.mode() & OTHERS != 0 {
        // The directory may be a project's or a home directory, whose permissions a stack mustn't change.
        if own.is_empty() && !others.is_empty() {
            let mode = found.mode() & 0o777;
            return refuse(format!(
                "it is open to other users (mode {mode:o}) and holds files that are not a stack's: name a directory of its \
                 own, or close this one (`chmod 700`)"
            ));
        }
        std::fs::set_permissions(path, Permissions::from_mode(OWNER_ONLY))?;
    }
    for entry in own {
        let file = entry.path();
        let found = entry.metadata()?;
        if !found.is_file() {
            return refuse(format!("`{}` is not a plain file", file.display()));
        }
        if found.mode() & OTHERS != 0 {
            std::fs::set_permissions(&file, Permissions::from_mode(FILE_OF_OWNER_ONLY))?;
        }
    }
    Ok(())
}

fn is_own(name: &str) -> bool {
    OWN_FILES.iter().any(|own| name.starts_with(own))
}

/// Of the path itself, not of a link's target.
fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    match std::fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::symlink_metadata(path).expect("there").mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
    }

    /// Checks that a directory is accepted as `prepare` leaves it, or refused with a message that contains `refused`.
    fn check(prepare: impl Fn(&Path), refused: Option<&str>) {
        let parent = tempfile::tempdir().expect("a directory");
        let path = parent.path().join("state");
        prepare(&path);
        match (StateDirectory::open(Some(path.clone())), refused) {
            (Ok(_), None) => {
                assert_eq!(mode(&path), 0o700);
                for entry in std::fs::read_dir(&path).expect("readable").flatten() {
                    if is_own(&entry.file_name().to_string_lossy()) {
                        assert_eq!(mode(&entry.path()), 0o600, "{entry:?}");
                    }
                }
            }
            (Err((_, error)), Some(words)) => {
                assert!(error.to_string().contains(words), "{error}");
            }
            (got, expected) => panic!("{got:?}, expected {expected:?}"),
        }
    }

    fn made(path: &Path, mode: u32, files: &[&str]) {
        std::fs::create_dir(path).expect("made");
        for file in files {
            let file = path.join(file);
            std::fs::write(&file, "kept").expect("written");
            set_mode(&file, 0o644);
        }
        set_mode(path, mode);
    }

    #[test]
    fn a_directory_is_closed_to_others_or_refused() {
        check(|_| {}, None);
        check(|path| made(path, 0o755, &[]), None);
        let own = ["sqs.jsonl", "dynamodb.sqlite-wal", "cognito-x.pem"];
        check(|path| made(path, 0o755, &own), None);
        check(|path| made(path, 0o755, &["sqs.jsonl", "notes.txt"]), None);
        check(|path| made(path, 0o700, &["notes.txt"]), None);
        check(
            |path| made(path, 0o755, &["Cargo.toml"]),
            Some("open to other users (mode 755)"),
        );
        check(
            |path| std::fs::write(path, "").expect("written"),
            Some("not a directory"),
        );
        check(
            |path| {
                let real = path.with_file_name("real");
                made(&real, 0o700, &[]);
                symlink(real, path).expect("linked");
            },
            Some("symbolic link"),
        );
        check(
            |path| {
                made(path, 0o700, &[]);
                symlink("/dev/null", path.join("dynamodb.sqlite")).expect("linked");
            },
            Some("is not a plain file"),
        );
    }

    #[test]
    fn a_temporary_one_is_closed_and_goes() {
        let directory = StateDirectory::open(None).expect("a directory");
        let path = directory.path().to_owned();
        assert_eq!(mode(&path), 0o700);
        drop(directory);
        assert!(!path.exists());
    }
}
