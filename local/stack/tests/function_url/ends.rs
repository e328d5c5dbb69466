//! Functions that fail, time out, or lose their client.

use std::time::Duration;

use local_stack::testing::{eventually, within};

use crate::stack::{Url, until_broken};

#[tokio::test]
async fn before_the_head_a_failure_is_502() {
    let url = Url::start().await;
    for path in ["/fail", "/exit"] {
        let response = url.get(path).await;
        assert_eq!(response.status(), 502, "{path}");
        let text = within(response.text()).await.expect("a body");
        assert_eq!(text, "Internal Server Error", "{path}");
    }
    url.stop().await;
}

async fn busy(url: &Url) {
    eventually(async || {
        let processes = url.stack.local.lambda().processes("chat");
        let mut running = processes.iter().filter(|it| it.request_id.is_some());
        running.next().map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn before_the_head_the_time_out_is_502() {
    let url = Url::start().await;
    let asking = tokio::spawn({
        let (http, url) = (url.http.clone(), url.at("/hang"));
        async move { http.get(url).send().await }
    });
    busy(&url).await;
    url.stack.local.clock().advance(Duration::from_secs(31));
    let response = within(asking).await.expect("no panic").expect("an answer");
    assert_eq!(response.status(), 502);
    url.stop().await;
}

#[tokio::test]
async fn after_the_head_the_time_out_breaks_the_body_off() {
    let url = Url::start().await;
    let mut response = url.get("/stall").await;
    let first = within(response.chunk()).await.expect("no end");
    assert_eq!(first.expect("a chunk"), "so far");
    url.stack.local.clock().advance(Duration::from_secs(31));
    assert_eq!(until_broken(response).await, "");
    url.stop().await;
}

#[tokio::test]
async fn after_the_head_a_crash_breaks_the_body_off() {
    let url = Url::start().await;
    let response = url.get("/break").await;
    url.stack.open_gate("break");
    assert_eq!(until_broken(response).await, "so far");
    // The next request gets another process.
    assert_eq!(url.get("/echo").await.status(), 200);
    url.stop().await;
}

#[tokio::test]
async fn an_error_in_the_trailers_breaks_the_body_off() {
    let url = Url::by_hand().await;
    let response = url.get("/trailers").await;
    assert_eq!(response.status(), 200);
    assert_eq!(until_broken(response).await, "so far");
    url.stop().await;
}

/// `lambda_runtime` 1.5 writes what should be trailers as text. The local Lambda passes it on: if it were hidden,
/// nobody would notice before AWS.
#[tokio::test]
async fn an_error_of_the_official_runtimes_body_comes_as_text() {
    let url = Url::start().await;
    let text = within(url.get("/error").await.text()).await;
    let text = text.expect("a whole body");
    let begins = "so farLambda-Runtime-Function-Error-Type: Runtime.StreamError";
    assert!(text.starts_with(begins), "{text}");
    url.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_ends_nothing() {
    let url = Url::start().await;
    let mut response = url.get("/steps").await;
    let first = within(response.chunk()).await.expect("no end");
    assert_eq!(first.expect("a chunk"), "step 1\n");
    drop(response);
    assert!(!url.stack.has_note("steps.done"));
    for number in 1..=3 {
        url.stack.open_gate(&format!("gate {number}"));
    }
    // The function has written everything, and its process is free for the next request.
    url.stack.note("steps.done").await;
    let one = url.stack.local.lambda().processes("chat");
    assert_eq!(url.get("/echo").await.status(), 200);
    assert_eq!(
        url.stack.local.lambda().processes("chat")[0].pid,
        one[0].pid
    );
    url.stop().await;
}
