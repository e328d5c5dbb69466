//! Development builds of the functions, in the layout of the packaged ones. They take less time to build, and are never
//! deployed: a distribution's glibc may be newer than Lambda's.

use std::fs;
use std::path::PathBuf;

use super::{FUNCTIONS, archive, copy};
use crate::error::TaskError;
use crate::process::{answers, cargo, command, root, run};

/// Builds the functions, and writes an archive for each.
///
/// # Errors
///
/// They can't be built, or a file can't be written.
pub fn package() -> Result<(), TaskError> {
    // As the tests build them: with the features of the whole workspace.
    let bins = FUNCTIONS.iter().flat_map(|function| ["--bin", function]);
    let args: Vec<_> = ["build", "--locked", "--workspace"]
        .into_iter()
        .chain(bins)
        .collect();
    run(cargo(&args))?;
    for function in FUNCTIONS {
        let directory = directory().join(function);
        fs::create_dir_all(&directory).map_err(TaskError::file("made", &directory))?;
        let bootstrap = directory.join("bootstrap");
        copy(&root().join("target/debug").join(function), &bootstrap)?;
        // Debug information is most of a development build.
        let mut strip = command("strip", &[]);
        strip.arg(&bootstrap);
        if !answers(strip) {
            println!("strip is not there: {function} keeps its debug information");
        }
        let zip = directory.join("bootstrap.zip");
        archive::write(&bootstrap, &zip, archive::Effort::Least)?;
    }
    Ok(())
}

/// Returns the directory of the packaged development builds.
pub fn directory() -> PathBuf {
    root().join("target/lambda-dev")
}
