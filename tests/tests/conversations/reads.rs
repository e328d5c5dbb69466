//! Lists, pages, titles and documents.

use std::time::Duration;

use serde_json::Value;
use system_tests::conversations::Talk;
use system_tests::stack::script;
use system_tests::{TestStack, eventually};

#[tokio::test]
async fn a_list_has_the_newest_turn_first_and_comes_in_pages() {
    let stack = TestStack::start().await;
    let mut talks = Vec::new();
    for prompt in ["One", "Two", "Three"] {
        let talk = Talk::new(&stack);
        talk.ask(prompt, None).await;
        talks.push(talk);
    }
    talks[0].ask("Again", None).await;
    let (first, token) = stack.conversations("alice", 2, &Value::Null).await;
    assert_eq!(first, ["One", "Three"]);
    let (second, token) = stack.conversations("alice", 2, &token).await;
    assert_eq!((second, token), (vec!["Two".to_owned()], Value::Null));
    stack.shutdown().await;
}

#[tokio::test]
async fn turns_come_in_pages() {
    let stack = TestStack::start_with(|options| options.script = script(1, Duration::ZERO)).await;
    let talk = Talk::new(&stack);
    for number in 0..5 {
        talk.ask(&number.to_string(), None).await;
    }
    let (mut read, mut sizes, mut token) = (Vec::new(), Vec::new(), None);
    loop {
        let page = talk.page(Some(2), token.as_deref()).await;
        let turns = page["turns"].as_array().expect("turns");
        sizes.push(turns.len());
        read.extend(turns.iter().map(|turn| turn["prompt"].clone()));
        let Some(next) = page["nextToken"].as_str() else {
            break;
        };
        token = Some(next.to_owned());
    }
    assert_eq!(read, ["0", "1", "2", "3", "4"]);
    assert_eq!(sizes, [2, 2, 1]);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_person_gives_a_title() {
    let stack = TestStack::start().await;
    let talk = Talk::new(&stack);
    talk.ask(
        "Why do rivers meander, and why do they do so mostly on their lower course?",
        None,
    )
    .await;
    let title = "Why do rivers meander, and why do they do so mostly on their";
    assert_eq!(talk.read().await["title"], title);
    let renamed = talk.rename("  Rivers ").await;
    assert_eq!(
        renamed["data"]["renameConversation"]["title"], "Rivers",
        "{renamed}"
    );
    assert_eq!(talk.read().await["title"], "Rivers");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_model_gives_a_title_once() {
    let stack = TestStack::start_with(|options| {
        let mut script = script(1, Duration::ZERO);
        script.tokens = Some(vec!["\"Rivers {call}\"".to_owned()]);
        options.script = script;
        options.worker_variable("TITLE_MODEL_ID", "tokencast.scripted-v1:0");
    })
    .await;
    let talk = Talk::new(&stack);
    talk.ask("Why?", None).await;
    eventually("a model's title", || async {
        (talk.read().await["title"] == "Rivers 2").then_some(())
    })
    .await;
    let calls = stack.running.local.bedrock().calls();
    assert!(calls[1].prompt.contains("Why?"), "it is told of the turn");
    talk.ask("And?", None).await;
    stack.queue_is_empty().await;
    assert_eq!(stack.running.local.bedrock().calls().len(), 3);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_document_has_all_turns() {
    let stack = TestStack::start_with(|options| options.script = script(2, Duration::ZERO)).await;
    let talk = Talk::new(&stack);
    let first = talk.ask("One", None).await;
    talk.ask("Two", Some(&first)).await;
    talk.ask("Two, please", Some(&first)).await;
    let markdown = talk.export("MARKDOWN").await;
    for expected in [
        "# One\n",
        "\n## You\n\n> One\n\n## Assistant\n\n1:0 1:1 \n",
        "\n## Assistant (version 2 of 2)\n",
    ] {
        assert!(markdown.contains(expected), "{expected}: {markdown}");
    }
    let json: Value = serde_json::from_str(&talk.export("JSON").await).expect("JSON");
    assert_eq!(json["conversationId"], talk.id.as_str());
    assert_eq!(json["turns"][2]["parentId"], first.as_str());
    assert_eq!(json["turns"][0]["text"], "1:0 1:1 ");
    stack.shutdown().await;
}
