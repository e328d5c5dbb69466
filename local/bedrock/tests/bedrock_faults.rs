//! Every fault of the scripted model, as the official SDK and the model's log see it.

mod bedrock_support;

use std::num::NonZeroU32;
use std::time::Duration;

use local_bedrock::config::ModelException::{
    self, InternalServer, ModelStreamError, ServiceUnavailable, Throttling, Validation,
};
use local_bedrock::config::{FaultRule, ModelFault, ScriptConfig};
use local_bedrock::log::EndReason;
use serde_json::json;

use bedrock_support::{MODEL, Seen, Server, converse, fast, user};

const ANSWER: [&str; 4] = ["a", "b", "c", "d"];

fn faulty(fault: ModelFault) -> ScriptConfig {
    ScriptConfig {
        faults: vec![FaultRule::always(fault)],
        ..fast(&ANSWER)
    }
}

async fn check(fault: ModelFault, text: &str, error: Option<&str>, logged: &str) {
    let server = Server::scripted(faulty(fault.clone())).await;
    let seen = converse(&server.client(), "Hi").await;
    assert_eq!(
        (seen.text().as_str(), seen.error.as_deref()),
        (text, error),
        "{fault:?}"
    );
    assert!(
        !seen
            .order
            .iter()
            .any(|event| event.starts_with("end") || event == "metadata"),
        "{fault:?}"
    );
    let (call, reason) = server.last_call_ended().await;
    assert_eq!(reason, EndReason::Faulted(logged.to_owned()), "{fault:?}");
    assert_eq!(call.text_sent, text, "{fault:?}");
    assert_eq!(
        call.tokens_sent,
        u64::try_from(text.len()).expect("small"),
        "{fault:?}"
    );
}

fn fail(after_tokens: usize, exception: ModelException) -> ModelFault {
    ModelFault::Fail {
        after_tokens,
        exception,
    }
}

#[tokio::test]
async fn refused_calls_have_the_exceptions_status() {
    for (exception, error) in [
        (Throttling, "429 ThrottlingException"),
        (Validation, "400 ValidationException"),
        (InternalServer, "500 InternalServerException"),
        (ServiceUnavailable, "503 ServiceUnavailableException"),
        (ModelException::AccessDenied, "403 AccessDeniedException"),
        (ModelException::ModelTimeout, "408 ModelTimeoutException"),
        (ModelException::ModelNotReady, "429 ModelNotReadyException"),
        (ModelException::ModelError, "424 ModelErrorException"),
        (
            ModelException::ResourceNotFound,
            "404 ResourceNotFoundException",
        ),
    ] {
        let name = error.split_once(' ').expect("two words").1;
        check(ModelFault::Refuse(exception), "", Some(error), name).await;
    }
}

#[tokio::test]
async fn a_stream_fails_at_a_token() {
    check(
        fail(0, ModelStreamError),
        "",
        Some("ModelStreamErrorException"),
        "modelStreamErrorException",
    )
    .await;
    check(
        fail(2, InternalServer),
        "ab",
        Some("InternalServerException"),
        "internalServerException",
    )
    .await;
    check(
        fail(3, Throttling),
        "abc",
        Some("ThrottlingException"),
        "throttlingException",
    )
    .await;
    check(
        fail(1, Validation),
        "a",
        Some("ValidationException"),
        "validationException",
    )
    .await;
    check(
        fail(99, ServiceUnavailable),
        "abcd",
        Some("ServiceUnavailableException"),
        "serviceUnavailableException",
    )
    .await;
}

#[tokio::test]
async fn a_stream_is_cut_or_reset_at_a_token() {
    check(ModelFault::Cut { after_tokens: 0 }, "", None, "cut").await;
    check(ModelFault::Cut { after_tokens: 3 }, "abc", None, "cut").await;
    check(
        ModelFault::Reset { after_tokens: 2 },
        "ab",
        Some("dispatch"),
        "reset",
    )
    .await;
}

#[tokio::test]
async fn a_fault_can_be_meant_for_the_first_calls_or_for_some_prompts() {
    let two = NonZeroU32::new(2).expect("not zero");
    let poison = FaultRule {
        prompt_contains: Some("poison".into()),
        ..FaultRule::always(ModelFault::Refuse(Validation))
    };
    let rules = vec![
        poison,
        FaultRule::first(two, ModelFault::Refuse(Throttling)),
    ];
    let server = Server::scripted(ScriptConfig {
        faults: rules,
        ..fast(&ANSWER)
    })
    .await;
    let client = server.client();
    for (prompt, error) in [
        ("one", Some("429 ThrottlingException")),
        ("a poisoned one", Some("400 ValidationException")),
        ("two", Some("429 ThrottlingException")),
        ("three", None),
        ("poison", Some("400 ValidationException")),
    ] {
        assert_eq!(
            converse(&client, prompt).await.error.as_deref(),
            error,
            "{prompt}"
        );
    }
    assert!(server.bedrock.set_script(fast(&["new"])));
    assert_eq!(converse(&client, "poison").await.text(), "new");
    assert_eq!(server.bedrock.calls().len(), 6);
}

#[tokio::test]
async fn a_caller_that_leaves_is_noticed_between_tokens() {
    let slow = ScriptConfig {
        time_between_tokens: Duration::from_hours(1),
        ..fast(&ANSWER)
    };
    let stalled = faulty(ModelFault::Stall { after_tokens: 1 });
    for script in [slow, stalled] {
        let server = Server::scripted(script).await;
        let sent = server
            .client()
            .converse_stream()
            .model_id(MODEL)
            .messages(user("Hi"))
            .send()
            .await;
        let mut response = sent.expect("a stream");
        let mut seen = Seen::default();
        while seen.deltas.is_empty() {
            seen.take(
                response
                    .stream
                    .recv()
                    .await
                    .expect("no error")
                    .expect("more"),
            );
        }
        assert_eq!(server.bedrock.live_streams(), 1);
        drop(response);
        let (call, reason) = server.last_call_ended().await;
        assert_eq!((reason, call.tokens_sent), (EndReason::ClientGone, 1));
    }
}

#[tokio::test]
async fn a_caller_that_leaves_over_http_2_is_noticed() {
    let server = Server::scripted(faulty(ModelFault::Stall { after_tokens: 1 })).await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .tls_certs_only([])
        .build()
        .expect("a client");
    let body = json!({ "messages": [{ "role": "user", "content": [{ "text": "Hi" }] }] });
    let url = format!("{}/model/{MODEL}/converse-stream", server.url);
    let mut response = client
        .post(url)
        .json(&body)
        .send()
        .await
        .expect("a response");
    assert!(response.chunk().await.expect("no error").is_some());
    drop(response);
    let (_, reason) = server.last_call_ended().await;
    assert_eq!(reason, EndReason::ClientGone);
}
