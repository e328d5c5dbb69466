//! A Bedrock on a port of its own, and the official SDK that uses it.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::config::{BehaviorVersion, Region};
use aws_sdk_bedrockruntime::operation::converse_stream::builders::ConverseStreamFluentBuilder;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ContentBlockDelta, ContentBlockStart, ConversationRole, ConverseStreamOutput,
    Message, ReasoningContentBlockDelta,
};
use local_bedrock::Bedrock;
use local_bedrock::config::{ModelConfig, ScriptBlock, ScriptConfig};
use local_bedrock::log::{EndReason, ModelCall};
use local_kit::clock::Clock;
use serde_json::json;
use tokio::net::TcpListener;

pub const MODEL: &str = "us.anthropic.claude-3-haiku-20240307-v1:0";

pub struct Server {
    pub bedrock: Bedrock,
    pub url: String,
}

impl Server {
    pub async fn scripted(script: ScriptConfig) -> Self {
        Self::start(Bedrock::new(ModelConfig::Scripted(script), Clock::system())).await
    }

    pub async fn start(bedrock: Bedrock) -> Self {
        let url = serve(bedrock.router()).await;
        Self { bedrock, url }
    }

    pub fn client(&self) -> Client {
        client(&self.url)
    }

    /// Waits until the last call ended.
    pub async fn last_call_ended(&self) -> (ModelCall, EndReason) {
        let ended = self
            .bedrock
            .wait_until(|calls| calls.last().is_some_and(|call| call.ended.is_some()));
        tokio::time::timeout(Duration::from_secs(10), ended)
            .await
            .expect("the call ends");
        let call = self.bedrock.calls().pop().expect("a call");
        let reason = call.ended.clone().expect("ended");
        assert_eq!(self.bedrock.live_streams(), 0);
        (call, reason)
    }
}

/// Serves on loopback for as long as the test's runtime lives.
pub async fn serve(router: axum::Router) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

pub fn client(url: &str) -> Client {
    let config = aws_sdk_bedrockruntime::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("AKIDLOCAL", "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(url)
        .build();
    Client::from_conf(config)
}

pub fn user(text: &str) -> Message {
    Message::builder()
        .role(ConversationRole::User)
        .content(ContentBlock::Text(text.into()))
        .build()
        .expect("complete")
}

/// What a client saw of one stream.
#[derive(Debug, Default, PartialEq)]
pub struct Seen {
    pub deltas: Vec<String>,
    pub reasoning: String,
    /// The content of everything else, in its order.
    pub others: Vec<String>,
    /// `start`, `delta 0`, `stop 0`, `end REASON`, `metadata` and the like; repeated ones once.
    pub order: Vec<String>,
    pub usage: Option<(i32, i32, i32)>,
    /// Read from the prompt cache, and written.
    pub cache: Option<(i32, i32)>,
    pub error: Option<String>,
}

impl Seen {
    pub fn text(&self) -> String {
        self.deltas.concat()
    }

    fn push(&mut self, name: impl Into<String>) {
        let name = name.into();
        if self.order.last() != Some(&name) {
            self.order.push(name);
        }
    }

    pub fn take(&mut self, event: ConverseStreamOutput) {
        match event {
            ConverseStreamOutput::MessageStart(_) => self.push("start"),
            ConverseStreamOutput::ContentBlockStart(event) => {
                let (kind, content) = match event.start.expect("a start") {
                    ContentBlockStart::ToolUse(tool) => {
                        ("tool use", format!("{} {}", tool.tool_use_id, tool.name))
                    }
                    ContentBlockStart::ToolResult(result) => {
                        let status = result.status.map(|status| status.as_str().to_owned());
                        let status = status.unwrap_or_default();
                        ("tool result", format!("{} {status}", result.tool_use_id))
                    }
                    other => panic!("unexpected {other:?}"),
                };
                self.push(format!("{kind} {}", event.content_block_index));
                self.others.push(content);
            }
            ConverseStreamOutput::ContentBlockDelta(event) => {
                let kind = self.delta(event.delta.expect("a delta"));
                self.push(format!("{kind} {}", event.content_block_index));
            }
            ConverseStreamOutput::ContentBlockStop(event) => {
                self.push(format!("stop {}", event.content_block_index));
            }
            ConverseStreamOutput::MessageStop(event) => {
                self.push(format!("end {}", event.stop_reason.as_str()));
            }
            ConverseStreamOutput::Metadata(event) => {
                self.push("metadata");
                let usage = event.usage.expect("usage");
                self.usage = Some((usage.input_tokens, usage.output_tokens, usage.total_tokens));
                self.cache = usage
                    .cache_read_input_tokens
                    .zip(usage.cache_write_input_tokens);
                assert!(event.metrics.expect("metrics").latency_ms >= 0);
            }
            other => panic!("unexpected {other:?}"),
        }
    }

    fn delta(&mut self, delta: ContentBlockDelta) -> &'static str {
        match delta {
            ContentBlockDelta::Text(text) => {
                self.deltas.push(text);
                "delta"
            }
            ContentBlockDelta::ReasoningContent(ReasoningContentBlockDelta::Text(text)) => {
                self.reasoning.push_str(&text);
                "reasoning"
            }
            ContentBlockDelta::ReasoningContent(ReasoningContentBlockDelta::Signature(it)) => {
                self.others.push(it);
                "signature"
            }
            ContentBlockDelta::ReasoningContent(ReasoningContentBlockDelta::RedactedContent(
                bytes,
            )) => {
                self.others.push(format!("{:?}", bytes.into_inner()));
                "redacted"
            }
            ContentBlockDelta::Citation(citation) => {
                let location = citation.location.as_ref().map(|it| it.as_web());
                let url = location.map(|web| web.expect("a page").url.clone());
                let content = citation.source_content.unwrap_or_default();
                let text: String = content.into_iter().filter_map(|it| it.text).collect();
                let title = citation.title.unwrap_or_default();
                let url = url.flatten().unwrap_or_default();
                self.others.push(format!("{title}|{url}|{text}"));
                "citation"
            }
            ContentBlockDelta::ToolUse(tool) => {
                self.others.push(tool.input);
                "input"
            }
            ContentBlockDelta::ToolResult(parts) => {
                let texts = parts
                    .iter()
                    .map(|part| part.as_text().expect("text").clone());
                self.others.extend(texts);
                "result"
            }
            other => panic!("unexpected {other:?}"),
        }
    }
}

