//! Questions that fail, and what is done about them.

use serde_json::{Value, json};

use super::Chat;
use client_fakes::{FakeApi, cancelled};

#[tokio::test]
async fn a_question_that_is_refused_is_no_turn() {
    let mut chat = Chat::start(FakeApi::start().await, &[]);
    chat.api
        .replies(|replies| replies.refuse_start("INVALID_PROMPT"));
    chat.line("One").await;
    let (first, _socket) = chat.asked().await;
    chat.api.replies(client_fakes::Replies::accept_start);
    // The fake has read the answer to the first start by the time that it gets another.
    chat.line("Two").await;
    let second = chat.answer("2").await;
    assert_eq!(second["conversationId"], first["conversationId"]);
    assert!(second["parentId"].is_null());
    let (code, stdout, stderr) = chat.end().await;
    assert_eq!((code, &*stdout), (3, "2\n"));
    assert!(
        stderr.contains("error: INVALID_PROMPT: said the server"),
        "{stderr}"
    );
}

#[tokio::test]
async fn the_last_question_is_the_one_that_was_typed_though_it_was_not_started() {
    let mut chat = Chat::start(FakeApi::start().await, &[]);
    let refuse = |chat: &Chat| {
        chat.api
            .replies(|replies| replies.refuse_start("INVALID_PROMPT"));
    };
    let accept = |chat: &Chat| chat.api.replies(client_fakes::Replies::accept_start);
    refuse(&chat);
    chat.line("One").await;
    let (_, _socket) = chat.asked().await;
    accept(&chat);
    chat.line("/retry").await;
    let first = chat.answer("1").await;
    assert_eq!(
        (&first["prompt"], &first["parentId"]),
        (&json!("One"), &Value::Null)
    );
    for (line, prompt) in [("/retry", "Two"), ("/edit Three", "Three")] {
        refuse(&chat);
        chat.line("Two").await;
        let (refused, _socket) = chat.asked().await;
        accept(&chat);
        chat.line(line).await;
        let again = chat.answer("2").await;
        assert_eq!(again["prompt"], prompt);
        // Behind the turn that was there, and in the place of none.
        assert_eq!(again["parentId"], refused["parentId"]);
        assert!(refused["parentId"].is_string());
    }
    let (code, stdout, stderr) = chat.end().await;
    assert_eq!((code, &*stdout), (3, "1\n2\n2\n"), "{stderr}");
}

#[tokio::test]
async fn a_deletion_during_an_answer_is_told() {
    let mut chat = Chat::start(FakeApi::start().await, &[]);
    chat.line("Why?").await;
    let (_, socket) = chat.asked().await;
    socket.tokens(1, &[(1, "Be")]).await;
    // Nothing is left of the session, so that there is no snapshot.
    socket.event(cancelled(1, 2)).await;
    let (code, stdout, stderr) = chat.end().await;
    assert_eq!((code, &*stdout), (5, "Be\n"), "{stderr}");
    assert_eq!(
        stderr,
        "this conversation was deleted by somebody else after 2 characters; /new begins another\n"
    );
}

#[tokio::test]
async fn a_question_behind_an_answer_that_goes_on_is_explained() {
    let mut chat = Chat::start(FakeApi::start().await, &[]);
    chat.api
        .replies(|replies| replies.refuse_start("PARENT_NOT_ENDED"));
    chat.line("Why?").await;
    let (_, _socket) = chat.asked().await;
    let (code, _, stderr) = chat.end().await;
    assert_eq!(code, 3);
    let told =
        "error: the answer before this question is not over yet; /retry asks the question again\n";
    assert_eq!(stderr, told);
}
