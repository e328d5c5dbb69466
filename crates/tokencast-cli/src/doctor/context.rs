//! What every experiment has: the deployment, two users, and how long to wait.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::aws::Aws;
use super::deployment::Deployment;
use super::probe::{Found, Wrong};
use super::selection::Selection;
use super::wire::Wire;
use super::wire::graphql::Reply;

/// How long the experiments wait, and which measurements are good enough.
#[derive(Clone, Debug)]
pub struct Limits {
    /// For everything together.
    pub whole: Duration,
    /// For one answer, to its end.
    pub answer: Duration,
    /// From a start to the first token.
    pub first_token: Duration,
    /// From AppSync's sending of an event to its arrival here, for 95 of 100 events.
    pub lag: Duration,
    /// Between the first and the last of a hundred subscribers.
    pub spread: Duration,
    /// Until a new conversation is in the list, which a global index has.
    pub listed: Duration,
    /// Until a change of a conversation is told.
    pub told: Duration,
    /// How long the connection of a publisher may be idle and is used again after.
    pub idle: Duration,
    /// Until a response without events ends.
    pub empty: Duration,
    /// Until a worker has deleted what a deleted conversation consisted of.
    pub purged: Duration,
    /// Until a message that is no job is in the dead-letter queue.
    pub poisoned: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            whole: seconds(180),
            answer: seconds(60),
            first_token: seconds(20),
            lag: seconds(2),
            spread: seconds(5),
            listed: seconds(15),
            told: seconds(15),
            // The publisher closes its own idle connections after 30 s.
            idle: seconds(31),
            empty: seconds(10),
            purged: seconds(60),
            poisoned: seconds(45),
        }
    }
}

/// One of the two users, signed in.
#[derive(Clone)]
pub struct User {
    pub token: String,
    pub sub: String,
}

pub struct Context {
    pub deployment: Deployment,
    pub wire: Wire,
    pub limits: Limits,
    pub first: User,
    pub second: Found<User>,
    pub aws: Found<Aws>,
    pub disruptive: bool,
    pub selection: Selection,
    /// Every session of the run is a turn of this conversation, so that its deletion takes all of them away.
    pub conversation: Uuid,
    pub started_at: Instant,
}

impl Context {
    /// Sends an operation as the first user.
    ///
    /// # Errors
    ///
    /// There is no response.
    pub async fn first(&self, document: &str, variables: Value) -> Result<Reply, String> {
        let url = &self.deployment.graphql_url;
        self.wire
            .graphql(url, &self.first.token, document, variables)
            .await
    }

    /// Sends an operation as the second user.
    ///
    /// # Errors
    ///
    /// There is no response, or no second user.
    pub async fn second(&self, document: &str, variables: Value) -> Found<Reply> {
        let url = &self.deployment.graphql_url;
        let user = self.second.as_ref().map_err(Clone::clone)?;
        let reply = self
            .wire
            .graphql(url, &user.token, document, variables)
            .await;
        reply.map_err(Wrong::Failed)
    }

    /// When an answer that is asked for now has to be over.
    pub fn answered_by(&self) -> Instant {
        (Instant::now() + self.limits.answer).min(self.over_by())
    }

    /// When the experiments have to be over: the last sixth of the time is for what comes after them.
    pub fn over_by(&self) -> Instant {
        self.started_at + self.limits.whole * 5 / 6
    }

    /// When everything has to be over.
    pub fn closed_by(&self) -> Instant {
        self.started_at + self.limits.whole
    }

    /// Starts a session as the first user, beside the others of the run's conversation.
    ///
    /// # Errors
    ///
    /// What came in place of a start.
    pub async fn start(&self, session: Uuid, prompt: &str) -> Found<Reply> {
        let conversation = self.conversation;
        self.start_in(session, prompt, conversation, Some(conversation))
            .await
    }

    /// Starts a session as the first user, in a conversation.
    ///
    /// # Errors
    ///
    /// What came in place of a start.
    pub async fn start_in(
        &self,
        session: Uuid,
        prompt: &str,
        conversation: Uuid,
        parent: Option<Uuid>,
    ) -> Found<Reply> {
        let variables = json!({
            "prompt": prompt,
            "sessionId": session,
            "conversationId": conversation,
            "parentId": parent,
        });
        self.start_with(variables).await
    }

