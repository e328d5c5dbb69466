//! How responses are passed on, and when.

use local_stack::testing::{eventually, within};

use crate::function::MUCH;
use crate::stack::Url;

#[tokio::test]
async fn each_chunk_is_there_before_the_function_writes_the_next() {
    let url = Url::start().await;
    let mut response = url.get("/steps").await;
    for number in 1..=3 {
        let chunk = within(response.chunk())
            .await
            .expect("no end")
            .expect("a chunk");
        assert_eq!(chunk, format!("step {number}\n"));
        // The function continues only now.
        url.stack.open_gate(&format!("gate {number}"));
    }
    assert_eq!(within(response.chunk()).await.expect("a whole body"), None);
    url.stop().await;
}

#[tokio::test]
async fn the_prelude_is_the_head() {
    let url = Url::start().await;
    let response = url.get("/teapot").await;
    assert_eq!(response.status(), 418);
    let headers = response.headers();
    assert_eq!(headers["content-type"], "text/plain");
    assert_eq!(headers["x-own"], "value");
    let cookies: Vec<_> = headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert!(headers.contains_key("x-amzn-requestid"));
    assert!(!headers.contains_key("content-length"));
    let text = within(response.text()).await.expect("a whole body");
    assert!(text.contains("\"/teapot\""), "{text}");
    url.stop().await;
}

async fn check(url: &Url, path: &str, status: u16, content_type: &str, body: &str) {
    let response = url.get(path).await;
    assert_eq!(response.status(), status, "{path}");
    let got = response.headers().get("content-type");
    let got = got.map_or("", |value| value.to_str().expect("text"));
    assert_eq!(got, content_type, "{path}");
    assert_eq!(within(response.text()).await.expect("a whole body"), body);
}

#[tokio::test]
async fn what_other_runtimes_send() {
    let url = Url::by_hand().await;
    let unknown = "application/octet-stream";
    check(&url, "/split", 200, unknown, "whole body").await;
    check(&url, "/raw", 200, unknown, "raw").await;
    check(&url, "/buffered", 200, "application/json", "{\"n\":1}").await;
    let plain = "text/plain; charset=utf-8";
    for broken in ["/endless", "/nonsense"] {
        check(&url, broken, 502, plain, "Internal Server Error").await;
    }
    url.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_function_back() {
    let url = Url::start().await;
    let unread = url.get("/much-unread").await;
    // A later request whose client reads is done before this one.
    let read = url.get("/much").await;
    let body = within(read.bytes()).await.expect("a whole body");
    assert_eq!(body.len(), MUCH);
    url.stack.note("much.done").await;
    assert!(!url.stack.has_note("much-unread.done"));
    let taken = url.stack.note("much-unread").await.as_u64();
    let taken = usize::try_from(taken.expect("a number")).expect("a length");
    assert!(taken < MUCH, "{taken}");
    let body = within(unread.bytes()).await.expect("a whole body");
    assert_eq!(body.len(), MUCH);
    url.stack.note("much-unread.done").await;
    url.stop().await;
}

#[tokio::test]
async fn what_passed_is_counted() {
    let url = Url::start().await;
    let post = url.http.post(url.at("/echo")).body("twelve bytes");
    let response = within(post.send()).await.expect("an answer");
    let body = within(response.bytes()).await.expect("a whole body");
    let count = url.stack.local.usage().of("functionurl", "Invoke");
    assert_eq!((count.count, count.bytes_in), (1, 12));
    assert_eq!(count.bytes_out, body.len() as u64);
    let invoked = eventually(async || {
        let count = url.stack.local.usage().of("lambda", "chat");
        (count.count > 0).then_some(count)
    })
    .await;
    assert_eq!(invoked.count, 1);
    let control = format!("{}/_tokencast/usage", url.stack.local.endpoints().url());
    let read = within(url.http.get(&control).send())
        .await
        .expect("an answer");
    let text = within(read.text()).await.expect("a body");
    assert!(
        text.contains(r#""service":"functionurl","operation":"Invoke","count":1"#),
        "{text}"
    );
    let cleared = url.http.delete(&control).send();
    assert_eq!(within(cleared).await.expect("an answer").status(), 200);
    assert_eq!(url.stack.local.usage().report(), []);
    url.stop().await;
}
