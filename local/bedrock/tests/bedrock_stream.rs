//! What the official SDK reads from the scripted model's streams.

mod bedrock_support;

use std::time::Duration;

use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{InferenceConfiguration, ResponseStream};
use local_bedrock::config::ScriptConfig;
use local_bedrock::log::EndReason;
use serde_json::{Value, json};

use bedrock_support::{MODEL, Seen, Server, converse, fast, user};

#[tokio::test]
async fn a_stream_has_bedrocks_events_in_their_order() {
    let server = Server::scripted(fast(&["Rivers", " 曲がる", "", " 🌊", "."])).await;
    let seen = converse(&server.client(), "Why do rivers meander?").await;
    assert_eq!(seen.deltas, ["Rivers", " 曲がる", "", " 🌊", "."]);
    assert_eq!(
        seen.order,
        ["start", "delta 0", "stop 0", "end end_turn", "metadata"]
    );
    assert_eq!(seen.usage, Some((5, 4, 9)));
    assert_eq!(seen.error, None);
    let (call, reason) = server.last_call_ended().await;
    assert_eq!(
        (reason, call.tokens_sent, call.id),
        (EndReason::Completed, 4, 1)
    );
    assert_eq!(
        (call.prompt.as_str(), call.model_id.as_str()),
        ("Why do rivers meander?", MODEL)
    );
}

#[tokio::test]
async fn reasoning_is_a_block_of_its_own() {
    let script = ScriptConfig {
        reasoning: vec!["Let me".into(), " see".into()],
        ..fast(&["Done"])
    };
    let server = Server::scripted(script).await;
    let seen = converse(&server.client(), "Hi").await;
    assert_eq!(
        (seen.text().as_str(), seen.reasoning.as_str()),
        ("Done", "Let me see")
    );
    assert_eq!(
        seen.order,
        [
            "start",
            "reasoning 0",
            "stop 0",
            "delta 1",
            "stop 1",
            "end end_turn",
            "metadata"
        ]
    );
}

#[tokio::test]
async fn the_default_script_answers_any_prompt_about_its_subject() {
    let script = ScriptConfig {
        time_to_first_token: Duration::ZERO,
        time_between_tokens: Duration::ZERO,
        ..ScriptConfig::default()
    };
    let server = Server::scripted(script).await;
    let seen = converse(&server.client(), "Why do rivers meander?").await;
    let text = seen.text();
    assert!(
        text.contains("rivers meander") && text.contains("scripted model"),
        "{text}"
    );
    assert!(seen.deltas.len() > 100);
    assert_eq!(
        converse(&server.client(), "Why do rivers meander?").await,
        seen
    );
}