    /// Starts a session as the first user, with these arguments.
    ///
    /// # Errors
    ///
    /// What came in place of a start.
    pub async fn start_with(&self, variables: Value) -> Found<Reply> {
        let session = variables["sessionId"].clone();
        let reply = self.first(START, variables).await;
        let reply = reply.map_err(Wrong::Failed)?;
        let started = reply.started()?;
        // Whoever answers very quickly is done before the start is answered, which then says how it ended.
        let is_started = ["streaming_started", "COMPLETED", "FAILED"]
            .iter()
            .any(|status| started["status"] == *status);
        if is_started && started["sessionId"] == session {
            return Ok(reply);
        }
        Err(Wrong::Failed(format!("status {}", started["status"])))
    }

    /// Reads a session as the first user. `name` is the operation's, by which a server's log tells the reads apart.
    ///
    /// # Errors
    ///
    /// There is no record.
    pub async fn record(&self, name: &str, session: Uuid) -> Result<Value, String> {
        let document = format!(
            "query {name}($id: String!) {{ getStream(sessionId: $id) {{
                sessionId status text sequence attempt stopReason conversationId parentId createdAt updatedAt
                usage {{ inputTokens outputTokens totalTokens }}
                error {{ code message retryable }}
                blocks {{ index type text }}
            }} }}"
        );
        let reply = self.first(&document, json!({ "id": session })).await?;
        Ok(reply.ok("getStream")?.clone())
    }

    /// Stops a session as the first user. A session that is over stays as it is.
    ///
    /// # Errors
    ///
    /// No response came.
    pub async fn stop(&self, name: &str, session: Uuid) -> Result<Reply, String> {
        let document = format!(
            "mutation {name}($id: String!) {{ stopStream(sessionId: $id) {{ sessionId status timestamp }} }}"
        );
        self.first(&document, json!({ "id": session })).await
    }

    /// Waits until a session is over, and returns its record.
    ///
    /// # Errors
    ///
    /// It isn't over in time, or can't be read.
    pub async fn ended(&self, name: &str, session: Uuid) -> Result<Value, String> {
        let until = self.answered_by();
        loop {
            let record = self.record(name, session).await?;
            let status = record["status"].as_str().unwrap_or_default();
            if ["COMPLETED", "FAILED", "CANCELLED"].contains(&status) {
                return Ok(record);
            }
            if Instant::now() >= until {
                // Nobody waits for it any more, and it costs.
                let _ = self.stop("DoctorGivesUp", session).await;
                return Err(format!("still {status} when the time was over"));
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// The pause between two looks at a state.
pub const POLL: Duration = Duration::from_millis(250);

pub const START: &str = "mutation DoctorStart($prompt: String!, $sessionId: String, $conversationId: String, $parentId: String, $assistant: String) {
    startStream(prompt: $prompt, sessionId: $sessionId, conversationId: $conversationId, parentId: $parentId, assistant: $assistant) {
        sessionId status message timestamp error conversationId parentId assistant
    }
}";

/// With every field that `publishToken` selects.
pub const SUBSCRIBE: &str = "subscription DoctorListens($id: String!) {
    onTokenReceived(sessionId: $id) {
        sessionId token isComplete timestamp sequence attempt status stopReason
        usage { inputTokens outputTokens totalTokens cacheReadInputTokens cacheWriteInputTokens cost }
        guardrail { action masked }
        error { code message retryable }
        blockIndex blockType reasoning citation { title url text } toolUse { toolUseId name input }
        toolResult { toolUseId status content }
    }
}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_selects_every_field_of_an_event() {
        let schema = include_str!("../../../../schema.graphql");
        for name in ["TokenEvent", "TokenUsage", "Guardrail", "StreamError"] {
            let start = schema.find(&format!("\ntype {name} "));
            let fields = &schema[start.expect("a type")..];
            let fields = fields.split_once('{').expect("fields").1;
            let fields = fields.split_once("\n}").expect("an end").0;
            let fields = fields.lines().filter_map(|line| {
                let (field, _) = line.strip_prefix("  ")?.split_once(':')?;
                field
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric())
                    .then_some(field)
            });
            for field in fields {
                let mut words = SUBSCRIBE.split_whitespace();
                assert!(words.any(|word| word == field), "{field} of {name}");
            }
        }
    }
}
