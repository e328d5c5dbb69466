//! What a page of another origin gets.

use std::time::Duration;

use http::HeaderMap;
use local_stack::config::CorsConfig;
use local_stack::testing::within;

use crate::stack::{ORIGIN, Url};

fn cors() -> CorsConfig {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    CorsConfig {
        allow_credentials: false,
        allow_headers: texts(&["authorization", "content-type"]),
        allow_methods: texts(&["GET", "POST", "DELETE"]),
        allow_origins: texts(&[ORIGIN]),
        expose_headers: texts(&["x-own"]),
        max_age: Some(Duration::from_mins(5)),
    }
}

async fn preflight(url: &Url, origin: &str) -> (u16, HeaderMap) {
    let request = url
        .http
        .request(http::Method::OPTIONS, url.at("/echo"))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization");
    let response = within(request.send()).await.expect("an answer");
    (response.status().as_u16(), response.headers().clone())
}

#[tokio::test]
async fn a_preflight_is_answered_by_the_url() {
    let url = Url::start_with(Some(cors()), &[]).await;
    let (status, headers) = preflight(&url, ORIGIN).await;
    assert_eq!(status, 200);
    assert_eq!(headers["access-control-allow-origin"], ORIGIN);
    assert_eq!(headers["access-control-allow-methods"], "GET,POST,DELETE");
    let allowed = &headers["access-control-allow-headers"];
    assert_eq!(allowed, "authorization,content-type");
    assert_eq!(headers["access-control-max-age"], "300");
    let (status, headers) = preflight(&url, "http://localhost:3000").await;
    assert_eq!(status, 200);
    assert!(!headers.contains_key("access-control-allow-origin"));
    assert!(!url.was_started());
    url.stop().await;
}

#[tokio::test]
async fn an_answer_says_what_the_url_says_and_not_what_the_function_says() {
    let url = Url::start_with(Some(cors()), &[]).await;
    for (origin, expected) in [(ORIGIN, Some(ORIGIN)), ("http://localhost:3000", None)] {
        let request = url.http.get(url.at("/echo")).header("origin", origin);
        let response = within(request.send()).await.expect("an answer");
        let allowed = response.headers().get("access-control-allow-origin");
        assert_eq!(allowed.map(|it| it.to_str().expect("text")), expected);
    }
    // The page can read a failure as well.
    let request = url.http.get(url.at("/fail")).header("origin", ORIGIN);
    let response = within(request.send()).await.expect("an answer");
    assert_eq!(response.headers()["access-control-allow-origin"], ORIGIN);
    url.stop().await;
}

#[tokio::test]
async fn a_url_without_configuration_leaves_it_to_the_function() {
    let url = Url::start().await;
    let (status, headers) = preflight(&url, ORIGIN).await;
    assert_eq!(status, 200);
    let own = &headers["access-control-allow-origin"];
    assert_eq!(own, "http://of-the-function.test");
    assert!(url.was_started());
    url.stop().await;
}
