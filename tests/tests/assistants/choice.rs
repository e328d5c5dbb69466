//! Who answers.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use system_tests::{Channel, collect, over_each_channel};
use tokencast_client::{Error, Prompt};
use uuid::Uuid;

use super::{CLAUDE, stack};

over_each_channel! {
    /// The model gets what the assistant says, and no more.
    async fn a_start_names_its_assistant(channel) {
        let stack = stack(channel, &["Hello."]).await;
        let client = stack.client("alice");
        let graphql = stack.client_over(Channel::AppSync, "alice");
        for (named, model, expected) in [
            (
                Some("law"),
                CLAUDE,
                json!({
                    "system": [{ "text": "A secret of the law's." }],
                    "inferenceConfig": { "maxTokens": 5000 },
                    "additionalModelRequestFields": {
                        "thinking": { "type": "enabled", "budget_tokens": 2048 }
                    },
                }),
            ),
            (
                None,
                "tokencast.scripted-v1:0",
                json!({
                    "system": [{ "text": "A secret of the general assistant." }],
                    "inferenceConfig": { "maxTokens": 4096 },
                }),
            ),
            (
                Some("watched"),
                "tokencast.scripted-v1:0",
                json!({
                    "inferenceConfig": { "maxTokens": 4096 },
                    "guardrailConfig": {
                        "guardrailIdentifier": "abcd1234", "guardrailVersion": "1",
                        "streamProcessingMode": "async", "trace": "enabled"
                    },
                }),
            ),
        ] {
            let id = Uuid::new_v4();
            let prompt = Prompt { assistant: named.map(str::to_owned), ..Prompt::new("Hi") };
            let answer = collect(client.stream_as(id, prompt)).await.expect("an answer");
            assert!(answer.is_completed(), "{answer:?}");
            let calls = stack.running.local.bedrock().calls();
            let call = calls.last().expect("a call");
            assert_eq!(call.model_id, model);
            let mut body: Value = serde_json::from_str(&call.body).expect("JSON");
            body.as_object_mut().expect("an object").remove("messages");
            assert_eq!(body, expected);
            let session = graphql.get(id).await.expect("read").expect("there");
            assert_eq!(session.assistant.as_deref(), Some(named.unwrap_or("general")));
        }
        stack.shutdown().await;
    }

    async fn a_conversation_remembers_who_answered(channel) {
        let stack = stack(channel, &["Hello."]).await;
        let client = stack.client("alice");
        let id = Uuid::new_v4();
        for (named, model) in [
            (Some("law"), CLAUDE),
            (None, CLAUDE),
            (Some("general"), "tokencast.scripted-v1:0"),
            (None, "tokencast.scripted-v1:0"),
        ] {
            let prompt = Prompt { assistant: named.map(str::to_owned), ..Prompt::new("Hi") };
            let answer = collect(client.stream(prompt.in_conversation(id))).await;
            assert!(answer.expect("an answer").is_completed());
            let calls = stack.running.local.bedrock().calls();
            assert_eq!(calls.last().expect("a call").model_id, model, "{named:?}");
        }
        let graphql = stack.client_over(Channel::AppSync, "alice");
        let conversation = graphql.conversations().get_all(id).await.expect("read").expect("there");
        assert_eq!(conversation.assistant.as_deref(), Some("general"));
        let turns = conversation.turns.iter();
        let answered: Vec<_> = turns
            .map(|turn| turn.stream.as_ref().and_then(|it| it.assistant.as_deref()))
            .collect();
        assert_eq!(answered, [Some("law"), Some("law"), Some("general"), Some("general")]);
        stack.shutdown().await;
    }

    async fn an_unknown_one_is_refused_with_those_that_there_are(channel) {
        let stack = stack(channel, &["Hello."]).await;
        let client = stack.client("alice");
        let id = Uuid::new_v4();
        let ask = |name: &str| collect(client.stream_as(id, Prompt::new("Hi").to_assistant(name)));
        let refused = ask("medicine").await.expect_err("refused");
        let expected = "assistant: there is no assistant `medicine`: expected `general` or `guarded` or `law` or `watched`";
        assert!(refused.to_string().contains(expected), "{refused}");
        assert!(!matches!(refused, Error::Unauthorized { .. }));
        assert_eq!(stack.running.local.bedrock().calls().len(), 0);
        // The id was not used.
        assert!(ask("law").await.expect("an answer").is_completed());
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn a_function_url_lists_them_without_their_secrets() {
    let stack = stack(Channel::FunctionUrl, &["Hello."]).await;
    let listed = stack.client("alice").assistants().await.expect("listed");
    let listed: Vec<_> = listed
        .iter()
        .map(|it| (it.name.as_str(), it.is_default, it.reasons, it.max_tokens))
        .collect();
    assert_eq!(
        listed,
        [
            ("general", true, false, 4096),
            ("guarded", false, false, 4096),
            ("law", false, true, 5000),
            ("watched", false, false, 4096),
        ]
    );
    let request = stack.url(Method::GET, "assistants", "alice");
    let response = request.send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::OK);
    let text = response.text().await.expect("text");
    for secret in ["secret", "claude", "scripted", "abcd1234"] {
        assert!(!text.contains(secret), "{text}");
    }
    let anonymous = stack.url_anonymous(Method::GET, "assistants").send().await;
    assert_eq!(
        anonymous.expect("a response").status(),
        StatusCode::UNAUTHORIZED
    );
    let wrong = stack
        .url(Method::DELETE, "assistants", "alice")
        .send()
        .await;
    assert_eq!(
        wrong.expect("a response").status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn graphql_lists_them_as_well() {
    let stack = stack(Channel::AppSync, &["Hello."]).await;
    let listed = stack.client("alice").assistants().await.expect("listed");
    let names: Vec<_> = listed.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["general", "guarded", "law", "watched"]);
    assert_eq!(listed[0].title.as_deref(), Some("General"));
    assert_eq!(listed[2].description.as_deref(), Some("Knows the law."));
    stack.shutdown().await;
}
