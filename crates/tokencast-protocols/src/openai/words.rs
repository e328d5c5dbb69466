//! What a chunk and a completion have in common.

use std::sync::Arc;

use serde_json::{Value, json};
use tokencast_core::block::Citation;
use tokencast_core::event::{Ending, Usage};
use tokencast_core::id::SessionId;
use tokencast_core::session::Status;
use tokencast_core::time::Timestamp;

use crate::ai_sdk::chunk::FinishReason;

/// What names an answer in each chunk.
#[derive(Clone, Debug)]
pub struct Named {
    pub session_id: SessionId,
    pub created: Timestamp,
    /// The assistant's name.
    pub model: Arc<str>,
}

impl Named {
    /// An object of this answer. `object` is its type.
    pub(super) fn object(&self, object: &str, choices: &Value) -> Value {
        json!({
            "id": format!("chatcmpl-{}", self.session_id),
            "object": object,
            "created": self.created.as_millis().div_euclid(1000),
            "model": &*self.model,
            "choices": choices,
        })
    }
}

/// Why the answer ended. Tools are run by the assistant, so the client is never asked to run one.
pub(super) fn finish_reason(status: Status, ending: &Ending) -> &'static str {
    match FinishReason::of(ending.stop_reason.as_deref()) {
        _ if status == Status::Cancelled => "stop",
        FinishReason::Length => "length",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Other => "stop",
    }
}

/// The usage. OpenAI counts the tokens of the prompt whether or not the model had them in its cache.
pub(super) fn usage(usage: Usage) -> Value {
    let cached = usage.cache_read_input_tokens.unwrap_or(0);
    let written = usage.cache_write_input_tokens.unwrap_or(0);
    let prompt = u64::from(usage.input_tokens) + u64::from(cached) + u64::from(written);
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": usage.output_tokens,
        "total_tokens": prompt + u64::from(usage.output_tokens),
        "prompt_tokens_details": { "cached_tokens": cached, "audio_tokens": 0 },
    })
}

/// A citation as an annotation of the text so far, which has `chars` characters. One without an address has none.
pub(super) fn annotation(citation: &Citation, chars: usize) -> Option<Value> {
    let url = citation.url.as_deref()?;
    let title = citation.title.as_deref().unwrap_or(url);
    let citation = json!({ "url": url, "title": title, "start_index": chars, "end_index": chars });
    Some(json!({ "type": "url_citation", "url_citation": citation }))
}
