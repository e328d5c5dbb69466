//! Chats over the Function URL: questions, follow-ups, edits, regenerations, reloads and stops.

use std::time::Duration;

use local_stack::config::{ScriptBlock, ScriptConfig};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use system_tests::TestStack;
use system_tests::ai_sdk::{End, Message, answer, user};
use system_tests::stack::{script, text, text_of};

/// A stack whose model says a word, another one in each call.
async fn words() -> TestStack {
    TestStack::start_with(|options| options.script = script(1, Duration::ZERO)).await
}

/// A stack whose model takes its time.
async fn slow() -> TestStack {
    TestStack::start_with(|options| options.script = script(300, Duration::from_millis(20))).await
}

fn completed(message: &Message, text: &str) {
    assert_eq!(
        (message.text.as_str(), message.end.as_str()),
        (text, "stop")
    );
}

/// The ids of a chat's answers, and all texts.
fn shown(messages: &[Value]) -> (Vec<String>, Vec<String>) {
    let is_answer = |message: &&Value| message["role"] == "assistant";
    let id = |message: &Value| message["id"].as_str().expect("an id").to_owned();
    let texts = messages.iter().map(|message| {
        let parts = message["parts"].as_array().expect("parts").iter();
        parts.filter_map(|part| part["text"].as_str()).collect()
    });
    let ids = messages.iter().filter(is_answer).map(id).collect();
    (ids, texts.collect())
}

