//! What the model is told of the turns before its prompt.

use std::time::Duration;

use system_tests::conversations::Talk;
use system_tests::stack::script;
use system_tests::{TestStack, eventually};

/// A stack whose model says a word, another one in each call.
async fn stack() -> TestStack {
    TestStack::start_with(|options| options.script = script(1, Duration::ZERO)).await
}

#[tokio::test]
async fn a_follow_up_gets_its_chain() {
    let stack = stack().await;
    let talk = Talk::new(&stack);
    let first = talk.ask("One", None).await;
    assert_eq!(stack.told(), ["One"]);
    let second = talk.ask("Two", None).await;
    assert_eq!(stack.told(), ["One", "1:0 ", "Two"]);
    // An edit of the second turn, beside it.
    let edited = talk.ask("Two, please", Some(&first)).await;
    assert_eq!(stack.told(), ["One", "1:0 ", "Two, please"]);
    // The second turn goes on, whatever was started last.
    talk.ask("Three", Some(&second)).await;
    assert_eq!(stack.told(), ["One", "1:0 ", "Two", "2:0 ", "Three"]);
    // The first turn again: nothing is before it.
    let again = talk.ask("One", Some(&talk.id)).await;
    assert_eq!(stack.told(), ["One"]);
    let read = talk.read().await;
    let parents: Vec<_> = read["turns"]
        .as_array()
        .expect("turns")
        .iter()
        .map(|turn| (turn["sessionId"].as_str(), turn["parentId"].as_str()))
        .collect();
    assert_eq!(parents.len(), 5);
    assert_eq!(parents[2], (Some(&*edited), Some(&*first)));
    assert_eq!(parents[4], (Some(&*again), None));
    assert_eq!(read["title"], "One");
    assert_eq!(read["lastSessionId"], again.as_str());
    stack.shutdown().await;
}

#[tokio::test]
async fn a_turn_that_failed_is_left_out_and_one_that_was_stopped_is_not() {
    let stack = TestStack::start_with(|options| {
        options.script = script(200, Duration::from_millis(20));
        options.worker_variable("MAX_ATTEMPTS", "1");
    })
    .await;
    let talk = Talk::new(&stack);
    let stopped = talk.start("One", None).await;
    stack.model_said(10).await;
    // A checkpoint keeps some text.
    eventually("some text", || async {
        let session = stack.get_stream("alice", &stopped).await;
        (!session["text"].as_str()?.is_empty()).then_some(())
    })
    .await;
    stack.stop_stream("alice", &stopped).await;
    let session = talk.ended(&stopped).await;
    assert_eq!(session["status"], "CANCELLED");
    let text = session["text"].as_str().expect("a text").to_owned();
    stack.script(script(1, Duration::ZERO));
    talk.ask("Two", Some(&stopped)).await;
    let told = stack.told();
    assert_eq!(
        (told[0].as_str(), told[1] == text, told[2].as_str()),
        ("One", true, "Two")
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn a_prompt_of_two_items_comes_back_whole() {
    let stack = TestStack::start_with(|options| {
        options.script = script(1, Duration::ZERO);
        let environment = &mut options.stack.request_environment;
        environment.insert("MAX_PROMPT_BYTES".to_owned(), "500000".to_owned());
        options.worker_variable("MAX_HISTORY_TOKENS", "1000000");
    })
    .await;
    let talk = Talk::new(&stack);
    let long = format!("x{}", "é".repeat(200_000));
    talk.ask(&long, None).await;
    talk.ask("And?", None).await;
    let told = stack.told();
    assert!(told[0] == long && told.len() == 3);
    let read = talk.read().await;
    assert!(read["turns"][0]["prompt"] == long);
    stack.shutdown().await;
}

#[tokio::test]
async fn tabs_that_ask_at_once_make_a_branch_each() {
    let stack = stack().await;
    let talk = Talk::new(&stack);
    let first = talk.ask("One", None).await;
    let asked = (0..3).map(|_| talk.start("Two", Some(&first)));
    let ids = futures_util::future::join_all(asked).await;
    for id in &ids {
        assert_eq!(talk.ended(id).await["status"], "COMPLETED");
    }
    let read = talk.read().await;
    assert_eq!(read["turnCount"], 4);
    let turns = read["turns"].as_array().expect("turns");
    assert_eq!(turns.len(), 4);
    for id in &ids {
        let turn = turns.iter().find(|turn| turn["sessionId"] == id.as_str());
        assert_eq!(turn.expect("it is there")["parentId"], first.as_str());
    }
    stack.shutdown().await;
}
