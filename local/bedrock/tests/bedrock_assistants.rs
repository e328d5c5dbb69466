//! What assistants ask for: guardrails, reasoning, and models of their own, whatever is behind.

mod bedrock_support;

use std::collections::HashMap;

use aws_sdk_bedrockruntime::operation::converse_stream::builders::ConverseStreamFluentBuilder;
use aws_sdk_bedrockruntime::types::{
    ConverseStreamOutput, GuardrailStreamConfiguration, GuardrailStreamProcessingMode,
    GuardrailTrace,
};
use aws_smithy_types::{Document, Number};
use axum::Router;
use axum::body::Body;
use axum::routing::post;
use local_bedrock::Bedrock;
use local_bedrock::config::{ModelConfig, ReasoningTags};
use local_bedrock::guardrail::GuardrailConfig;
use local_kit::clock::Clock;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use bedrock_support::{MODEL, Server, fast, read, serve, user};

fn guarded(version: &str) -> GuardrailStreamConfiguration {
    GuardrailStreamConfiguration::builder()
        .guardrail_identifier("abcd1234")
        .guardrail_version(version)
        .stream_processing_mode(GuardrailStreamProcessingMode::Sync)
        .trace(GuardrailTrace::Enabled)
        .build()
}

fn thinking(budget_tokens: u64) -> Document {
    let object = |fields: [(&str, Document); 2]| {
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        Document::Object(HashMap::from(fields))
    };
    let thinking = object([
        ("type", Document::String("enabled".to_owned())),
        (
            "budget_tokens",
            Document::Number(Number::PosInt(budget_tokens)),
        ),
    ]);
    Document::Object(HashMap::from([("thinking".to_owned(), thinking)]))
}

/// A scripted model that says this, with a guardrail to try.
async fn scripted(answer: &[&str]) -> Server {
    let bedrock = Bedrock::new(ModelConfig::Scripted(fast(answer)), Clock::system());
    let guardrail = GuardrailConfig::to_try("abcd1234", "1");
    Server::start(bedrock.with_guardrails([guardrail])).await
}

/// The text, the stop reason, and the names of patterns that were masked in the answer.
async fn masked(request: ConverseStreamFluentBuilder) -> (String, String, Vec<String>) {
    let mut stream = request.send().await.expect("a stream").stream;
    let (mut text, mut reason, mut names) = (String::new(), String::new(), Vec::new());
    while let Some(event) = stream.recv().await.expect("a whole stream") {
        match event {
            ConverseStreamOutput::ContentBlockDelta(delta) => {
                let delta = delta.delta.expect("a delta");
                text.push_str(delta.as_text().expect("text"));
            }
            ConverseStreamOutput::MessageStop(stop) => {
                stop.stop_reason.as_str().clone_into(&mut reason);
            }
            ConverseStreamOutput::Metadata(metadata) => {
                let trace = metadata.trace.expect("a trace");
                let guardrail = trace.guardrail.expect("of a guardrail");
                let all = guardrail.output_assessments.expect("assessments");
                for assessment in &all["abcd1234"] {
                    let policy = assessment.sensitive_information_policy();
                    let regexes = policy.map_or(&[][..], |policy| policy.regexes());
                    names.extend(regexes.iter().filter_map(|it| it.name().map(str::to_owned)));
                }
            }
            _ => {}
        }
    }
    (text, reason, names)
}

#[tokio::test]
async fn a_guardrail_is_traced_also_behind_a_stack_that_passes_on() {
    let back = scripted(&["I am ", "maskme", "."]).await;
    let front = Bedrock::with_client(back.client(), MODEL.to_owned(), Clock::system());
    let front = Server::start(front).await;
    for server in [&back, &front] {
        let request = server.client().converse_stream().model_id(MODEL);
        let request = request.messages(user("Hi")).guardrail_config(guarded("1"));
        let expected = (
            "I am {SECRET}.".to_owned(),
            "end_turn".to_owned(),
            vec!["SECRET".to_owned()],
        );
        assert_eq!(masked(request).await, expected);
    }
    let request = back.client().converse_stream().model_id(MODEL);
    let request = request.messages(user("Hi")).guardrail_config(guarded("2"));
    let seen = read(request).await;
    assert_eq!(seen.error.as_deref(), Some("400 ValidationException"));
}

#[tokio::test]
async fn a_model_that_reasons_refuses_what_anthropics_refuse() {
    let server = scripted(&["So."]).await;
    for (budget, max_tokens, temperature, error) in [
        (2048, 4096, None, None),
        (2048, 4096, Some(1.0), None),
        (1023, 4096, None, Some("400 ValidationException")),
        (4096, 4096, None, Some("400 ValidationException")),
        (2048, 4096, Some(0.5), Some("400 ValidationException")),
    ] {
        let inference = aws_sdk_bedrockruntime::types::InferenceConfiguration::builder()
            .max_tokens(max_tokens)
            .set_temperature(temperature);
        let request = server.client().converse_stream().model_id(MODEL);
        let request = request
            .messages(user("Hi"))
            .inference_config(inference.build())
            .additional_model_request_fields(thinking(budget));
        let seen = read(request).await;
        assert_eq!(
            seen.error.as_deref(),
            error,
            "{budget} {max_tokens} {temperature:?}"
        );
    }
}

#[tokio::test]
async fn a_server_is_asked_for_the_model_of_each_request() {
    const ANSWER: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"So.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let (requests, mut received) = mpsc::channel(16);
    let answer = move |axum::Json(request): axum::Json<Value>| async move {
        requests.send(request).await.expect("read");
        Body::from(ANSWER)
    };
    let url = serve(Router::new().route("/v1/chat/completions", post(answer))).await;
    let config = ModelConfig::OpenAi {
        base_url: format!("{url}/v1"),
        model: None,
        api_key: None,
        reasoning_tags: ReasoningTags::Auto,
    };
    let server = Server::start(Bedrock::new(config, Clock::system())).await;
    for model in ["qwen3:8b", "Qwen/Qwen3-8B"] {
        let request = server.client().converse_stream().model_id(model);
        let request = request
            .messages(user("Hi"))
            .additional_model_request_fields(thinking(8192));
        let seen = read(request).await;
        assert_eq!((seen.text().as_str(), seen.error), ("So.", None), "{model}");
        let request = received.recv().await.expect("a request");
        assert_eq!(request["model"], json!(model));
        assert_eq!(request["reasoning_effort"], json!("medium"));
    }
}
