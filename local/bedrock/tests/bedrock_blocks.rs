//! Answers of several blocks, as the official SDK reads them.

mod bedrock_support;

use std::time::Duration;

use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{ContentBlock, ResponseStream};
use local_bedrock::config::{FaultRule, ModelFault, ScriptConfig};
use serde_json::{Value, json};

use bedrock_support::{MODEL, Server, all_blocks, converse, fast, user};

fn blocks() -> ScriptConfig {
    ScriptConfig {
        blocks: Some(all_blocks()),
        ..fast(&[])
    }
}

#[tokio::test]
async fn converse_streams_every_kind_of_block() {
    let server = Server::scripted(blocks()).await;
    let seen = converse(&server.client(), "Hi").await;
    assert_eq!(
        (seen.text().as_str(), seen.reasoning.as_str()),
        ("Rivers bend. More.", "I think")
    );
    assert_eq!(
        seen.others,
        [
            "signed",
            "[0, 1, 2]",
            "t1 maps",
            "{\"at\":",
            "1}",
            "t1 success",
            "a map",
            "Rivers|https://example.com/r|They bend.",
            "No page||",
        ]
    );
    assert_eq!(
        seen.order.join(", "),
        "start, reasoning 0, signature 0, stop 0, redacted 1, stop 1, delta 2, tool use 3, input 3, stop 3, \
         tool result 4, result 4, stop 4, delta 2, citation 2, stop 2, delta 5, stop 5, end end_turn, metadata"
    );
    assert_eq!(seen.usage, Some((1, 8, 9)));
    let (call, _) = server.last_call_ended().await;
    assert_eq!(
        (call.text_sent.as_str(), call.tokens_sent),
        ("Rivers bend. More.", 4)
    );
}

#[tokio::test]
async fn invoke_streams_every_kind_of_block() {
    let server = Server::scripted(blocks()).await;
    let body = json!({
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 100,
        "messages": [{ "role": "user", "content": "Hi" }],
    });
    let request = server
        .client()
        .invoke_model_with_response_stream()
        .model_id(MODEL)
        .body(Blob::new(body.to_string()));
    let mut response = request.send().await.expect("a stream");
    let mut shown = Vec::new();
    while let Some(event) = response.body.recv().await.expect("no error") {
        let ResponseStream::Chunk(chunk) = event else {
            panic!("unexpected {event:?}")
        };
        let bytes = chunk.bytes.expect("bytes");
        let event: Value = serde_json::from_slice(bytes.as_ref()).expect("JSON");
        let index = &event["index"];
        match event["type"].as_str().expect("a type") {
            "content_block_start" => {
                let block = &event["content_block"];
                let kind = block["type"].as_str().expect("a type");
                let data = block["data"].as_str().or(block["name"].as_str());
                shown.push(format!("{index} {kind} {}", data.unwrap_or_default()));
            }
            "content_block_delta" => {
                let mut delta = event["delta"].clone();
                let delta = delta.as_object_mut().expect("an object");
                let kind = delta.remove("type").expect("a type");
                let kind = kind.as_str().expect("text");
                let content = delta.values().next().expect("one member");
                let content = match content.get("cited_text") {
                    Some(text) => text,
                    None => content,
                };
                shown.push(format!(
                    "{index} {kind} {}",
                    content.as_str().expect("text")
                ));
            }
            "content_block_stop" => shown.push(format!("{index} stop")),
            _ => {}
        }
    }
    assert_eq!(
        shown.iter().map(|line| line.trim()).collect::<Vec<_>>(),
        [
            "0 thinking",
            "0 thinking_delta I",
            "0 thinking_delta think",
            "0 signature_delta signed",
            "0 stop",
            "1 redacted_thinking AAEC",
            "1 stop",
            "2 text",
            "2 text_delta Rivers",
            "2 text_delta  bend",
            "3 tool_use maps",
            "3 input_json_delta {\"at\":",
            "3 input_json_delta 1}",
            "3 stop",
            "4 tool_result",
            "4 text_delta a map",
            "4 stop",
            "2 text_delta .",
            "2 citations_delta They bend.",
            "2 citations_delta",
            "2 stop",
            "5 text",
            "5 text_delta  More.",
            "5 stop",
        ]
    );
}

