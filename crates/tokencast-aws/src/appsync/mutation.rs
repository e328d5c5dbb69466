//! `publishToken` as a request's body, typed from the schema.

use graphql_client::GraphQLQuery;
use tokencast_core::event::TokenEvent;
use tokencast_core::session::Status;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../schema.graphql",
    query_path = "src/appsync/publish_token.graphql"
)]
struct PublishToken;

pub(super) fn body(event: &TokenEvent) -> Vec<u8> {
    let ending = event.ending.as_ref();
    let variables = publish_token::Variables {
        session_id: event.session_id.to_string(),
        token: event.token.clone(),
        is_complete: event.is_complete(),
        sequence: Some(i64::from(event.sequence.0)),
        attempt: Some(i64::from(event.attempt.0)),
        status: Some(status(event.status)),
        stop_reason: ending.and_then(|ending| ending.stop_reason.clone()),
        usage: ending
            .and_then(|ending| ending.usage)
            .map(|usage| publish_token::TokenUsageInput {
                input_tokens: i64::from(usage.input_tokens),
                output_tokens: i64::from(usage.output_tokens),
                total_tokens: i64::from(usage.total_tokens),
            }),
        error: ending
            .and_then(|ending| ending.failure.as_ref())
            .map(|failure| publish_token::StreamErrorInput {
                code: failure.code.to_string(),
                message: failure.message.clone(),
                retryable: failure.retryable(),
            }),
    };
    serde_json::to_vec(&PublishToken::build_query(variables))
        .expect("strings and numbers always serialize")
}

fn status(status: Status) -> publish_token::StreamStatus {
    match status {
        Status::Claimed => publish_token::StreamStatus::CLAIMED,
        Status::Queued => publish_token::StreamStatus::QUEUED,
        Status::Streaming => publish_token::StreamStatus::STREAMING,
        Status::Completed => publish_token::StreamStatus::COMPLETED,
        Status::Failed => publish_token::StreamStatus::FAILED,
        Status::Cancelled => publish_token::StreamStatus::CANCELLED,
    }
}
