//! The example of docs/INTEGRATION.md: the local stack inside somebody else's `#[tokio::test]`.

use local_stack::config::{ModelConfig, ScriptConfig};
use local_stack::faults::{Fault, FaultPlan, FaultService, Rule};
use tokencast::stack::{Functions, RunningStack, StackOptions, users};
use tokencast_client::AnswerEvent;

#[tokio::test]
async fn an_answer_survives_a_throttled_publish() {
    let says = ["Rivers ", "meander."].map(String::from).into();
    let throttled = Fault::error("TooManyRequestsException");
    let stack = RunningStack::start(StackOptions {
        // The functions run as processes of the `tokencast` command: `cargo install --path crates/tokencast-cli`.
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

mod deliveries {
    use super::tokencast_command;

    // The second example.
    use tokencast::cli::Channel;
    use tokencast::stack::{Functions, RunningStack, StackOptions, users};
    use tokencast_client::AnswerEvent;

    #[tokio::test]
    async fn the_events_are_the_same_over_every_channel() {
        let stack = RunningStack::start(StackOptions {
            functions: Functions::Executable {
                program: tokencast_command(),
                args: Vec::new(),
            },
            ..StackOptions::default()
        });
        let stack = stack.await.expect("a stack on a free port");

        let mut texts = Vec::new();
        for channel in [Channel::Appsync, Channel::Url, Channel::Websocket] {
            let client = stack.client_via(channel, &users()[0]);
            let client = client.build().expect("a client");
            let mut answer = client.stream("Why do rivers meander?");
            let mut text = String::new();
            while let Some(event) = answer.next().await {
                match event.expect("an answer") {
                    AnswerEvent::Text { text: piece, .. } => text += &piece,
                    AnswerEvent::Restarted { .. } => text.clear(),
                    _ => {}
                }
            }
            texts.push(text);
        }

        assert!(!texts[0].is_empty());
        assert!(texts.iter().all(|text| *text == texts[0]));
        stack.shutdown().await;
    }
    // Its end.
}

#[test]
fn the_document_shows_these_very_examples() {
    let document = include_str!("../../docs/INTEGRATION.md");
    let file = include_str!("integration_example.rs");
    for (from, to, indent) in [
        ("use local_stack", "fn tokencast_command", ""),
        ("    use tokencast::cli", "    // Its end.", "    "),
    ] {
        let from = file.find(from).expect("the example");
        let to = from + file[from..].find(to).expect("its end");
        let lines = file[from..to].lines();
        let lines = lines.map(|line| line.strip_prefix(indent).unwrap_or(line));
        let example = lines.collect::<Vec<_>>().join("\n");
        assert!(
            document.contains(example.trim()),
            "docs/INTEGRATION.md has another example than this file:\n{example}"
        );
    }
}
