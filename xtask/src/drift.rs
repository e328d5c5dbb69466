//! Generates files again, and compares them with what is checked in.

use crate::error::TaskError;
use crate::npm;
use crate::process::{cargo, command, output, run};

/// Compares the tree before and after, so that the check also works on a tree with changes.
///
/// # Errors
///
/// A file has changed, or can't be generated.
pub fn check() -> Result<(), TaskError> {
    // The lock file must fit the manifests.
    output(cargo(&["metadata", "--locked", "--format-version=1"]))?;
    let before = tree()?;
    for package in npm::packages()? {
        package.run_one("generate")?;
    }
    if tree()? == before {
        return Ok(());
    }
    run(command("git", &["--no-pager", "status", "--short"]))?;
    Err(TaskError::Advice(
        "generated files have changed: commit them as they are now".to_owned(),
    ))
}

fn tree() -> Result<String, TaskError> {
    let changes = output(command("git", &["--no-pager", "diff", "--no-color"]))?;
    let files = output(command("git", &["--no-pager", "status", "--porcelain"]))?;
    Ok(changes + &files)
}
