//! The project's npm packages: installs them from their lock files, and runs their scripts.
//!
//! The packages that users install and the pages are one workspace of npm's: one lock file and one `node_modules`, at the root.

use std::env::JoinPathsError;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::error::TaskError;
use crate::process::{self, output, root};
use crate::step::Steps;
use crate::venv;

/// The folders that may hold a package, from the root.
const FOLDERS: [&str; 9] = [
    "tests/referees",
    "cdk",
    "packages/client",
    "packages/react",
    "packages/tokencast",
    "web",
    AMPLIFY,
    "examples/tests/modules/oldest",
    "examples",
];

/// What the examples with Amplify's back ends need. Amplify's packages bundle others whose versions their own manifests
/// exclude, so `npm ci` refuses any lock file of them. `npm install` takes the lock file's versions too.
const AMPLIFY: &str = "examples/tests/modules/amplify";

/// A folder with a `package.json`.
pub struct Package {
    pub folder: &'static str,
    scripts: Vec<String>,
}

/// Returns the packages that exist.
///
/// # Errors
///
/// A `package.json` can't be read.
pub fn packages() -> Result<Vec<Package>, TaskError> {
    let present = FOLDERS
        .into_iter()
        .filter(|folder| root().join(folder).join("package.json").is_file());
    present.map(Package::read).collect()
}

impl Package {
    fn read(folder: &'static str) -> Result<Self, TaskError> {
        let path = root().join(folder).join("package.json");
        let text = std::fs::read_to_string(&path).map_err(TaskError::file("read", &path))?;
        let manifest: Value =
            serde_json::from_str(&text).map_err(|source| TaskError::Json { path, source })?;
        let scripts = manifest["scripts"].as_object();
        Ok(Self {
            folder,
            scripts: scripts
                .into_iter()
                .flat_map(|scripts| scripts.keys().cloned())
                .collect(),
        })
    }

    /// Runs `npm ci`, unless the installation is from the same lock file and the same Node.
    pub fn install(&self, steps: &mut Steps) -> bool {
        let name = match self.home() {
            "" => "npm workspace: npm ci".to_owned(),
            home => format!("{home}: npm ci"),
        };
        steps.run(&name, || {
            let wanted = self.wanted()?;
            let stamp = self.stamp();
            let installed = root().join(self.home()).join("node_modules").is_dir()
                && std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted);
            if installed {
                println!("nothing has changed");
                return Ok(());
            }
            let install: &[&str] = match self.folder {
                AMPLIFY => &["install", "--no-save"],
                _ => &["ci"],
            };
            let mut ci = self.npm(install);
            ci.args(["--no-audit", "--no-fund"]);
            ci.current_dir(root().join(self.home()));
            process::run(ci)?;
            write(&stamp, &wanted)
        })
    }

    /// Runs the scripts of the list that the package has.
    pub fn run(&self, steps: &mut Steps, scripts: &[&str]) {
        for script in scripts {
            if self.scripts.iter().any(|known| known == script) {
                let name = format!("{}: npm run {script}", self.folder);
                steps.run(&name, || process::run(self.npm(&["run", script])));
            }
        }
    }

    /// Runs one script, if the package has it.
    ///
    /// # Errors
    ///
    /// The script failed, or npm is not installed.
    pub fn run_one(&self, script: &str) -> Result<(), TaskError> {
        if self.scripts.iter().any(|known| known == script) {
            process::run(self.npm(&["run", script]))?;
        }
        Ok(())
    }

    /// Packs what would be published into a directory.
    ///
    /// # Errors
    ///
    /// The package can't be built, or npm is not there.
    pub fn pack(&self, into: &Path) -> Result<(), TaskError> {
        let mut pack = self.npm(&["pack", "--silent", "--pack-destination"]);
        pack.arg(into);
        process::run(pack)
    }

    fn npm(&self, args: &[&str]) -> Command {
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        let mut command = process::command(npm, args);
        command.current_dir(self.path(""));
        // Tests that start the stack use the program that `cargo test` has just built.
        command.env("TOKENCAST_BIN", root().join("target/debug/tokencast"));
        if let Ok(path) = with_venv() {
            command.env("PATH", path);
        }
        command
    }

    /// Where its lock file and its `node_modules` are, from the root: in itself, or in the workspace.
    fn home(&self) -> &'static str {
        if self.path("package-lock.json").is_file() {
            self.folder
        } else {
            ""
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        root().join(self.folder).join(file)
    }

    fn stamp(&self) -> PathBuf {
        let name = match self.home() {
            "" => "workspace".to_owned(),
            home => home.replace('/', "-"),
        };
        root().join("target/xtask").join(format!("npm-{name}"))
    }

    /// Returns what an installation depends on: the lock file, and the Node that native modules are built for.
    fn wanted(&self) -> Result<String, TaskError> {
        let lock = root().join(self.home()).join("package-lock.json");
        let lock = std::fs::read_to_string(&lock).map_err(TaskError::file("read", &lock))?;
        let node = output(process::command("node", &["--version"]))?;
        Ok(format!("{node}{lock}"))
    }
}

/// Returns the path, with the programs from `PyPI` at its end.
fn with_venv() -> Result<OsString, JoinPathsError> {
    #[expect(clippy::disallowed_methods, reason = "a task passes its own path on")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::env::split_paths(&path).chain([venv::directory()]))
}

fn write(path: &Path, text: &str) -> Result<(), TaskError> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(TaskError::file("made", directory))?;
    }
    std::fs::write(path, text).map_err(TaskError::file("written", path))
}
