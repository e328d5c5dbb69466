//! Where a stack keeps its files.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A directory of its user's, or one that goes with the stack.
#[derive(Debug)]
pub(crate) enum StateDirectory {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl StateDirectory {
    pub(crate) fn open(kept: Option<PathBuf>) -> Result<Self, (PathBuf, io::Error)> {
        match kept {
            Some(path) => match std::fs::create_dir_all(&path) {
                Ok(()) => Ok(Self::Kept(path)),
                Err(source) => Err((path, source)),
            },
            None => tempfile::Builder::new()
                .prefix("tokencast-local-")
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

    /// Where services keep what shall outlive the stack.
    pub(crate) fn kept(&self) -> Option<&Path> {
        match self {
            Self::Kept(path) => Some(path),
            Self::Temporary(_) => None,
        }
    }
}
