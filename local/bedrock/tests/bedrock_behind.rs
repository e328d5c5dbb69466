//! Other models behind Bedrock's API: a server with OpenAI's API, and Bedrock itself.

mod bedrock_support;

use axum::body::Body;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::stream;
use local_bedrock::Bedrock;
use local_bedrock::config::ModelException::{ModelStreamError, Throttling};
use local_bedrock::config::{FaultRule, ModelConfig, ModelFault, ReasoningTags, ScriptConfig};
use local_kit::clock::Clock;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use bedrock_support::{Server, all_blocks, client, converse, fast, serve};

async fn openai(base_url: String) -> Server {
    openai_with(base_url, ReasoningTags::Auto).await
}

async fn openai_with(base_url: String, reasoning_tags: ReasoningTags) -> Server {
    let config = ModelConfig::OpenAi {
        base_url,
        model: Some("llama".into()),
        api_key: Some("key".into()),
        reasoning_tags,
    };
    Server::start(Bedrock::new(config, Clock::system())).await
}

/// A chat completions server that responds with `body`, in chunks of `size` bytes.
async fn completions(
    status: u16,
    body: &'static str,
    size: usize,
) -> (String, mpsc::Receiver<Value>) {
    let (requests, received) = mpsc::channel(16);
    let answer = move |headers: http::HeaderMap, Json(request): Json<Value>| async move {
        assert_eq!(headers["authorization"], "Bearer key");
        requests.send(request).await.expect("read");
        let chunks = body
            .as_bytes()
            .chunks(size)
            .map(|chunk| Ok::<_, std::io::Error>(Bytes::from_static(chunk)));
        (
            http::StatusCode::from_u16(status).expect("a status"),
            Body::from_stream(stream::iter(chunks)),
        )
    };
    let url = serve(Router::new().route("/v1/chat/completions", post(answer))).await;
    (format!("{url}/v1/"), received)
}

const STREAM: &str = concat!(
    ": ping\r\n\r\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\r\n\r\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"hm\"},\"finish_reason\":null}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"川 \"},\"finish_reason\":null}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"🌊\"},\"finish_reason\":null}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":7,\"total_tokens\":18}}\n\n",
    "data: [DONE]\n\n",
);

#[tokio::test]
async fn an_openai_stream_becomes_bedrocks() {
    for size in [1, 3, 7, 64, 10_000] {
        let (base_url, mut requests) = completions(200, STREAM, size).await;
        let server = openai(base_url).await;
        let seen = converse(&server.client(), "Hi").await;
        assert_eq!(
            (seen.text().as_str(), seen.reasoning.as_str(), &seen.error),
            ("川 🌊", "hm", &None),
            "{size}"
        );
        assert_eq!(seen.usage, Some((11, 7, 18)));
        assert!(seen.order.contains(&"end max_tokens".to_owned()));
        let request = requests.recv().await.expect("a request");
        assert_eq!(
            request["messages"],
            json!([{ "role": "user", "content": "Hi" }])
        );
        assert_eq!(
            (&request["stream"], &request["model"]),
            (&json!(true), &json!("llama"))
        );
        assert_eq!(request["stream_options"], json!({ "include_usage": true }));
    }
}

