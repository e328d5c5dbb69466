//! The functions as they are deployed: programs of their own, with nothing but AWS's environment.

use local_stack::faults::FaultPlan;
use system_tests::programs::build;
use tokencast::stack::{
    AUTHORIZER_FUNCTION, FUNCTION_URL_FUNCTION, Functions, REQUEST_FUNCTION, WEBSOCKET_FUNCTION,
    WORKER_FUNCTION,
};

use crate::scene::{examined, stack};
use crate::whole::{all_is_well, disruptive, lasting};

const FUNCTIONS: [&str; 5] = [
    AUTHORIZER_FUNCTION,
    FUNCTION_URL_FUNCTION,
    REQUEST_FUNCTION,
    WEBSOCKET_FUNCTION,
    WORKER_FUNCTION,
];

#[tokio::test]
#[ignore = "compiles the functions' own programs: `cargo test --workspace --test doctor -- --ignored packaged`"]
async fn a_stack_of_packaged_functions_is_well() {
    let programs = build(&FUNCTIONS).await;
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
    let stack = stack(|options| {
        options.stack.functions = Functions::Packaged(directory);
        lasting(options);
    })
    .await;
    let report = examined(&stack, FaultPlan::default(), disruptive().await).await;
    all_is_well(&report);
    stack.shutdown().await;
}
