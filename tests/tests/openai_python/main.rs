//! `OpenAI`'s package for Python is a client of the Function URL, as it is.
//!
//! `requirements.txt` lists what to install into `target/openai`.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use local_stack::config::{FaultRule, ModelException, ModelFault, ScriptConfig};
use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use system_tests::{TestStack, within};
use tokio::process::Command;

const PYTHON: &str = "../target/openai/bin/python";

const TOKENS: usize = 60;

/// What the model says in each call, and its faults.
fn said(token: &str, faults: Vec<FaultRule>) -> ScriptConfig {
    ScriptConfig {
        tokens: Some(
            (0..TOKENS)
                .map(|number| format!("{token}{number} "))
                .collect(),
        ),
        time_to_first_token: Duration::ZERO,
        time_between_tokens: Duration::from_millis(5),
        faults,
        ..ScriptConfig::default()
    }
}

fn starts_again() -> Vec<FaultRule> {
    let fault = ModelFault::Fail {
        after_tokens: 20,
        exception: ModelException::ModelStreamError,
    };
    vec![FaultRule::first(NonZeroU32::MIN, fault)]
}

/// Has the referee check one thing.
async fn check(stack: &TestStack, what: &str) {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = package.join(PYTHON);
    assert!(
        python.is_file(),
        "openai is not installed: `cargo xtask test` does it, or see requirements.txt"
    );
    let url = stack.running.info.function_url.as_ref().expect("a URL");
    let text: String = (0..TOKENS).map(|number| format!("{number} ")).collect();
    let run = Command::new(python)
        .arg(package.join("tests/openai_python/referee.py"))
        .arg(what)
        .env("BASE_URL", format!("{url}v1"))
        .env("API_KEY", stack.access_token("alice"))
        .env("CA_FILE", &stack.running.info.ca_file)
        .env("SAID", text)
        .kill_on_drop(true)
        .output();
    let output = within(what, run).await.expect("Python");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {complaint}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs openai from PyPI: see tests/tests/openai_python/requirements.txt"]
async fn openai_for_python_gets_answers_whatever_fails() {
    let stack = TestStack::start_with(|options| options.script = said("", Vec::new())).await;
    check(&stack, "answers").await;
    check(&stack, "refusals").await;
    stack.script(said("", starts_again()));
    check(&stack, "same").await;
    stack.script(said("{call}:", starts_again()));
    check(&stack, "other").await;
    stack.script(said("", Vec::new()));
    for (what, fault) in [
        ("same", Fault::Reset),
        ("same", Fault::LostAnswer),
        ("broken", Fault::StreamReset { after_tokens: 5 }),
    ] {
        let rule = Rule::new(FaultService::FunctionUrl, "*", fault).times(1);
        let plan = FaultPlan::seeded(1).with(rule);
        stack.running.local.faults().set(plan).expect("a plan");
        check(&stack, what).await;
    }
    stack.shutdown().await;
}