/// Asks and reads the stream to its end.
pub async fn converse(client: &Client, prompt: &str) -> Seen {
    read(
        client
            .converse_stream()
            .model_id(MODEL)
            .messages(user(prompt)),
    )
    .await
}

/// Sends a request and reads its stream to its end.
pub async fn read(request: ConverseStreamFluentBuilder) -> Seen {
    let sent = request.send().await;
    let mut response = match sent {
        Ok(response) => response,
        Err(error) => {
            return Seen {
                error: Some(describe(&error)),
                ..Seen::default()
            };
        }
    };
    let mut seen = Seen::default();
    loop {
        match response.stream.recv().await {
            Ok(Some(event)) => seen.take(event),
            Ok(None) => return seen,
            Err(error) => {
                seen.error = Some(describe(&error));
                return seen;
            }
        }
    }
}

/// `STATUS EXCEPTION`, only the exception from within a stream, or what kind of failure it is.
pub fn describe<E, R>(error: &aws_sdk_bedrockruntime::error::SdkError<E, R>) -> String
where
    E: std::fmt::Display,
    R: Status,
{
    match error {
        aws_sdk_bedrockruntime::error::SdkError::ServiceError(service) => {
            let name = service.err().to_string();
            let name = name.split(':').next().unwrap_or_default();
            service
                .raw()
                .status()
                .map_or(name.to_owned(), |status| format!("{status} {name}"))
        }
        aws_sdk_bedrockruntime::error::SdkError::DispatchFailure(_) => "dispatch".into(),
        aws_sdk_bedrockruntime::error::SdkError::ResponseError(_) => "response".into(),
        _ => "other".into(),
    }
}

pub trait Status {
    fn status(&self) -> Option<u16>;
}

impl Status for aws_sdk_bedrockruntime::config::http::HttpResponse {
    fn status(&self) -> Option<u16> {
        Some(self.status().as_u16())
    }
}

impl Status for aws_smithy_types::event_stream::RawMessage {
    fn status(&self) -> Option<u16> {
        None
    }
}

/// Full speed.
pub fn fast(answer: &[&str]) -> ScriptConfig {
    ScriptConfig {
        tokens: Some(answer.iter().map(|token| (*token).to_owned()).collect()),
        time_to_first_token: Duration::ZERO,
        time_between_tokens: Duration::ZERO,
        ..ScriptConfig::default()
    }
}

/// Every kind of block. The first text comes in two parts, around a tool's use.
pub fn all_blocks() -> Vec<ScriptBlock> {
    let blocks = json!([
        { "reasoning": ["I ", "think"], "signature": "signed" },
        { "redacted": "AAEC" },
        { "block": 2, "text": ["Rivers", " bend"] },
        { "toolUse": { "toolUseId": "t1", "name": "maps", "input": ["{\"at\":", "1}"] } },
        { "toolResult": { "toolUseId": "t1", "status": "success", "content": "a map" } },
        { "block": 2, "text": ["."] },
        { "citation": { "title": "Rivers", "url": "https://example.com/r", "text": "They bend." } },
        { "citation": { "title": "No page" } },
        { "text": [" More."] },
    ]);
    serde_json::from_value(blocks).expect("blocks")
}
