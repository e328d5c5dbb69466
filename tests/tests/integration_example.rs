//! The example of docs/INTEGRATION.md: the local stack inside somebody else's `#[tokio::test]`.

use tokencast::stack::{Functions, RunningStack, StackOptions, users};
use tokencast_client::AnswerEvent;
use tokencast_local::config::{ModelConfig, ScriptConfig};
use tokencast_local::faults::{Fault, FaultPlan, FaultService, Rule};

#[tokio::test]
async fn an_answer_survives_a_throttled_publish() {
    let says = ["Rivers ", "meander."].map(String::from).into();
    let throttled = Fault::error("TooManyRequestsException");
    let stack = RunningStack::start(StackOptions {
        // The functions run as processes of the `tokencast` command: `cargo install --path crates/tokencast`.
        functions: Functions::Executable {
            program: tokencast_command(),
            args: Vec::new(),
        },
        model: ModelConfig::Scripted(ScriptConfig {
            tokens: Some(says),
            ..ScriptConfig::default()
        }),
        faults: FaultPlan::seeded(1)
            .with(Rule::new(FaultService::AppSync, "publishToken", throttled).times(1)),
        ..StackOptions::default()
    });
    let stack = stack.await.expect("a stack on a free port");

    let client = stack.client(&users()[0]).build().expect("a client");
    let mut answer = client.stream("Why do rivers meander?");
    let mut text = String::new();
    while let Some(event) = answer.next().await {
        if let AnswerEvent::Text { text: piece, .. } = event.expect("an answer") {
            text += &piece;
        }
    }

    assert_eq!(text, "Rivers meander.");
    assert_eq!(stack.local.faults().report()[0].fired, 1);
    stack.shutdown().await;
}

fn tokencast_command() -> std::path::PathBuf {
    system_tests::stack::function_host()
}

#[test]
fn the_document_shows_this_very_example() {
    let document = include_str!("../../docs/INTEGRATION.md");
    let example = include_str!("integration_example.rs");
    let from = example.find("use tokencast::stack").expect("the example");
    let to = example.find("fn tokencast_command").expect("its end");
    assert!(
        document.contains(example[from..to].trim()),
        "docs/INTEGRATION.md has another example than this file"
    );
}
