//! The functions' own programs, compiled without optimisation.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::templates;

/// The time for compiling the functions, if they aren't compiled yet.
const BUILD_LIMIT: Duration = Duration::from_mins(9);

/// What cargo sets for a test. `ring` compares these with those of the last build: with other values it is compiled again,
/// and with it nearly everything, here and by the next `cargo test`.
const OF_THIS_TEST: [&str; 7] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_PKG_NAME",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

/// Compiles functions with the features of the whole workspace, as the tests are, and returns the directory of the
/// programs.
pub async fn build(functions: &[&str]) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--workspace"]);
    for function in functions {
        cargo.args(["--bin", function]);
    }
    for name in OF_THIS_TEST {
        cargo.env_remove(name);
    }
    let build = cargo
        .current_dir(templates::root())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status();
    let status = tokio::time::timeout(BUILD_LIMIT, build).await;
    let status = status
        .expect("the functions compile in time")
        .expect("cargo runs");
    assert!(status.success(), "the functions compile");
    // The programs are beside a test's own directory, `deps`.
    let test = std::env::current_exe().expect("a test has a path");
    let directory = test.parent().and_then(Path::parent);
    directory.expect("target/debug").to_owned()
}
