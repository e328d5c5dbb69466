//! Reasoning of servers with OpenAI's API, in each of the ways in which they send it.

mod bedrock_support;

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use local_bedrock::Bedrock;
use local_bedrock::config::{ModelConfig, ReasoningTags};
use local_bedrock::log::EndReason;
use local_kit::clock::Clock;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use bedrock_support::{MODEL, Seen, Server, converse, serve, user};

/// How a server's response ends after its last chunk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    Cut,
    BrokenOff,
    Stalled,
}

/// A server that sends these deltas, and the requests that it gets.
async fn completions(deltas: Vec<Value>, end: End) -> (String, mpsc::Receiver<Value>) {
    let (requests, received) = mpsc::channel(16);
    let answer = move |axum::Json(request): axum::Json<Value>| async move {
        requests.send(request).await.expect("read");
        let mut events: Vec<String> = deltas
            .iter()
            .map(|delta| json!({ "choices": [{ "index": 0, "delta": delta }] }).to_string())
            .collect();
        if end == End::Whole {
            events.push(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#.into());
            events.push("[DONE]".into());
        }
        let chunks = events
            .into_iter()
            .map(|event| Ok(Bytes::from(format!("data: {event}\n\n"))));
        let chunks = stream::iter(chunks);
        match end {
            End::Whole | End::Cut => Body::from_stream(chunks.chain(stream::empty::<Chunk>())),
            End::BrokenOff => Body::from_stream(chunks.chain(stream::once(async {
                // Lets the server flush, because a reset discards what the server still holds.
                tokio::task::yield_now().await;
                Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
            }))),
            End::Stalled => Body::from_stream(chunks.chain(stream::pending::<Chunk>())),
        }
    };
    let url = serve(Router::new().route("/v1/chat/completions", post(answer))).await;
    (format!("{url}/v1"), received)
}

type Chunk = Result<Bytes, std::io::Error>;

async fn server(base_url: String, reasoning_tags: ReasoningTags) -> Server {
    let config = ModelConfig::OpenAi {
        base_url,
        model: Some("llama".into()),
        api_key: None,
        reasoning_tags,
    };
    Server::start(Bedrock::new(config, Clock::system())).await
}

fn content(tokens: &[&str]) -> Vec<Value> {
    let tokens = tokens.iter();
    tokens.map(|token| json!({ "content": token })).collect()
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a case is a few lines of a table")]
async fn every_form_of_reasoning_is_a_block() {
    use ReasoningTags::{Always, Auto, Off};

    let typed = |kind: &str, text: &str| json!({ "content": [{ "type": kind, "text": text }] });
    let one = "start, reasoning 0, stop 0, delta 1, stop 1, end end_turn, metadata";
    let none = "start, delta 0, stop 0, end end_turn, metadata";
    for (deltas, tags, reasoning, text, order) in [
        (
            vec![
                json!({ "reasoning_content": "h" }),
                json!({ "reasoning_content": "m" }),
                json!({ "content": "Yes." }),
            ],
            Auto,
            "hm",
            "Yes.",
            one,
        ),
        (
            vec![json!({ "reasoning": "hm", "content": "Yes." })],
            Off,
            "hm",
            "Yes.",
            one,
        ),
        (
            vec![typed("thinking", "hm"), typed("text", "Yes.")],
            Auto,
            "hm",
            "Yes.",
            one,
        ),
        (
            content(&["<th", "ink>\nh", "m\n</thi", "nk>\n\nYes."]),
            Auto,
            "hm",
            "Yes.",
            one,
        ),
        (
            content(&["hm\n</think>\n\n", "Yes."]),
            Always,
            "hm",
            "Yes.",
            one,
        ),
        (
            content(&["<think>", "\n\n", "</think>\n\n", "Yes."]),
            Auto,
            "",
            "Yes.",
            none,
        ),
        (
            content(&["<think>hm</think>Yes."]),
            Off,
            "",
            "<think>hm</think>Yes.",
            none,
        ),
        (
            content(&["hm", "\n</think>", "\nYes."]),
            Auto,
            "",
            "hm\n\nYes.",
            none,
        ),
        (
            vec![
                json!({ "reasoning": "hm" }),
                json!({ "content": "<think> is a tag." }),
            ],
            Always,
            "hm",
            "<think> is a tag.",
            one,
        ),
        (
            vec![
                json!({ "reasoning": "a" }),
                json!({ "content": "b" }),
                json!({ "reasoning": "c" }),
                json!({ "content": "d" }),
            ],
            Auto,
            "ac",
            "bd",
            "start, reasoning 0, stop 0, delta 1, stop 1, reasoning 2, stop 2, delta 3, stop 3, end end_turn, metadata",
        ),
    ] {
        let shown = format!("{deltas:?}");
        let (base_url, _requests) = completions(deltas, End::Whole).await;
        let seen = converse(&server(base_url, tags).await.client(), "Hi").await;
        assert_eq!(
            (
                seen.reasoning.as_str(),
                seen.text().as_str(),
                seen.order.join(", ").as_str()
            ),
            (reasoning, text, order),
            "{shown}"
        );
        assert_eq!(seen.error, None, "{shown}");
    }
}

#[tokio::test]
async fn a_server_may_fail_in_the_middle_of_its_reasoning() {
    let failing = json!({ "error": { "message": "out of memory" } });
    for (end, error) in [
        (End::Cut, None),
        (End::BrokenOff, Some("ModelStreamErrorException")),
    ] {
        for deltas in [
            content(&["<think>h", "m"]),
            vec![json!({ "reasoning": "hm" })],
        ] {
            let (base_url, _requests) = completions(deltas, end).await;
            let seen = converse(&server(base_url, ReasoningTags::Auto).await.client(), "Hi").await;
            assert_eq!((seen.reasoning.as_str(), seen.text().as_str()), ("hm", ""));
            assert_eq!(seen.error.as_deref(), error);
            assert!(
                !seen.order.contains(&"metadata".to_owned()),
                "{:?}",
                seen.order
            );
        }
    }
    let body = format!(
        "data: {{\"choices\":[{{\"delta\":{{\"reasoning\":\"hm\"}}}}]}}\n\ndata: {failing}\n\n"
    );
    let answer = move || async move { body };
    let url = serve(Router::new().route("/v1/chat/completions", post(answer))).await;
    let server = server(format!("{url}/v1"), ReasoningTags::Auto).await;
    let seen = converse(&server.client(), "Hi").await;
    assert_eq!(
        (seen.reasoning.as_str(), seen.error.as_deref()),
        ("hm", Some("ModelStreamErrorException"))
    );
}

#[tokio::test]
async fn a_caller_may_leave_a_server_that_stalls_in_its_reasoning() {
    let (base_url, _requests) = completions(content(&["<think>hm"]), End::Stalled).await;
    let server = server(base_url, ReasoningTags::Auto).await;
    let asked = server.client().converse_stream().model_id(MODEL);
    let mut response = asked.messages(user("Hi")).send().await.expect("a stream");
    let mut seen = Seen::default();
    while seen.reasoning.is_empty() {
        seen.take(
            response
                .stream
                .recv()
                .await
                .expect("no error")
                .expect("more"),
        );
    }
    drop(response);
    let (_, reason) = server.last_call_ended().await;
    assert_eq!(reason, EndReason::ClientGone);
}

#[tokio::test]
async fn a_servers_history_has_text_alone() {
    let (base_url, mut requests) = completions(content(&["Yes."]), End::Whole).await;
    let server = server(base_url, ReasoningTags::Auto).await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().tls_certs_only([]).build();
    let point = json!({ "cachePoint": { "type": "default" } });
    let reasoning =
        json!({ "reasoningContent": { "reasoningText": { "text": "hm", "signature": "s" } } });
    let body = json!({
        "system": [{ "text": "Be brief." }, point],
        "messages": [
            { "role": "user", "content": [{ "text": "One?" }] },
            { "role": "assistant", "content": [reasoning, { "text": "Yes." }, point] },
            { "role": "user", "content": [{ "text": "Two?" }] },
            { "role": "assistant", "content": [reasoning] },
            { "role": "user", "content": [{ "text": "Three?" }] },
        ],
    });
    let url = format!(
        "{}/model/anthropic.claude-sonnet-4-20250514-v1:0/converse",
        server.url
    );
    let sent = client.expect("a client").post(url).json(&body).send().await;
    assert_eq!(sent.expect("a response").status(), 200);
    let request = requests.recv().await.expect("a request");
    assert_eq!(
        request["messages"],
        json!([
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "One?" },
            { "role": "assistant", "content": "Yes." },
            { "role": "user", "content": "Two?\n\nThree?" },
        ])
    );
}
