//! The request's body, without the optional parameters that the server refused.

use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::prompt::{Content, Prompt, Role};

/// The optional parameters that the server refused, which are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Dialect {
    refused: Vec<&'static str>,
}

impl Dialect {
    /// The body of a request.
    pub(super) fn body(&self, model: &str, prompt: &Prompt) -> Value {
        let mut body = json!({ "model": model, "messages": messages(prompt), "stream": true });
        for (name, value) in self.optional(prompt) {
            body[name] = value;
        }
        body
    }

    fn optional(&self, prompt: &Prompt) -> impl Iterator<Item = (&'static str, Value)> {
        // `OpenAI`'s name for models that reason, which refuse the other name.
        let limit = if self.refused.contains(&"max_tokens") {
            "max_completion_tokens"
        } else {
            "max_tokens"
        };
        let stop = Some(&prompt.stop_sequences).filter(|sequences| !sequences.is_empty());
        let parameters = [
            ("stream_options", Some(json!({ "include_usage": true }))),
            (limit, prompt.max_tokens.map(|limit| json!(limit))),
            ("temperature", prompt.temperature.map(|value| json!(value))),
            ("top_p", prompt.top_p.map(|value| json!(value))),
            ("stop", stop.map(|sequences| json!(sequences))),
            ("reasoning_effort", prompt.reasoning_tokens.map(effort)),
        ];
        parameters
            .into_iter()
            .filter(|(name, _)| !self.refused.contains(name))
            .filter_map(|(name, value)| Some((name, value?)))
    }

    /// Leaves out the optional parameter that a refusal names. `None` if it names none that was sent.
    pub(super) fn leave_out(&mut self, refusal: &Refusal, prompt: &Prompt) -> Option<&'static str> {
        let mut sent = self.optional(prompt).map(|(name, _)| name);
        let named = sent.find(|name| refusal.names(name))?;
        drop(sent);
        self.refused.push(named);
        Some(named)
    }
}

/// How much a model reasons: these servers know three words in place of tokens.
fn effort(tokens: u32) -> Value {
    json!(if tokens <= 4096 {
        "low"
    } else if tokens <= 16_384 {
        "medium"
    } else {
        "high"
    })
}

/// Only the text: these servers take no reasoning back, have tools of another shape, and cache prompts by themselves.
fn messages(prompt: &Prompt) -> Vec<Value> {
    let system = prompt.system.iter().filter_map(Content::text);
    let mut messages: Vec<Value> = system
        .map(|text| json!({ "role": "system", "content": text }))
        .collect();
    let mut texts: Vec<(Role, String)> = Vec::new();
    for message in &prompt.messages {
        let text = message.text();
        match texts.last_mut() {
            _ if text.is_empty() => {}
            // The message between them had no text. Many servers refuse two messages of one role in a row.
            Some((role, before)) if *role == message.role => {
                before.push_str("\n\n");
                before.push_str(&text);
            }
            _ => texts.push((message.role, text.into_owned())),
        }
    }
    messages.extend(texts.into_iter().map(|(role, text)| {
        let role = match role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        json!({ "role": role, "content": text })
    }));
    messages
}
