//! `publishToken` as a request's body: the operation that `graphql_client` checks against the schema, with variables that
//! are written straight into the body.

use graphql_client::GraphQLQuery;
use ring::digest::{Context, SHA256};
use serde::Serialize;
use tokencast_core::event::{TokenEvent, Usage};
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::session::Status;

use super::sign::{BodyHash, output};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../schema.graphql",
    query_path = "src/appsync/publish_token.graphql"
)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "of what is generated, only the text is sent")
)]
struct PublishToken;

/// What a body needs beside its token, about: the ids, the numbers, the names of the variables.
const VARIABLES_BYTES: usize = 320;

/// Writes bodies. All begin with the same operation, which is encoded and hashed once.
#[derive(Clone)]
pub(super) struct Mutation {
    operation: Vec<u8>,
    hashed: Context,
}

/// The variables in the operation's words. Those that an event doesn't have are null.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Variables<'a> {
    session_id: &'a str,
    token: &'a str,
    is_complete: bool,
    sequence: u32,
    attempt: u32,
    status: Status,
    stop_reason: Option<&'a str>,
    usage: Option<Usage>,
    error: Option<StreamError<'a>>,
}

#[derive(Serialize)]
struct StreamError<'a> {
    code: FailureCode,
    message: &'a str,
    retryable: bool,
}

impl<'a> From<&'a Failure> for StreamError<'a> {
    fn from(failure: &'a Failure) -> Self {
        Self {
            code: failure.code,
            message: &failure.message,
            retryable: failure.retryable(),
        }
    }
}

impl Mutation {
    pub(super) fn new() -> Self {
        let query = serde_json::Value::from(publish_token::QUERY);
        let name = publish_token::OPERATION_NAME;
        let operation = format!(r#"{{"operationName":"{name}","query":{query},"variables":"#);
        let operation = operation.into_bytes();
        let mut hashed = Context::new(&SHA256);
        hashed.update(&operation);
        Self { operation, hashed }
    }

    /// An event's body, and its hash.
    pub(super) fn body(&self, event: &TokenEvent) -> (Vec<u8>, BodyHash) {
        let ending = event.ending.as_ref();
        let variables = Variables {
            session_id: event.session_id.as_str(),
            token: &event.token,
            is_complete: event.is_complete(),
            sequence: event.sequence.0,
            attempt: event.attempt.0,
            status: event.status,
            stop_reason: ending.and_then(|ending| ending.stop_reason.as_deref()),
            usage: ending.and_then(|ending| ending.usage),
            error: ending
                .and_then(|ending| ending.failure.as_ref())
                .map(StreamError::from),
        };
        let operation = self.operation.len();
        // A token seldom needs more than a few escapes.
        let bytes = operation + VARIABLES_BYTES + event.token.len() + event.token.len() / 8;
        let mut body = Vec::with_capacity(bytes);
        body.extend_from_slice(&self.operation);
        serde_json::to_writer(&mut body, &variables).expect("strings and numbers always serialize");
        body.push(b'}');
        let mut hash = self.hashed.clone();
        hash.update(&body[operation..]);
        (body, output(&hash.finish()))
    }
}

impl std::fmt::Debug for Mutation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Mutation").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use ring::digest::digest;
    use serde_json::{Value, json};
    use tokencast_core::event::Ending;
    use tokencast_core::id::{Attempt, Sequence, SessionId};

    use super::*;

    /// The body as `graphql_client` makes it, from types that it made from the schema.
    fn typed(event: &TokenEvent) -> Value {
        let ending = event.ending.clone().unwrap_or_default();
        let status = match event.status {
            Status::Claimed => publish_token::StreamStatus::CLAIMED,
            Status::Queued => publish_token::StreamStatus::QUEUED,
            Status::Streaming => publish_token::StreamStatus::STREAMING,
            Status::Completed => publish_token::StreamStatus::COMPLETED,
            Status::Failed => publish_token::StreamStatus::FAILED,
            Status::Cancelled => publish_token::StreamStatus::CANCELLED,
        };
        let variables = publish_token::Variables {
            session_id: event.session_id.to_string(),
            token: event.token.clone(),
            is_complete: event.is_complete(),
            sequence: Some(i64::from(event.sequence.0)),
            attempt: Some(i64::from(event.attempt.0)),
            status: Some(status),
            stop_reason: ending.stop_reason,
            usage: ending.usage.map(|usage| publish_token::TokenUsageInput {
                input_tokens: i64::from(usage.input_tokens),
                output_tokens: i64::from(usage.output_tokens),
                total_tokens: i64::from(usage.total_tokens),
            }),
            error: ending
                .failure
                .map(|failure| publish_token::StreamErrorInput {
                    code: failure.code.to_string(),
                    message: failure.message.clone(),
                    retryable: failure.retryable(),
                }),
        };
        json!(PublishToken::build_query(variables))
    }

    #[test]
    fn every_body_says_what_the_schemas_types_say() {
        let mutation = Mutation::new();
        let usage = Usage {
            input_tokens: 1,
            output_tokens: u32::MAX,
            total_tokens: 3,
        };
        let failures = FailureCode::ALL.map(|code| Failure::new(code, "It \"failed\"."));
        let endings = [None, Some(Ending::default())]
            .into_iter()
            .chain(failures.map(|failure| {
                Some(Ending {
                    stop_reason: Some("end_turn".to_owned()),
                    usage: Some(usage),
                    failure: Some(failure),
                })
            }));
        let statuses = [
            Status::Claimed,
            Status::Queued,
            Status::Streaming,
            Status::Completed,
            Status::Failed,
            Status::Cancelled,
        ];
        for ending in endings {
            for (status, token) in statuses.into_iter().zip([
                "",
                "plain ",
                "\"quoted\" \\ \u{8}\n\r\t\u{1}\u{7f}\u{2028}",
                "日本語 🦀",
                "</script>",
                "\u{0}",
            ]) {
                let event = TokenEvent {
                    session_id: SessionId::random(),
                    attempt: Attempt(2),
                    sequence: Sequence(1_000_000),
                    token: token.to_owned(),
                    status,
                    ending: ending.clone(),
                };
                let (body, hash) = mutation.body(&event);
                assert_eq!(hash, output(&digest(&SHA256, &body)));
                let body: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(body, typed(&event));
            }
        }
    }
}
