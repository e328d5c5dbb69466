//! The local stack from the synthesized template: it answers, it is as the template says, and it refuses templates that
//! it can't be.

use std::process::Stdio;

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};
use system_tests::stack::{text, whole_of};
use system_tests::url::text_of;
use system_tests::{TestStack, collect, templates, within};
use tokencast_client::AnswerEvent;

async fn stack(variant: &str) -> TestStack {
    let template = templates::streaming(variant);
    TestStack::start_with(|options| options.stack.template = Some(template)).await
}

#[tokio::test]
async fn a_prompt_is_answered_on_what_will_be_deployed() {
    for variant in ["default", "production"] {
        let stack = stack(variant).await;
        let answer = collect(stack.client("alice").stream("Why do rivers meander?"))
            .await
            .expect("an answer");
        assert!(
            matches!(answer.ending, AnswerEvent::Completed { .. }),
            "{variant}: {:?}",
            answer.ending
        );
        assert_eq!(answer.text, text(100), "{variant}");
        stack.queue_is_empty().await;
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn each_channel_answers_as_it_will_be_deployed() {
    for variant in ["deliveries", "deliveriesInProduction", "assistants"] {
        let stack = stack(variant).await;
        let answer = collect(stack.client("alice").stream("Why do rivers meander?")).await;
        assert_eq!(answer.expect("an answer").text, text(100), "{variant}");

        let mut socket = stack.websocket("alice").await;
        let id = socket.start("Why do rivers meander?").await;
        let followed = socket.end_of(&id).await;
        assert_eq!(followed.status(), "COMPLETED", "{variant}");
        assert_eq!(followed.text, whole_of(&followed.text, 100), "{variant}");
        socket.close().await;

        let events = stack.url_ask(None).await.rest().await;
        let streamed = text_of(&events);
        assert_eq!(streamed, whole_of(&streamed, 100), "{variant}");
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn the_queue_is_the_templates() {
    let stack = stack("default").await;
    let asked = stack.sqs().get_queue_attributes();
    let attributes = asked
        .queue_url(stack.queue_url())
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .expect("attributes")
        .attributes
        .unwrap_or_default();
    let text = std::fs::read_to_string(templates::path("default", "Streaming")).expect("JSON");
    let template: Value = serde_json::from_str(&text).expect("JSON");
    let queue = template["Resources"]
        .as_object()
        .and_then(|resources| {
            resources
                .values()
                .find(|it| it["Properties"]["RedrivePolicy"].is_object())
        })
        .expect("a queue with a redrive policy");
    for name in [
        QueueAttributeName::VisibilityTimeout,
        QueueAttributeName::MessageRetentionPeriod,
        QueueAttributeName::ReceiveMessageWaitTimeSeconds,
        QueueAttributeName::MaximumMessageSize,
    ] {
        let expected = queue["Properties"][name.as_str()].to_string();
        assert_eq!(attributes.get(&name), Some(&expected), "{name}");
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn introspection_is_off_as_in_the_template() {
    let stack = stack("default").await;
    let answer = stack
        .graphql("alice", "{ __schema { queryType { name } } }", json!({}))
        .await;
    assert!(answer["data"].is_null(), "{answer}");
    assert_eq!(
        answer["errors"].as_array().map(Vec::len),
        Some(1),
        "{answer}"
    );
    stack.shutdown().await;

    let stack = self::stack("guarded").await;
    let answer = stack
        .graphql("alice", "{ __schema { queryType { name } } }", json!({}))
        .await;
    assert_eq!(answer["data"]["__schema"]["queryType"]["name"], "Query");
    stack.shutdown().await;
}

/// Runs `tokencast dev --template` on a variant that can't run here. Returns the exit code and stderr.
async fn refused(variant: &str) -> (Option<i32>, String) {
    let mut command = tokio::process::Command::new(system_tests::stack::function_host());
    command
        .args(["dev", "--port", "0", "--template"])
        .arg(templates::path(variant, "Streaming"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = within("the command's end", command.output())
        .await
        .expect("the command runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text)
}

#[tokio::test]
async fn what_the_template_leaves_to_others_is_named() {
    for (variant, expected) in [
        (
            "ownApi",
            "there is no AWS::AppSync::GraphQLApi in the template",
        ),
        ("ownTables", "there is no table in the template"),
    ] {
        let (code, text) = refused(variant).await;
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(expected), "{text}");
    }
}
