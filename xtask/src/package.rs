//! Builds the functions as they are deployed: `bootstrap` and `bootstrap.zip` in `target/lambda/FUNCTION`.

pub mod archive;
pub mod development;
pub mod glibc;
pub mod npm;

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::TaskError;
use crate::process::{answers, cargo, command, root, run as run_program};
use crate::step::Steps;
use crate::venv;

pub const FUNCTIONS: [&str; 5] = [
    "request",
    "worker",
    "function-url",
    "websocket",
    "websocket-authorizer",
];

/// The build target. Cargo gives a named target a directory of its own. Otherwise it would build into `target/lambda`,
/// where a binary `worker` would stand in the way of our directory `worker`.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The profile of the root `Cargo.toml`.
pub(crate) const PROFILE: &str = "lambda";

/// The glibc version of Amazon Linux 2023, which `provided.al2023` is:
/// <https://docs.aws.amazon.com/linux/al2023/ug/glibc.html>.
const AL2023_GLIBC: glibc::Version = glibc::Version(2, 34);

/// The version is pinned, so that the glibc it links against doesn't change unnoticed.
const CARGO_LAMBDA: &str = "cargo-lambda==1.9.2";

pub fn run(steps: &mut Steps) -> bool {
    steps.run("build the functions", build)
        && steps.run("package", || FUNCTIONS.into_iter().try_for_each(package))
}

/// Returns the directory of the packaged functions.
pub fn directory() -> PathBuf {
    root().join("target/lambda")
}

fn build() -> Result<(), TaskError> {
    run_program(cargo(&build_args(&["build"])))?;
    let newest = FUNCTIONS.map(|function| glibc::newest(&binary(function)));
    let newest = newest.into_iter().collect::<Result<Vec<_>, _>>()?;
    let Some(needed) = newest.into_iter().flatten().max() else {
        return Ok(());
    };
    if needed <= AL2023_GLIBC {
        println!("needs glibc {needed}; Amazon Linux 2023 has {AL2023_GLIBC}");
        return Ok(());
    }
    println!(
        "needs glibc {needed}, but Amazon Linux 2023 has {AL2023_GLIBC}: building again with cargo-lambda"
    );
    build_with_cargo_lambda()
}

/// Builds with cargo-lambda. It links against Lambda's glibc, with zig, on systems with a newer one.
fn build_with_cargo_lambda() -> Result<(), TaskError> {
    let mut build = match cargo_lambda()? {
        None => cargo(&build_args(&["lambda", "build"])),
        Some(program) => command(
            &program.to_string_lossy(),
            &build_args(&["lambda", "build"]),
        ),
    };
    // By default cargo-lambda leaves its binaries in `target/lambda`, where this task leaves its own.
    build.args(["--lambda-dir", "target/cargo-lambda"]);
    run_program(build)?;
    for function in FUNCTIONS {
        let bootstrap = root()
            .join("target/cargo-lambda")
            .join(function)
            .join("bootstrap");
        match glibc::newest(&bootstrap)? {
            Some(needed) if needed > AL2023_GLIBC => {
                return Err(TaskError::Advice(format!(
                    "{function} needs glibc {needed}, but Amazon Linux 2023 has {AL2023_GLIBC}: build on a system with \
                     an older glibc, such as Debian 12 or an amazonlinux:2023 container"
                )));
            }
            _ => copy(&bootstrap, &binary(function))?,
        }
    }
    Ok(())
}

/// Returns `None` if cargo has cargo-lambda as a subcommand. Otherwise installs it below `target/`, from `PyPI`.
fn cargo_lambda() -> Result<Option<PathBuf>, TaskError> {
    if answers(cargo(&["lambda", "--version"])) {
        return Ok(None);
    }
    venv::program("cargo-lambda", CARGO_LAMBDA).map(Some)
}

fn build_args<'a>(first: &[&'a str]) -> Vec<&'a str> {
    let packages = FUNCTIONS
        .iter()
        .flat_map(|function| ["--package", function]);
    let options = ["--locked", "--profile", PROFILE, "--target", TARGET];
    first
        .iter()
        .copied()
        .chain(options)
        .chain(packages)
        .collect()
}

pub(crate) fn binary(function: &str) -> PathBuf {
    root()
        .join("target")
        .join(TARGET)
        .join(PROFILE)
        .join(function)
}

fn package(function: &str) -> Result<(), TaskError> {
    let directory = directory().join(function);
    fs::create_dir_all(&directory).map_err(TaskError::file("made", &directory))?;
    let bootstrap = directory.join("bootstrap");
    copy(&binary(function), &bootstrap)?;
    let zip = directory.join("bootstrap.zip");
    archive::write(&bootstrap, &zip, archive::Effort::Most)?;
    println!(
        "{function:>20}: bootstrap {}, bootstrap.zip {}",
        megabytes(&bootstrap)?,
        megabytes(&zip)?
    );
    Ok(())
}

/// Writes a new file each time, because the old one may be running.
fn copy(from: &Path, to: &Path) -> Result<(), TaskError> {
    if to.exists() {
        fs::remove_file(to).map_err(TaskError::file("removed", to))?;
    }
    fs::copy(from, to).map_err(TaskError::file("copied", from))?;
    Ok(())
}

fn megabytes(path: &Path) -> Result<String, TaskError> {
    let bytes = fs::metadata(path)
        .map_err(TaskError::file("read", path))?
        .len();
    #[expect(clippy::cast_precision_loss, reason = "it is rounded anyway")]
    let megabytes = bytes as f64 / 1e6;
    Ok(format!("{megabytes:.2} MB"))
}