#[tokio::test]
async fn two_thousand_tokens_at_full_speed_all_come() {
    let words: Vec<String> = (0..2_000).map(|n| format!(" {n}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let server = Server::scripted(fast(&words)).await;
    let seen = converse(&server.client(), "Count").await;
    assert_eq!(seen.deltas, words);
}

#[tokio::test]
async fn frames_go_out_as_the_tokens_come() {
    let script = ScriptConfig {
        time_between_tokens: Duration::from_millis(100),
        ..fast(&["a", "b", "c", "d"])
    };
    let server = Server::scripted(script).await;
    let sent = server
        .client()
        .converse_stream()
        .model_id(MODEL)
        .messages(user("Hi"))
        .send()
        .await;
    let mut stream = sent.expect("a stream").stream;
    let mut seen = Seen::default();
    while seen.deltas.is_empty() {
        seen.take(stream.recv().await.expect("no error").expect("more"));
    }
    let calls = server.bedrock.calls();
    assert_eq!(
        (calls[0].ended.clone(), server.bedrock.live_streams()),
        (None, 1)
    );
    while let Some(event) = stream.recv().await.expect("no error") {
        seen.take(event);
    }
    assert_eq!(seen.text(), "abcd");
}

#[tokio::test]
async fn limits_and_stop_sequences_end_an_answer() {
    let server = Server::scripted(fast(&["one", " two", " three", " four"])).await;
    for (max_tokens, stop, expected, reason) in [
        (Some(2), None, "one two", "max_tokens"),
        (Some(4), None, "one two three four", "end_turn"),
        (None, Some("thr"), "one two ", "stop_sequence"),
        (Some(1), Some("two"), "one", "max_tokens"),
        (None, Some("five"), "one two three four", "end_turn"),
    ] {
        let config = InferenceConfiguration::builder()
            .set_max_tokens(max_tokens)
            .set_stop_sequences(stop.map(|stop| vec![stop.to_owned()]))
            .build();
        let request = server
            .client()
            .converse_stream()
            .model_id(MODEL)
            .messages(user("Hi"));
        let mut stream = request
            .inference_config(config)
            .send()
            .await
            .expect("a stream")
            .stream;
        let mut seen = Seen::default();
        while let Some(event) = stream.recv().await.expect("no error") {
            seen.take(event);
        }
        assert_eq!(seen.text(), expected);
        assert!(
            seen.order.contains(&format!("end {reason}")),
            "{:?}",
            seen.order
        );
    }
}

#[tokio::test]
async fn invoke_streams_anthropics_events() {
    let server = Server::scripted(fast(&["Hel", "lo"])).await;
    let body = json!({
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 100,
        "messages": [{ "role": "user", "content": [{ "type": "text", "text": "Hi" }] }],
    });
    let request = server
        .client()
        .invoke_model_with_response_stream()
        .model_id(MODEL);
    let sent = request
        .content_type("application/json")
        .body(Blob::new(body.to_string()))
        .send()
        .await;
    let mut response = sent.expect("a stream");
    let mut events: Vec<Value> = Vec::new();
    while let Some(event) = response.body.recv().await.expect("no error") {
        let ResponseStream::Chunk(chunk) = event else {
            panic!("unexpected {event:?}")
        };
        events.push(serde_json::from_slice(chunk.bytes.expect("bytes").as_ref()).expect("JSON"));
    }
    let types: Vec<&str> = events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect();
    assert_eq!(
        types,
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    assert_eq!(
        events[2]["delta"],
        json!({ "type": "text_delta", "text": "Hel" })
    );
    assert_eq!(events[5]["delta"]["stop_reason"], "end_turn");
    let metrics = &events[6]["amazon-bedrock-invocationMetrics"];
    assert_eq!(
        (&metrics["inputTokenCount"], &metrics["outputTokenCount"]),
        (&json!(1), &json!(2))
    );
    assert!(metrics["invocationLatency"].is_u64() && metrics["firstByteLatency"].is_u64());
}

#[tokio::test]
async fn the_operations_without_streams_answer_at_once() {
    let server = Server::scripted(fast(&["Hel", "lo"])).await;
    let answer = server
        .client()
        .converse()
        .model_id(MODEL)
        .messages(user("Hi"))
        .send()
        .await
        .expect("an answer");
    let message = answer.output.expect("output");
    let content = &message.as_message().expect("a message").content;
    assert_eq!(content[0].as_text().expect("text"), "Hello");
    assert_eq!(answer.usage.expect("usage").total_tokens, 3);

    let body = r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#;
    let invoked = server
        .client()
        .invoke_model()
        .model_id(MODEL)
        .body(Blob::new(body))
        .send()
        .await
        .expect("an answer");
    let answer: Value = serde_json::from_slice(invoked.body.as_ref()).expect("JSON");
    assert_eq!(
        answer["content"],
        json!([{ "type": "text", "text": "Hello" }])
    );
}

#[tokio::test]
async fn http_2_in_clear_text_streams_too() {
    let server = Server::scripted(fast(&["a", "b"])).await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .tls_certs_only([])
        .build()
        .expect("a client");
    let url = format!(
        "{}/model/arn:aws:bedrock:us-east-1::foundation-model/{MODEL}/converse-stream",
        server.url
    );
    let body = json!({ "messages": [{ "role": "user", "content": [{ "text": "Hi" }] }] });
    let url = url.replace("us.anthropic", "anthropic");
    let response = client
        .post(url)
        .json(&body)
        .send()
        .await
        .expect("a response");
    assert_eq!(
        (response.status().as_u16(), response.version()),
        (200, reqwest::Version::HTTP_2)
    );
    assert_eq!(
        response.headers()["content-type"],
        "application/vnd.amazon.eventstream"
    );
    assert!(response.headers().contains_key("x-amzn-requestid"));
    let bytes = response.bytes().await.expect("a body");
    assert!(bytes.windows(11).any(|window| window == b"messageStop"));
}
