//! Behind a proxy that holds responses back and changes them, as nginx and CDNs do by default, tokens come one by one.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::response::Response;
use futures_util::TryStreamExt as _;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::json;
use system_tests::TestStack;
use system_tests::stack::script;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::stream::{message, run, sent, streamed};

/// The header of a response that the proxy has held back.
const HELD: &str = "x-held-back";

/// The proxy, and what it forwards to.
struct Proxy {
    url: String,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Upstream {
    url: String,
    client: Client,
}

impl Proxy {
    async fn start(url: &str, client: Client) -> Self {
        let upstream = Upstream {
            url: url.trim_end_matches('/').to_owned(),
            client,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(forward).with_state(upstream);
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("a server");
        });
        Self {
            url: format!("http://{address}/"),
            server,
        }
    }
}

/// Passes a request on. The response is held back until it is whole, as by a buffer, unless it asks for the contrary; or,
/// as by a compressor, unless it says that it must not be changed.
async fn forward(State(upstream): State<Upstream>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    head.headers.remove(HOST);
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}{path}", upstream.url);
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .expect("a body");
    let request = upstream
        .client
        .request(head.method, url)
        .headers(head.headers)
        .body(body);
    let response = request.send().await.expect("the upstream answers");
    let header = |name: &str| {
        let value = response.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let buffers = header("x-accel-buffering") != "no";
    let compresses = !header(CACHE_CONTROL.as_str()).contains("no-transform");
    let mut forwarded = Response::builder().status(response.status());
    // The other headers are those of the connection.
    let is_ours =
        |name: &HeaderName| [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(name);
    let headers = response.headers().iter().filter(|(name, _)| !is_ours(name));
    for (name, value) in headers {
        forwarded = forwarded.header(name, value);
    }
    let body = if buffers || compresses {
        forwarded = forwarded.header(HELD, "yes");
        Body::from(response.bytes().await.expect("a whole body"))
    } else {
        Body::from_stream(response.bytes_stream().map_err(std::io::Error::other))
    };
    forwarded.body(body).expect("a response")
}

#[tokio::test]
async fn tokens_come_one_by_one_behind_a_proxy_that_buffers_and_compresses() {
    let stack = TestStack::start_with(|options| {
        options.script = script(2_000, std::time::Duration::from_millis(10));
    })
    .await;
    let direct = stack.running.info.function_url.clone().expect("a URL");
    let proxy = Proxy::start(&direct, stack.http().clone()).await;
    let prompt = json!({ "prompt": "Why do rivers meander?" });
    let chat = json!({
        "id": "c", "trigger": "submit-message",
        "messages": [{ "id": "m", "role": "user", "parts": [{ "type": "text", "text": "Why?" }] }],
    });
    let asked = [
        stack.url(Method::POST, "", "alice").json(&prompt),
        stack.url(Method::POST, "ai-sdk", "alice").json(&chat),
        streamed(&stack),
        run(&stack, "t", "r", &[message("m", "user", "Why?")]),
    ];
    for request in asked {
        let mut response = sent(behind(&proxy, &direct, request, stack.http())).await;
        assert!(!response.headers().contains_key(HELD));
        let id = response.headers()["x-tokencast-session-id"]
            .to_str()
            .expect("a text")
            .to_owned();
        let mut pieces = 0;
        while pieces < 5 {
            let piece = response.chunk().await.expect("more");
            pieces += usize::from(piece.is_some_and(|piece| !piece.is_empty()));
        }
        // Several pieces are here while the model is far from its end.
        let session = stack.get_stream("alice", &id).await;
        assert_ne!(session["status"], "COMPLETED");
        stack.url_stop(&id).await;
    }
    // The same proxy holds everything else back.
    let list = stack.url(Method::GET, "conversations", "alice");
    let list = sent(behind(&proxy, &direct, list, stack.http())).await;
    assert!(list.headers().contains_key(HELD));
    proxy.server.abort();
    stack.shutdown().await;
}

/// The same request to the proxy.
fn behind(proxy: &Proxy, direct: &str, request: RequestBuilder, client: &Client) -> RequestBuilder {
    let mut request = request.build().expect("a request");
    let path = request
        .url()
        .as_str()
        .strip_prefix(direct)
        .expect("below the URL");
    let url = format!("{}{path}", proxy.url);
    *request.url_mut() = url.parse().expect("a URL");
    RequestBuilder::from_parts(client.clone(), request)
}
