//! A client against an API that behaves, and one that doesn't.

mod answer;
mod blocks;
mod bounds;
mod bounds_function_url;
mod bounds_web_socket;
mod conversations;
mod function_url;
mod function_url_refusal;
mod long_prompts;
mod recovery;
mod refusal;
mod renewal;
mod resume;
mod sign_in;
mod tls;
mod web_socket;

use tokencast_client::{AnswerEvent, AnswerStream, Error};

use client_fakes::within;

/// Everything that a stream yields, without its reasons and delays.
async fn rest(mut stream: AnswerStream) -> (Vec<String>, Option<Error>) {
    let mut seen = Vec::new();
    while let Some(event) = within(stream.next()).await {
        match event {
            Ok(event) => seen.push(short(&event)),
            Err(error) => {
                assert!(
                    within(stream.next()).await.is_none(),
                    "nothing follows an error"
                );
                return (seen, Some(error));
            }
        }
    }
    (seen, None)
}

fn short(event: &AnswerEvent) -> String {
    match event {
        AnswerEvent::Started { .. } => "started".into(),
        AnswerEvent::Text { text, .. } => text.clone(),
        AnswerEvent::Reasoning { text, .. } => format!("({text})"),
        AnswerEvent::Citation { citation, .. } => {
            format!("[{}]", citation.title.as_deref().unwrap_or_default())
        }
        AnswerEvent::ToolUse { tool_use, .. } => format!("{}<{}", tool_use.name, tool_use.input),
        AnswerEvent::ToolResult { tool_result, .. } => {
            format!(">{}", tool_result.content.as_deref().unwrap_or_default())
        }
        AnswerEvent::Restarted { attempt } => format!("<{attempt}>"),
        AnswerEvent::Reconnecting { .. } => "reconnecting".into(),
        AnswerEvent::Reconnected => "reconnected".into(),
        AnswerEvent::Completed { .. } => "completed".into(),
        AnswerEvent::Failed { code, .. } => format!("failed {code}"),
        AnswerEvent::Cancelled { .. } => "cancelled".into(),
    }
}
