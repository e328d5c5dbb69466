//! Runs the local stack with the web page, which is built first.

use crate::cli::Dev;
use crate::npm;
use crate::process::{cargo, root, run as run_program};
use crate::step::Steps;

pub fn run(steps: &mut Steps, dev: &Dev) {
    let mut page = None;
    let found = steps.run("npm packages", || {
        page = npm::packages()?
            .into_iter()
            .find(|package| package.folder == "web");
        Ok(())
    });
    let Some(page) = page.filter(|_| found) else {
        return;
    };
    let built = page.install(steps) && steps.run("web: npm run build", || page.run_one("build"));
    if !built {
        return;
    }
    steps.run("tokencast dev", || {
        let mut run = cargo(&[
            "run",
            "--package",
            "tokencast-cli",
            "--",
            "dev",
            "--web-dir",
        ]);
        run.arg(root().join("web/dist")).args(&dev.arguments);
        run_program(run)
    });
}