#[tokio::test]
async fn converse_answers_with_whole_blocks() {
    let server = Server::scripted(blocks()).await;
    let asked = server.client().converse().model_id(MODEL);
    let answer = asked.messages(user("Hi")).send().await.expect("an answer");
    let output = answer.output.expect("output");
    let content = &output.as_message().expect("a message").content;
    let [reasoning, redacted, cited, tool, result, text] = &content[..] else {
        panic!("unexpected {content:?}")
    };
    let reasoning = reasoning.as_reasoning_content().expect("reasoning");
    let reasoning = reasoning.as_reasoning_text().expect("text");
    assert_eq!(
        (reasoning.text.as_str(), reasoning.signature.as_deref()),
        ("I think", Some("signed"))
    );
    let redacted = redacted.as_reasoning_content().expect("reasoning");
    assert_eq!(
        redacted.as_redacted_content().expect("bytes").as_ref(),
        [0, 1, 2]
    );
    let cited = cited.as_citations_content().expect("citations");
    assert_eq!(cited.citations.as_ref().expect("citations").len(), 2);
    assert_eq!(tool.as_tool_use().expect("a tool").name, "maps");
    assert_eq!(result.as_tool_result().expect("a result").tool_use_id, "t1");
    assert_eq!(text, &ContentBlock::Text(" More.".into()));
}

#[tokio::test]
async fn a_prompt_that_asks_for_thought_gets_reasoning_and_a_citation() {
    let server = Server::scripted(ScriptConfig {
        time_to_first_token: Duration::ZERO,
        time_between_tokens: Duration::ZERO,
        ..ScriptConfig::default()
    })
    .await;
    let seen = converse(&server.client(), "Think about rivers.").await;
    assert!(seen.reasoning.contains("“rivers”"), "{}", seen.reasoning);
    assert_eq!(
        seen.order.join(", "),
        "start, reasoning 0, signature 0, stop 0, delta 1, citation 1, stop 1, delta 2, stop 2, end end_turn, metadata"
    );
    let seen = converse(&server.client(), "Why do rivers meander?").await;
    assert_eq!(
        (seen.reasoning.as_str(), seen.others.len()),
        ("", 0),
        "only where it is asked for"
    );
}

#[tokio::test]
async fn a_fault_may_come_in_the_middle_of_the_reasoning() {
    for (after_tokens, reasoning, text) in [
        (0, "", ""),
        (1, "I ", ""),
        (2, "I think", ""),
        (3, "I think", "Rivers"),
    ] {
        let server = Server::scripted(ScriptConfig {
            faults: vec![FaultRule::always(ModelFault::Cut { after_tokens })],
            ..blocks()
        })
        .await;
        let seen = converse(&server.client(), "Hi").await;
        assert_eq!(
            (seen.reasoning.as_str(), seen.text().as_str()),
            (reasoning, text),
            "{after_tokens}"
        );
        assert!(!seen.order.contains(&"metadata".to_owned()));
    }
}

#[tokio::test]
async fn an_echo_is_exactly_what_the_model_was_given() {
    let server = Server::scripted(ScriptConfig {
        echo: true,
        ..fast(&[])
    })
    .await;
    // Unusual white space and order stay as they are.
    let messages = "[ {\"content\":[{\"text\":\"é\\u00e9 \\\"x\\\"\"}],\"role\":\"user\"}]";
    for (body, expected) in [
        (
            format!("{{\"inferenceConfig\":{{\"maxTokens\":1}},\"messages\":{messages}}}"),
            format!("{{\"messages\":{messages}}}"),
        ),
        (
            format!("{{\"messages\":{messages},\"system\":[{{\"text\":\"Be  brief.\"}}]}}"),
            format!("{{\"system\":[{{\"text\":\"Be  brief.\"}}],\"messages\":{messages}}}"),
        ),
    ] {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().tls_certs_only([]).build();
        let url = format!("{}/model/{MODEL}/converse", server.url);
        let sent = client.expect("a client").post(url).body(body).send().await;
        let answer: Value = sent.expect("a response").json().await.expect("JSON");
        let text = &answer["output"]["message"]["content"][0]["text"];
        assert_eq!(text.as_str(), Some(expected.as_str()), "{answer}");
        assert_eq!(answer["stopReason"], "end_turn");
        assert_eq!(server.last_call_ended().await.0.input, expected);
    }
}