#[tokio::test]
async fn a_chat_is_a_conversation_whose_history_is_compared() {
    let stack = words().await;
    let first = stack.chat("c", &[user("m1", "One")]).await.whole().await;
    completed(&first, "1:0 ");
    let history = [user("m1", "One"), answer(&first.id, "1:0 ")];
    let asked = |question: Value| [&history[..], &[question]].concat();
    let mut second = stack.chat("c", &asked(user("m2", "Two"))).await;
    let second = second.whole().await;
    completed(&second, "2:0 ");
    assert_eq!(stack.told(), ["One", "1:0 ", "Two"]);

    // The same question again is the same session, whatever the model would say by now.
    let again = stack
        .chat("c", &asked(user("m2", "Two")))
        .await
        .whole()
        .await;
    assert_eq!(again, second);

    // An edit is a version beside it.
    let mut edited = stack.chat("c", &asked(user("m2", "Two, please"))).await;
    let edited = edited.whole().await;
    assert_eq!(stack.told(), ["One", "1:0 ", "Two, please"]);
    assert_ne!(edited.id, second.id);
    assert_eq!(stack.parent_of(&edited.id).await, first.id.as_str());

    // A page that shows another text than the model has said has a branch of its own.
    let changed = [
        user("m1", "One"),
        answer(&first.id, "Uno"),
        user("m4", "Two"),
    ];
    let branch = stack.chat("c", &changed).await.whole().await;
    assert_eq!(stack.told(), ["One", "Uno", "Two"]);
    assert_eq!(stack.parent_of(&branch.id).await, Value::Null);

    // Another assistant's words come along.
    let foreign = [
        user("x1", "Zero"),
        answer("foreign", "Nil"),
        user("x2", "One"),
    ];
    let foreign = stack.chat("d", &foreign).await.whole().await;
    assert_eq!(stack.told(), ["Zero", "Nil", "One"]);
    assert_ne!(foreign.id, branch.id);

    // Only the newest messages are enough.
    let newest = [answer(&second.id, "2:0 "), user("m3", "Three")];
    stack.chat("c", &newest).await.whole().await;
    assert_eq!(stack.told(), ["One", "1:0 ", "Two", "2:0 ", "Three"]);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_question_whose_answer_has_no_text_is_left_out() {
    let stack = words().await;
    let first = stack.chat("c", &[user("m1", "One")]).await.whole().await;
    let reasoning = json!({"type": "reasoning", "text": "Hm"});
    let tool =
        json!({"type": "tool-map", "toolCallId": "t", "state": "input-available", "input": {}});
    let blank = json!({"type": "text", "text": " \n"});
    for (chat, parts) in [
        ("d", json!([])),
        ("e", json!([reasoning])),
        ("f", json!([tool])),
        ("g", json!([blank])),
    ] {
        let empty = json!({"id": "x", "role": "assistant", "parts": parts});
        let asked = [user("m1", "Lost"), empty, user("m2", "Two")];
        stack.chat(chat, &asked).await.whole().await;
        assert_eq!(stack.told(), ["Two"], "{parts}");
    }
    // Behind an answer of ours it is a follow-up all the same.
    let empty = json!({"id": "x", "role": "assistant", "parts": []});
    let history = [user("m1", "One"), answer(&first.id, &first.text)];
    let asked = [
        &history[..],
        &[user("m2", "Lost"), empty, user("m3", "Two")],
    ]
    .concat();
    let second = stack.chat("c", &asked).await.whole().await;
    assert_eq!(stack.told(), ["One", "1:0 ", "Two"]);
    assert_eq!(stack.parent_of(&second.id).await, first.id.as_str());
    stack.shutdown().await;
}

#[tokio::test]
async fn each_regeneration_is_a_version_and_a_reload_shows_the_newest() {
    let stack = words().await;
    assert_eq!(stack.chat_messages("c").await, Vec::<Value>::new());
    let mut ids = Vec::new();
    ids.push(stack.chat("c", &[user("m1", "One")]).await.whole().await.id);
    for _ in 0..2 {
        let request = stack.chat_request("c", "regenerate-message", &[user("m1", "One")]);
        let message = stack.chat_of(request).await.whole().await;
        assert_eq!(stack.told(), ["One"]);
        ids.push(message.id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    let messages = stack.chat_messages("c").await;
    let (answers, texts) = shown(&messages);
    assert_eq!(texts, ["One", "3:0 "]);
    assert!(ids.contains(&answers[0]));
    // A question that was read back is the same one in its chat, and another one elsewhere.
    let again = stack.chat("c", &messages[..1]).await.whole().await;
    assert_eq!((&again.id, again.text.as_str()), (&answers[0], "3:0 "));
    let mut elsewhere = stack.chat("d", &messages[..1]).await;
    assert_ne!(elsewhere.whole().await.id, answers[0]);
    assert_eq!(stack.running.local.bedrock().calls().len(), 4);
    // A page that begins with these messages asks on.
    let asked = [&messages[..], &[user("m2", "Two")]].concat();
    stack.chat("c", &asked).await.whole().await;
    assert_eq!(stack.told(), ["One", "3:0 ", "Two"]);
    assert_eq!(shown(&stack.chat_messages("c").await).1.len(), 4);
    // With another text it is an edit.
    let mut edit = messages[0].clone();
    edit["parts"][0]["text"] = json!("Uno");
    stack.chat("c", &[edit]).await.whole().await;
    assert_eq!(stack.told(), ["Uno"]);
    // Somebody else's chat of the same id is another.
    let others = stack.url(Method::GET, "ai-sdk/c/messages", "bob");
    let others: Value = others
        .send()
        .await
        .expect("sent")
        .json()
        .await
        .expect("JSON");
    assert_eq!(others, json!([]));

    let deleted = stack.url(Method::DELETE, "ai-sdk/c/", "alice").send().await;
    assert_eq!(deleted.expect("sent").status(), StatusCode::OK);
    assert_eq!(stack.chat_messages("c").await, Vec::<Value>::new());
    stack.shutdown().await;
}

#[tokio::test]
async fn a_reload_in_mid_answer_gets_it_from_its_beginning() {
    let stack = slow().await;
    let mut chunks = stack.chat("my chat", &[user("m1", "One")]).await;
    chunks.until_text(20).await;
    // The messages of the page that loads are without the answer, which it resumes.
    let messages = stack.chat_messages("my%20chat").await;
    assert_eq!(shown(&messages).1, ["One"]);
    let mut resumed = stack.resume_chat("my%20chat").await.expect("it runs");
    drop(chunks);
    let head = stack.url(Method::HEAD, "ai-sdk/my%20chat/stream/", "alice");
    let head = head.send().await.expect("sent");
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(head.headers()["x-vercel-ai-ui-message-stream"], "v1");
    let message = resumed.whole().await;
    completed(&message, &text(300));
    assert!(stack.resume_chat("my%20chat").await.is_none());
    let head = stack.url(Method::HEAD, "ai-sdk/my%20chat/stream", "alice");
    assert_eq!(
        head.send().await.expect("sent").status(),
        StatusCode::NO_CONTENT
    );
    let messages = stack.chat_messages("my%20chat").await;
    assert_eq!(shown(&messages).0, [message.id]);
    stack.shutdown().await;
}

#[tokio::test]
async fn where_a_204_is_no_good_there_is_an_empty_stream() {
    let stack = TestStack::start_with(|options| {
        options.function_url_variable("NOTHING_LEFT", "event-stream");
    })
    .await;
    let response = stack
        .url(Method::GET, "ai-sdk/c/stream", "alice")
        .send()
        .await;
    let response = response.expect("sent");
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.text().await.expect("a body"), ": no events\n\n");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_stop_stops_the_model_and_the_next_question_continues_what_there_is() {
    let stack = slow().await;
    let mut chunks = stack.chat("c", &[user("m1", "One")]).await;
    let mut begun = chunks.until_text(20).await;
    let stopped = stack
        .url(Method::DELETE, "ai-sdk/c/stream", "alice")
        .send()
        .await;
    let stopped: Value = stopped.expect("sent").json().await.expect("JSON");
    assert_eq!(stopped["sessions"][0]["status"], "stopping");
    let (rest, end) = chunks.rest().await;
    assert_eq!(end, End::Done);
    assert_eq!(rest.last().expect("an end")["type"], "abort");
    let more = rest.iter().filter_map(|chunk| chunk["delta"].as_str());
    begun.extend(more);
    assert!(text(300).starts_with(&begun) && begun.len() < text(300).len());
    let id = shown(&stack.chat_messages("c").await).0.remove(0);
    stack.script(script(1, Duration::ZERO));
    let asked = [user("m1", "One"), answer(&id, &begun), user("m2", "Two")];
    stack.chat("c", &asked).await.whole().await;
    assert_eq!(stack.told(), ["One", &begun, "Two"]);
    // The same question is asked anew.
    let again = stack.chat("c", &[user("m1", "One")]).await.whole().await;
    assert_ne!(again.id, id);
    let nothing = stack
        .url(Method::DELETE, "ai-sdk/c/stream", "alice")
        .send()
        .await;
    let nothing: Value = nothing.expect("sent").json().await.expect("JSON");
    assert_eq!(nothing["sessions"], json!([]));
    stack.shutdown().await;
}

/// `stop()` of a chat only leaves the response. The next question stops the model.
#[tokio::test]
async fn a_question_behind_an_answer_that_was_left_stops_it() {
    let stack = slow().await;
    let mut chunks = stack.chat("c", &[user("m1", "One")]).await;
    let start = chunks.next().await.expect("a start");
    let id = start["messageId"].as_str().expect("an id").to_owned();
    let begun = chunks.until_text(20).await;
    drop(chunks);
    let asked = [user("m1", "One"), answer(&id, &begun), user("m2", "Two")];
    let mut second = stack.chat("c", &asked).await;
    second.until_text(4).await;
    let told = stack.told();
    assert!(told[1].starts_with(&begun) && told[1].len() < text(300).len());
    let first = stack.get_stream("alice", &id).await;
    assert_eq!(first["status"], "CANCELLED");
    drop(second);
    stack.shutdown().await;
}

#[tokio::test]
async fn reasoning_and_sources_are_parts() {
    let blocks: Vec<ScriptBlock> = serde_json::from_value(json!([
        {"reasoning": ["Hm, ", "so."]},
        {"text": ["They ", "meander"]},
        {"citation": {"title": "Rivers", "url": "https://example.com/rivers"}},
        {"text": [" slowly."]},
    ]))
    .expect("blocks");
    let stack = TestStack::start_with(|options| {
        options.script = ScriptConfig {
            blocks: Some(blocks),
            ..script(0, Duration::ZERO)
        };
    })
    .await;
    let (chunks, end) = stack.chat("c", &[user("m1", "One")]).await.rest().await;
    assert_eq!(end, End::Done);
    let message = Message::of(&chunks);
    completed(&message, "They meander slowly.");
    assert_eq!(message.reasoning, "Hm, so.");
    let sources = chunks.iter().filter(|chunk| chunk["type"] == "source-url");
    let sources: Vec<_> = sources.collect();
    assert_eq!(sources[0]["url"], "https://example.com/rivers");
    assert_eq!(sources[0]["sourceId"], format!("{}:2", message.id));
    let read = stack.chat_messages("c").await;
    let types = read[1]["parts"].as_array().expect("parts").iter();
    let types: Vec<_> = types.map(|part| part["type"].as_str()).collect();
    let expected = ["step-start", "reasoning", "text", "source-url", "text"];
    assert_eq!(types, expected.map(Some));
    stack.shutdown().await;
}

/// Text of a second call never appears in the first answer.
#[tokio::test]
async fn two_tabs_that_ask_at_once_make_two_branches() {
    let stack = words().await;
    let first = stack.chat("c", &[user("m1", "One")]).await.whole().await;
    let asked =
        |id: &str, text: &str| [user("m1", "One"), answer(&first.id, "1:0 "), user(id, text)];
    let (left, right) = (asked("a", "Left"), asked("b", "Right"));
    let (left, right) = tokio::join!(
        async { stack.chat("c", &left).await.whole().await },
        async { stack.chat("c", &right).await.whole().await },
    );
    for message in [&left, &right] {
        assert_eq!(stack.parent_of(&message.id).await, first.id.as_str());
        assert!([text_of(2, 1), text_of(3, 1)].contains(&message.text));
    }
    assert_ne!(left.text, right.text);
    stack.shutdown().await;
}
