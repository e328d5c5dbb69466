//! Why a step failed.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum TaskError {
    #[error("`{program}` can't be started; {hint}")]
    Start {
        program: String,
        hint: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("`{program}` ended with {status}")]
    Ended { program: String, status: ExitStatus },
    #[error("{} can't be {verb}", path.display())]
    File {
        verb: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is not JSON", path.display())]
    Json {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("{} can't be zipped", path.display())]
    Zip {
        path: PathBuf,
        #[source]
        source: zip::result::ZipError,
    },
    #[error("{} is no program for Linux", path.display())]
    Elf {
        path: PathBuf,
        #[source]
        source: object::Error,
    },
    /// Says what is wrong, and what to do about it.
    #[error("{0}")]
    Advice(String),
}

impl TaskError {
    pub fn file(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { verb, path, source }
    }
}
