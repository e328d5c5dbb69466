//! How a model is asked to reason. Each family has fields of its own, which Bedrock passes on.
//!
//! By Bedrock's user guide, "Extended thinking", "Adaptive thinking" and "Using the Converse API" of Nova 2, and by OpenAI's
//! reference of gpt-oss.

use std::collections::HashMap;

use aws_smithy_types::{Document, Number};
use tokencast_core::assistant::Reasoning;

/// What the ids of Claude's models have that take a budget. Later ones take an effort, and refuse a budget.
const BUDGET_MODELS: [&str; 10] = [
    "claude-3-7-",
    "claude-opus-4-2",
    "claude-opus-4-1",
    "claude-opus-4-5",
    "claude-opus-4-6",
    "claude-sonnet-4-2",
    "claude-sonnet-4-5",
    "claude-sonnet-4-6",
    "claude-haiku-4-5",
    "claude-4-",
];

/// The fewest tokens that a model with a budget takes.
const MIN_BUDGET_TOKENS: u32 = 1024;

/// Up to this many tokens an effort is low, and up to the next it is medium.
const LOW_EFFORT_TOKENS: u32 = 4096;
const MEDIUM_EFFORT_TOKENS: u32 = 16_384;

/// What a request says of reasoning.
#[derive(Debug, PartialEq)]
pub(super) struct Asked {
    /// `additionalModelRequestFields`.
    pub(super) fields: Document,
    /// Whether the model takes a temperature while it reasons.
    pub(super) takes_temperature: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// Claude's models, by a budget of tokens.
    Budget,
    /// Claude's models, by an effort.
    Adaptive,
    Nova,
    GptOss,
}

/// `None` if the model shall not reason. `max_tokens` is the answer's, which a client may have made so short that there
/// is no room for reasoning.
pub(super) fn ask(model_id: &str, reasoning: Option<Reasoning>, max_tokens: u32) -> Option<Asked> {
    let budget = reasoning?.budget_tokens;
    let budget = if budget < max_tokens {
        budget
    } else {
        max_tokens / 2
    };
    let family = family(model_id);
    let fields = match family {
        Family::Budget if budget < MIN_BUDGET_TOKENS => return None,
        Family::Budget => object([(
            "thinking",
            object([
                ("type", text("enabled")),
                (
                    "budget_tokens",
                    Document::Number(Number::PosInt(budget.into())),
                ),
            ]),
        )]),
        Family::Adaptive => object([
            ("thinking", object([("type", text("adaptive"))])),
            ("output_config", object([("effort", effort(budget))])),
        ]),
        Family::Nova => object([(
            "reasoningConfig",
            object([
                ("type", text("enabled")),
                ("maxReasoningEffort", effort(budget)),
            ]),
        )]),
        Family::GptOss => object([("reasoning_effort", effort(budget))]),
    };
    Some(Asked {
        fields,
        takes_temperature: matches!(family, Family::Nova | Family::GptOss),
    })
}

/// A model that is not known by its id, such as that of an application's own inference profile, is asked as most of
/// Claude's are.
fn family(model_id: &str) -> Family {
    if model_id.contains("amazon.nova-2") {
        Family::Nova
    } else if model_id.contains("openai.gpt-oss") {
        Family::GptOss
    } else if model_id.contains("anthropic.claude")
        && !BUDGET_MODELS.iter().any(|model| model_id.contains(model))
    {
        Family::Adaptive
    } else {
        Family::Budget
    }
}

fn effort(budget: u32) -> Document {
    let effort = if budget <= LOW_EFFORT_TOKENS {
        "low"
    } else if budget <= MEDIUM_EFFORT_TOKENS {
        "medium"
    } else {
        "high"
    };
    text(effort)
}

fn text(text: &str) -> Document {
    Document::String(text.to_owned())
}

fn object<const N: usize>(fields: [(&str, Document); N]) -> Document {
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    Document::Object(HashMap::from(fields))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::bedrock::pieces::to_json;

    /// The fields, and whether there is a temperature beside them.
    fn asked(model_id: &str, budget_tokens: u32, max_tokens: u32) -> Option<(Value, bool)> {
        let asked = ask(model_id, Some(Reasoning { budget_tokens }), max_tokens)?;
        Some((to_json(asked.fields), asked.takes_temperature))
    }

    #[test]
    fn each_family_is_asked_in_its_own_fields() {
        let budget = |tokens: u32| {
            let thinking = json!({ "thinking": { "type": "enabled", "budget_tokens": tokens } });
            Some((thinking, false))
        };
        let adaptive = |effort| {
            let fields = json!({
                "thinking": { "type": "adaptive" }, "output_config": { "effort": effort }
            });
            Some((fields, false))
        };
        for (model_id, tokens, expected) in [
            (
                "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
                2048,
                budget(2048),
            ),
            ("anthropic.claude-opus-4-20250514-v1:0", 1024, budget(1024)),
            (
                "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
                9000,
                budget(9000),
            ),
            ("anthropic.claude-opus-4-6-v1", 9000, budget(9000)),
            ("global.anthropic.claude-opus-4-7", 4096, adaptive("low")),
            ("anthropic.claude-sonnet-5", 4097, adaptive("medium")),
            ("anthropic.claude-opus-5", 20_000, adaptive("high")),
            (
                "us.amazon.nova-2-lite-v1:0",
                2048,
                Some((
                    json!({ "reasoningConfig": { "type": "enabled", "maxReasoningEffort": "low" } }),
                    true,
                )),
            ),
            (
                "openai.gpt-oss-120b-1:0",
                30_000,
                Some((json!({ "reasoning_effort": "high" }), true)),
            ),
            (
                "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3",
                2048,
                budget(2048),
            ),
            ("tokencast.scripted-v1:0", 2048, budget(2048)),
        ] {
            assert_eq!(asked(model_id, tokens, 64_000), expected, "{model_id}");
        }
    }

    #[test]
    fn an_answer_that_a_client_made_short_has_less_reasoning_or_none() {
        let model_id = "anthropic.claude-sonnet-4-5-20250929-v1:0";
        assert_eq!(ask(model_id, None, 4096), None);
        for (max_tokens, expected) in [
            (4097, Some(4096)),
            (4096, Some(2048)),
            (2048, Some(1024)),
            (2047, None),
            (1, None),
        ] {
            let budget = asked(model_id, 4096, max_tokens)
                .map(|(fields, _)| fields["thinking"]["budget_tokens"].clone());
            assert_eq!(
                budget,
                expected.map(|tokens: u32| json!(tokens)),
                "{max_tokens}"
            );
        }
    }
}