#[tokio::test]
async fn an_openai_servers_errors_become_bedrocks() {
    for (status, body, text, error) in [
        (401, "{}", "", Some("403 AccessDeniedException")),
        (404, "{}", "", Some("404 ResourceNotFoundException")),
        (429, "{}", "", Some("429 ThrottlingException")),
        (403, "{}", "", Some("403 AccessDeniedException")),
        (400, "{}", "", Some("404 ResourceNotFoundException")),
        (
            400,
            "{\"error\":{\"code\":\"context_length_exceeded\"}}",
            "",
            Some("400 ValidationException"),
        ),
        (413, "", "", Some("400 ValidationException")),
        (408, "", "", Some("408 ModelTimeoutException")),
        (529, "", "", Some("503 ServiceUnavailableException")),
        (200, "<html>", "", Some("404 ResourceNotFoundException")),
        (200, "", "", Some("424 ModelErrorException")),
        (
            200,
            "{\"error\":{\"message\":\"slow down\",\"code\":429}}",
            "",
            Some("429 ThrottlingException"),
        ),
        (500, "oops", "", Some("500 InternalServerException")),
        (503, "", "", Some("503 ServiceUnavailableException")),
        (
            200,
            "data: {\"error\":{\"message\":\"out of memory\"}}\n\n",
            "",
            Some("ModelStreamErrorException"),
        ),
        (
            200,
            "data: nonsense\n\n",
            "",
            Some("ModelStreamErrorException"),
        ),
        // Ends without a reason, so it was cut.
        (
            200,
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
            "a",
            None,
        ),
    ] {
        let (base_url, _requests) = completions(status, body, 5).await;
        let seen = converse(&openai(base_url).await.client(), "Hi").await;
        assert_eq!(
            (seen.text().as_str(), seen.error.as_deref()),
            (text, error),
            "{status} {body}"
        );
        assert!(
            !seen.order.contains(&"metadata".to_owned()),
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let server = openai("http://127.0.0.1:1/v1".into()).await;
    let sent = server
        .client()
        .converse()
        .model_id(bedrock_support::MODEL)
        .messages(bedrock_support::user("Hi"));
    let error = sent
        .send()
        .await
        .expect_err("no server")
        .into_service_error();
    let message = error.meta().message().expect("a message");
    assert!(
        error.is_resource_not_found_exception() && message.contains("http://127.0.0.1:1/v1"),
        "{message}"
    );
}

/// A server that accepts only these optional parameters, and refuses one other at a time.
async fn particular(taken: &'static [&'static str]) -> (String, mpsc::Receiver<Value>) {
    const OPTIONAL: [&str; 6] = [
        "max_completion_tokens",
        "max_tokens",
        "stop",
        "stream_options",
        "temperature",
        "top_p",
    ];
    let (requests, received) = mpsc::channel(32);
    let answer = move |Json(request): Json<Value>| async move {
        let refused = OPTIONAL
            .into_iter()
            .find(|name| !taken.contains(name) && request.get(name).is_some());
        requests.send(request).await.expect("read");
        match refused {
            Some(name) => {
                let error = json!({ "error": { "message": "unsupported", "param": name } });
                (http::StatusCode::BAD_REQUEST, error.to_string())
            }
            None => (http::StatusCode::OK, STREAM.to_owned()),
        }
    };
    let url = serve(Router::new().route("/v1/chat/completions", post(answer))).await;
    (format!("{url}/v1"), received)
}

#[tokio::test]
async fn what_a_server_does_not_take_is_left_out_and_remembered() {
    for (taken, tries, last) in [
        (
            &[
                "max_completion_tokens",
                "stop",
                "stream_options",
                "temperature",
                "top_p",
            ][..],
            2,
            &[
                "max_completion_tokens",
                "stop",
                "stream_options",
                "temperature",
                "top_p",
            ][..],
        ),
        (&["max_tokens", "top_p"], 4, &["max_tokens", "top_p"]),
        (&[], 7, &[]),
    ] {
        let (base_url, mut requests) = particular(taken).await;
        let server = openai(base_url).await;
        let client = server.client();
        for expected in [tries, 1] {
            let inference = aws_sdk_bedrockruntime::types::InferenceConfiguration::builder()
                .max_tokens(9)
                .temperature(0.5)
                .top_p(0.5)
                .stop_sequences("END");
            let asked = client
                .converse()
                .model_id(bedrock_support::MODEL)
                .messages(bedrock_support::user("Hi"))
                .inference_config(inference.build());
            asked.send().await.expect("an answer");
            let mut got = Vec::new();
            while let Ok(request) = requests.try_recv() {
                got.push(request);
            }
            assert_eq!(got.len(), expected, "{taken:?}: {got:?}");
            let request = got.pop().expect("one at least");
            let request = request.as_object().expect("an object");
            let mut names: Vec<&str> = request.keys().map(String::as_str).collect();
            names.retain(|name| !["messages", "model", "stream"].contains(name));
            names.sort_unstable();
            assert_eq!(names, last);
        }
    }
}

#[tokio::test]
async fn bedrock_itself_is_passed_through() {
    let refused = FaultRule {
        prompt_contains: Some("busy".into()),
        ..FaultRule::always(ModelFault::Refuse(Throttling))
    };
    let fault = ModelFault::Fail {
        after_tokens: 1,
        exception: ModelStreamError,
    };
    let failing = FaultRule {
        prompt_contains: Some("fail".into()),
        ..FaultRule::always(fault)
    };
    let cut = FaultRule {
        prompt_contains: Some("cut".into()),
        ..FaultRule::always(ModelFault::Cut { after_tokens: 1 })
    };
    let script = ScriptConfig {
        faults: vec![refused, failing, cut],
        blocks: Some(all_blocks()),
        ..fast(&[])
    };
    let behind = Server::scripted(script).await;
    let front = Bedrock::with_client(
        client(&behind.url),
        "amazon.nova-lite-v1:0".into(),
        Clock::system(),
    );
    let front = Server::start(front).await;
    for prompt in ["Hi", "fail", "cut", "busy"] {
        let through = converse(&front.client(), prompt).await;
        assert_eq!(
            through,
            converse(&behind.client(), prompt).await,
            "{prompt}"
        );
    }
    assert_eq!(behind.bedrock.calls()[0].model_id, "amazon.nova-lite-v1:0");
    assert!(!front.bedrock.set_script(ScriptConfig::default()));
}

#[tokio::test]
async fn a_call_that_comes_back_is_refused() {
    // The front's own address is known only once it is bound.
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let front = Bedrock::with_client(
        client(&url),
        "amazon.nova-lite-v1:0".into(),
        Clock::system(),
    );
    let router = front.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let sent = client(&url)
        .converse()
        .model_id(bedrock_support::MODEL)
        .messages(bedrock_support::user("Hi"));
    let error = sent.send().await.expect_err("a loop").into_service_error();
    assert!(
        error
            .meta()
            .message()
            .expect("a message")
            .contains("AWS_ENDPOINT_URL"),
        "{error}"
    );
    assert_eq!(front.calls().len(), 1);
}
