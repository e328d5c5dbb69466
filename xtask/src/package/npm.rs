//! The npm packages as they are published: a tarball each in `target/npm`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::TaskError;
use crate::npm::{self, Package};
use crate::package::glibc;
use crate::process::{cargo, command, root, run as run_program};
use crate::step::Steps;

/// Those that users install, and that npm packs by itself.
const PUBLISHED: [&str; 2] = ["packages/client", "packages/react"];

/// Packs what it has beside the sources: the command, and its binary.
const COMMAND: &str = "packages/tokencast/pack.mjs";

/// Packs the constructs, and the functions.
const CONSTRUCTS: &str = "cdk/pack.mjs";

/// Where the functions for arm64 are, if somebody has built them: cargo-lambda's own layout.
const ARM64_FUNCTIONS: &str = "target/lambda-arm64";

/// Builds and packs them, and prints how large they are. `dev` packs the development builds of the command and the
/// functions.
pub fn run(steps: &mut Steps, dev: bool) {
    let mut packages = Vec::new();
    let found = steps.run("npm packages", || {
        packages = npm::packages()?;
        packages.retain(|package| PUBLISHED.contains(&package.folder) || package.folder == "cdk");
        empty(&directory())
    });
    if !found || !packages.iter().all(|package| package.install(steps)) {
        return;
    }
    let packed = packages
        .iter()
        .filter(|package| PUBLISHED.contains(&package.folder))
        .all(|package| steps.run(&format!("{}: npm pack", package.folder), || pack(package)));
    if packed
        && steps.run("the command", || pack_command(dev))
        && packaged_functions(steps, dev)
        && steps.run("the constructs", || pack_constructs(dev))
    {
        steps.run("tarballs", print_sizes);
    }
}

/// Packs the command alone. Returns whether it succeeded.
pub fn run_command(steps: &mut Steps, dev: bool) -> bool {
    let mut packages = Vec::new();
    let found = steps.run("npm packages", || {
        packages = npm::packages()?;
        packages.retain(|package| package.folder == "packages/tokencast");
        empty(&directory())
    });
    found
        && packages.iter().all(|package| package.install(steps))
        && steps.run("the command", || pack_command(dev))
}

fn packaged_functions(steps: &mut Steps, dev: bool) -> bool {
    if dev {
        steps.run("the functions", super::development::package)
    } else {
        super::run(steps)
    }
}

fn pack_constructs(dev: bool) -> Result<(), TaskError> {
    let mut pack = command("node", &[CONSTRUCTS]);
    pack.arg(directory());
    if dev {
        pack.arg(super::development::directory());
    } else {
        pack.arg(super::directory());
        let arm64 = root().join(ARM64_FUNCTIONS);
        if arm64.is_dir() {
            pack.arg(arm64);
        } else {
            println!("without functions for arm64: there is no {ARM64_FUNCTIONS}");
        }
    }
    run_program(pack)
}

fn pack_command(dev: bool) -> Result<(), TaskError> {
    let build: &[&str] = if dev {
        // As the tests build it: with the features of the whole workspace.
        &["build", "--locked", "--workspace", "--bin", "tokencast"]
    } else {
        &[
            "build",
            "--locked",
            "--release",
            "--package",
            "tokencast-cli",
        ]
    };
    run_program(cargo(build))?;
    let profile = if dev { "debug" } else { "release" };
    let binary = root().join("target").join(profile).join("tokencast");
    if cfg!(all(target_os = "linux", target_arch = "x86_64"))
        && let Some(needed) = glibc::newest(&binary)?
    {
        println!("needs glibc {needed}: it runs on this distribution and on newer ones");
    }
    let mut pack = command("node", &[COMMAND]);
    pack.arg(binary).arg(directory());
    run_program(pack)
}

/// Where the tarballs are.
pub fn directory() -> PathBuf {
    root().join("target/npm")
}

fn pack(package: &Package) -> Result<(), TaskError> {
    package.pack(&directory())
}

fn print_sizes() -> Result<(), TaskError> {
    let directory = directory();
    let read = |source: io::Error| TaskError::file("read", &directory)(source);
    let mut tarballs = fs::read_dir(&directory)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(read)?;
    tarballs.sort_by_key(fs::DirEntry::file_name);
    for tarball in tarballs {
        let bytes = tarball.metadata().map_err(read)?.len();
        let name = tarball.file_name();
        println!("{:>8} bytes  {}", bytes, name.to_string_lossy());
    }
    Ok(())
}

/// Tarballs of another version would be taken for this one's.
fn empty(directory: &Path) -> Result<(), TaskError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(TaskError::file("removed", directory)(error));
        }
        _ => {}
    }
    fs::create_dir_all(directory).map_err(TaskError::file("made", directory))
}
