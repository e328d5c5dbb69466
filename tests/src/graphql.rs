//! GraphQL requests by hand, which the client would not send.

use serde_json::{Value, json};

use crate::TestStack;

impl TestStack {
    /// Returns the API's response to a document, signed in as `user`.
    pub async fn graphql(&self, user: &str, document: &str, variables: Value) -> Value {
        let token = self.access_token(user);
        let response = self
            .http()
            .post(self.running.info.endpoints.graphql_url())
            .header("authorization", token)
            .json(&json!({ "query": document, "variables": variables }))
            .send()
            .await
            .expect("the API answers");
        assert_eq!(response.status(), 200, "a GraphQL answer");
        response.json().await.expect("the API answers in JSON")
    }

    /// Returns the HTTP status of a document whose caller shows `token`.
    pub async fn graphql_status(&self, token: &str, document: &str) -> u16 {
        let request = self
            .http()
            .post(self.running.info.endpoints.graphql_url())
            .header("authorization", token)
            .json(&json!({ "query": document }));
        let response = request.send().await.expect("the API answers");
        response.status().as_u16()
    }

    /// Calls `startStream` by hand.
    pub async fn start_stream(&self, user: &str, prompt: &str, session_id: Option<&str>) -> Value {
        const DOCUMENT: &str = "mutation Start($prompt: String!, $sessionId: String) {
            startStream(prompt: $prompt, sessionId: $sessionId) { sessionId status message timestamp error }
        }";
        self.graphql(
            user,
            DOCUMENT,
            json!({ "prompt": prompt, "sessionId": session_id }),
        )
        .await
    }

    /// Calls `getStream` by hand. Returns the session, or null.
    pub async fn get_stream(&self, user: &str, session_id: &str) -> Value {
        const DOCUMENT: &str = "query Get($sessionId: String!) {
            getStream(sessionId: $sessionId) {
                sessionId status text sequence attempt stopReason createdAt updatedAt
                usage { inputTokens outputTokens totalTokens }
                error { code message retryable }
                waiting { reason since }
            }
        }";
        let answer = self
            .graphql(user, DOCUMENT, json!({ "sessionId": session_id }))
            .await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"]["getStream"].clone()
    }

    /// Calls `stopStream` by hand.
    pub async fn stop_stream(&self, user: &str, session_id: &str) -> Value {
        const DOCUMENT: &str = "mutation Stop($sessionId: String!) {
            stopStream(sessionId: $sessionId) { sessionId status message timestamp error }
        }";
        self.graphql(user, DOCUMENT, json!({ "sessionId": session_id }))
            .await
    }
}

/// Returns the type and message of a response's only error.
pub fn only_error(answer: &Value) -> (&str, &str) {
    let errors = answer["errors"]
        .as_array()
        .unwrap_or_else(|| panic!("an error in {answer}"));
    assert_eq!(errors.len(), 1, "{answer}");
    let text = |name: &str| {
        errors[0][name]
            .as_str()
            .unwrap_or_else(|| panic!("`{name}` in {answer}"))
    };
    (text("errorType"), text("message"))
}
