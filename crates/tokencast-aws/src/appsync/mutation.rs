//! The body of a `publishToken` request, by the types that `graphql_client` generates from the schema.

use bytes::Bytes;
use graphql_client::GraphQLQuery;
use tokencast_core::event::{Ending, TokenEvent, Usage};
use tokencast_core::failure::Failure;
use tokencast_core::session::Status;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../schema.graphql",
    query_path = "src/appsync/publish_token.graphql"
)]
struct PublishToken;

use publish_token::{StreamErrorInput, StreamStatus, TokenUsageInput, Variables};

/// The body of the request that publishes `event`.
pub(super) fn body(event: &TokenEvent) -> Bytes {
    let query = PublishToken::build_query(Variables::from(event));
    let body = serde_json::to_vec(&query).expect("strings and numbers always serialize");
    body.into()
}

impl From<&TokenEvent> for Variables {
    fn from(event: &TokenEvent) -> Self {
        let Ending {
            stop_reason,
            usage,
            failure,
        } = event.ending.clone().unwrap_or_default();
        Self {
            session_id: event.session_id.to_string(),
            token: event.token().to_owned(),
            is_complete: event.is_complete(),
            sequence: Some(event.sequence.0.into()),
            attempt: Some(event.attempt.0.into()),
            status: Some(event.status.into()),
            stop_reason,
            usage: usage.map(TokenUsageInput::from),
            error: failure.map(StreamErrorInput::from),
        }
    }
}

impl From<Status> for StreamStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Claimed => Self::CLAIMED,
            Status::Queued => Self::QUEUED,
            Status::Streaming => Self::STREAMING,
            Status::Completed => Self::COMPLETED,
            Status::Failed => Self::FAILED,
            Status::Cancelled => Self::CANCELLED,
        }
    }
}

impl From<Usage> for TokenUsageInput {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens.into(),
            output_tokens: usage.output_tokens.into(),
            total_tokens: usage.total_tokens.into(),
            cache_read_input_tokens: usage.cache_read_input_tokens.map(Into::into),
            cache_write_input_tokens: usage.cache_write_input_tokens.map(Into::into),
        }
    }
}

impl From<Failure> for StreamErrorInput {
    fn from(failure: Failure) -> Self {
        Self {
            retryable: failure.retryable(),
            code: failure.code.to_string(),
            message: failure.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokencast_core::failure::FailureCode;
    use tokencast_core::id::{Attempt, Sequence, SessionId};

    use super::*;

    fn event(status: Status, token: &str, ending: Option<Ending>) -> TokenEvent {
        TokenEvent {
            session_id: SessionId::random(),
            attempt: Attempt(2),
            sequence: Sequence(1_000_000),
            token: token.to_owned(),
            status,
            ending,
        }
    }

    fn variables(event: &TokenEvent) -> Value {
        let mut body: Value = serde_json::from_slice(&body(event)).expect("JSON");
        assert_eq!(body["operationName"], "PublishToken");
        body["variables"].take()
    }

    #[test]
    fn a_token_is_carried_as_it_is() {
        for token in [
            "",
            "plain ",
            "\"quoted\" \\ \u{8}\n\r\t\u{1}\u{7f}\u{2028}",
            "日本語 🦀",
            "</script>",
            "\u{0}",
        ] {
            let event = event(Status::Streaming, token, None);
            let expected = json!({
                "sessionId": event.session_id,
                "token": token,
                "isComplete": false,
                "sequence": 1_000_000,
                "attempt": 2,
                "status": "STREAMING",
                "stopReason": null,
                "usage": null,
                "error": null,
            });
            assert_eq!(variables(&event), expected);
        }
    }

    #[test]
    fn an_ending_has_every_code_and_status_by_its_name() {
        let usage = Usage {
            input_tokens: 1,
            output_tokens: u32::MAX,
            total_tokens: 3,
        };
        for status in Status::ALL {
            for code in FailureCode::ALL {
                let failure = Failure::new(code, "It \"failed\".");
                let ending = Ending {
                    stop_reason: Some("end_turn".to_owned()),
                    usage: Some(usage),
                    failure: Some(failure),
                };
                let variables = variables(&event(status, "", Some(ending)));
                assert_eq!(variables["status"], status.as_str());
                assert_eq!(variables["stopReason"], "end_turn");
                assert_eq!(
                    variables["usage"],
                    json!({ "inputTokens": 1, "outputTokens": u32::MAX, "totalTokens": 3 })
                );
                let retryable = code.retryable();
                assert_eq!(
                    variables["error"],
                    json!({ "code": code.as_str(), "message": "It \"failed\".", "retryable": retryable })
                );
            }
        }
    }
}
