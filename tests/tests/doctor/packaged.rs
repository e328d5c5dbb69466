//! The functions as they are deployed: programs of their own, with nothing but AWS's environment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use local_stack::faults::FaultPlan;
use system_tests::templates;
use tokencast::stack::{
    AUTHORIZER_FUNCTION, FUNCTION_URL_FUNCTION, Functions, REQUEST_FUNCTION, WEBSOCKET_FUNCTION,
    WORKER_FUNCTION,
};
use tokio::process::Command;

use crate::scene::{examined, stack};
use crate::whole::{all_is_well, disruptive};

const FUNCTIONS: [&str; 5] = [
    AUTHORIZER_FUNCTION,
    FUNCTION_URL_FUNCTION,
    REQUEST_FUNCTION,
    WEBSOCKET_FUNCTION,
    WORKER_FUNCTION,
];

/// The time for compiling the functions, if they aren't compiled yet.
const BUILD_LIMIT: Duration = Duration::from_mins(9);

#[tokio::test]
#[ignore = "compiles the functions' own programs: `cargo test --workspace --test doctor -- --ignored packaged`"]
async fn a_stack_of_packaged_functions_is_well() {
    let programs = build().await;
    let packaged = tempfile::tempdir().expect("a directory");
    for function in FUNCTIONS {
        let directory = packaged.path().join(function);
        std::fs::create_dir(&directory).expect("made");
        let bootstrap = directory.join("bootstrap");
        std::fs::hard_link(programs.join(function), &bootstrap)
            .or_else(|_| std::fs::copy(programs.join(function), &bootstrap).map(drop))
            .expect("a program");
    }
    let directory = packaged.path().to_owned();
    let stack = stack(|options| options.stack.functions = Functions::Packaged(directory)).await;
    let report = examined(&stack, FaultPlan::default(), disruptive().await).await;
    all_is_well(&report);
    stack.shutdown().await;
}

/// Compiles the functions without optimisation, with the features of the whole workspace, as the tests are.
async fn build() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--offline", "--workspace"]);
    for function in FUNCTIONS {
        cargo.args(["--bin", function]);
    }
    let build = cargo
        .current_dir(templates::root())
        .kill_on_drop(true)
        .status();
    let status = tokio::time::timeout(BUILD_LIMIT, build).await;
    let status = status.expect("compiled in time").expect("cargo runs");
    assert!(status.success(), "the functions compile");
    // The programs are beside this test's own directory, `deps`.
    let test = std::env::current_exe().expect("a test has a path");
    let directory = test.parent().and_then(Path::parent);
    directory.expect("target/debug").to_owned()
}
