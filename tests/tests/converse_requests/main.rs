//! Each request that the worker sends to the model is one that AWS's own description of `ConverseStream` allows, and has
//! exactly the turns that it should have. The referee of the first is botocore, which is the AWS SDK for Python's. It also
//! reads the tables.
//!
//! `requirements.txt` lists what to install into `target/botocore`.

mod assistants;
mod referee;
mod tables;
mod turns;

use serde_json::json;
use system_tests::TestStack;

use referee::Referee;
use turns::{Conversation, FAILS, Said};

/// A model without a prompt cache.
const NOT_CACHING: &str = "meta.llama3-1-8b-instruct-v1:0";

/// A model with a prompt cache.
const CACHING: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// A kind of configuration, and which messages end with a cache point.
struct Setting {
    variables: &'static [(&'static str, &'static str)],
    caches: bool,
}

const SETTINGS: [Setting; 4] = [
    Setting {
        variables: &[("MODEL_ID", NOT_CACHING)],
        caches: false,
    },
    Setting {
        variables: &[
            ("MODEL_ID", CACHING),
            ("SYSTEM_PROMPT", "Be brief."),
            ("TEMPERATURE", "0.5"),
            ("MAX_TOKENS", "300"),
        ],
        caches: true,
    },
    Setting {
        variables: &[("MODEL_ID", CACHING)],
        caches: true,
    },
    Setting {
        variables: &[
            ("MODEL_ID", CACHING),
            ("SYSTEM_PROMPT", "Be brief."),
            ("PROMPT_CACHING", "off"),
        ],
        caches: false,
    },
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs botocore from PyPI: see tests/tests/converse_requests/requirements.txt"]
async fn aws_allows_every_request_for_every_kind_of_history() {
    let mut referee = Referee::start();
    for setting in &SETTINGS {
        let stack = TestStack::start_with(|options| {
            for (name, value) in setting.variables {
                options.worker_variable(name, *value);
            }
        })
        .await;
        let expected = histories(&stack).await;
        let calls = stack.running.local.bedrock().calls();
        assert_eq!(calls.len(), expected.len());
        for (call, (kind, turns)) in calls.iter().zip(&expected) {
            let wrong = referee.of(&call.model_id, &call.body).await;
            assert_eq!(wrong, Vec::<String>::new(), "{kind}: {}", call.body);
            let body = serde_json::from_str(&call.body).expect("JSON");
            assert_eq!(&turns::of(&body), turns, "{kind}");
            let points = if setting.caches && turns.len() > 1 {
                vec![turns.len() - 2]
            } else {
                Vec::new()
            };
            assert_eq!(turns::cache_points(&body), points, "{kind}: {body}");
            let system = setting
                .variables
                .iter()
                .find(|(name, _)| *name == "SYSTEM_PROMPT");
            let mut blocks: Vec<_> = system
                .map(|(_, text)| json!({ "text": text }))
                .into_iter()
                .collect();
            if !points.is_empty() && !blocks.is_empty() {
                blocks.push(json!({ "cachePoint": { "type": "default" } }));
            }
            let expected = (!blocks.is_empty()).then(|| json!(blocks));
            assert_eq!(body.get("system"), expected.as_ref(), "{kind}");
        }
        stack.shutdown().await;
    }
    referee.end().await;
}

/// Asks in every kind of place. Returns each kind, in the order of the model's calls, with the turns that the model
/// should have been given.
async fn histories(stack: &TestStack) -> Vec<(&'static str, Vec<String>)> {
    let mut all: Vec<(&'static str, Vec<String>)> = Vec::new();
    let mut talk = Conversation::new(stack);
    all.push(("no conversation", talk.alone("Alone?").await));
    all.push((
        "a first turn",
        talk.ask("One?", None, Said::Text("First.")).await,
    ));
    let first = talk.last();
    all.push((
        "a second turn",
        talk.ask("Two?", None, Said::Text(" \"Second\"\n\u{1F30A} "))
            .await,
    ));
    let second = talk.last();
    all.push((
        "a third turn",
        talk.ask("Three?", None, Said::Text("Third.")).await,
    ));
    all.push((
        "a branch",
        talk.ask("Another two?", Some(first), Said::Text("Other."))
            .await,
    ));
    all.push((
        "a beginning beside the first",
        talk.begin_anew("Another one?").await,
    ));
    all.push((
        "an answer that is stopped",
        talk.ask("Long?", Some(second), Said::Stopped).await,
    ));
    all.push((
        "behind a stopped answer",
        talk.ask("Go on?", None, Said::Text("On.")).await,
    ));
    all.push((
        "an answer that fails",
        talk.ask(FAILS, None, Said::Fails).await,
    ));
    all.push((
        "behind a failed answer",
        talk.ask("And?", None, Said::Text("Now.")).await,
    ));
    all.push((
        "an answer of many blocks",
        talk.ask("Think?", None, Said::Blocks).await,
    ));
    all.push((
        "behind many blocks",
        talk.ask("So?", None, Said::Text("So.")).await,
    ));
    all.push((
        "an answer without text",
        talk.ask("Secret?", None, Said::Hidden).await,
    ));
    all.push((
        "behind an answer without text",
        talk.ask("Well?", None, Said::Text("Well.")).await,
    ));
    all
}

#[tokio::test]
#[ignore = "needs botocore from PyPI: see tests/tests/converse_requests/requirements.txt"]
async fn the_referee_refuses_what_is_wrong() {
    let mut referee = Referee::start();
    let user = |content| json!({ "messages": [{ "role": "user", "content": content }] });
    for (model_id, body, part) in [
        (CACHING, user(json!([{ "text": "Hi" }])), ""),
        ("", user(json!([{ "text": "Hi" }])), "modelId"),
        (CACHING, user(json!([{ "txt": "Hi" }])), "Unknown parameter"),
        (CACHING, user(json!([{ "text": 7 }])), "Invalid type"),
        (
            CACHING,
            user(json!([{ "text": "Hi", "cachePoint": { "type": "default" } }])),
            "union",
        ),
        (
            CACHING,
            user(json!([{ "cachePoint": { "type": "other" } }])),
            "none of default",
        ),
        (
            CACHING,
            user(json!([{ "reasoningContent": { "redactedContent": "?" } }])),
            "not base64",
        ),
        (
            CACHING,
            json!({ "messages": [{ "role": "tool", "content": [] }] }),
            "none of user",
        ),
        (
            CACHING,
            json!({ "messages": [{ "content": [] }] }),
            "\"role\"",
        ),
        (
            CACHING,
            json!({ "inferenceConfig": { "temperature": 2 } }),
            "more than 1",
        ),
        (
            CACHING,
            json!({ "inferenceConfig": { "maxTokens": 0 } }),
            "maxTokens",
        ),
        (
            CACHING,
            json!({ "guardrailConfig": { "guardrailIdentifier": "abcd", "trace": "yes" } }),
            "guardrailConfig.trace",
        ),
        (
            CACHING,
            json!({ "guardrailConfig": { "streamProcessingMode": "later" } }),
            "none of",
        ),
    ] {
        let wrong = referee.of(model_id, &body.to_string()).await.join("\n");
        assert!(wrong.contains(part), "{body}: {wrong}");
        assert_eq!(wrong.is_empty(), part.is_empty(), "{body}: {wrong}");
    }
    referee.end().await;
}
