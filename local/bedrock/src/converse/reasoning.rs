//! How a request asks the model to reason: in `additionalModelRequestFields`, as the model's provider has it.

use serde_json::Value;

use super::request::InferenceConfig;
use crate::error::ModelError;
use crate::model_id::signs_reasoning;

/// The fewest tokens of reasoning that Anthropic's models take.
const MIN_BUDGET_TOKENS: u64 = 1024;

/// How much reasoning an effort is, in tokens.
const EFFORTS: [(&str, u32); 3] = [("low", 4096), ("medium", 16_384), ("high", 32_768)];

/// How many tokens the model may reason. `None` if nothing is said of it.
///
/// # Errors
///
/// What Anthropic's models refuse: a budget below 1,024, or not below the answer's tokens, and a temperature beside it.
pub(super) fn check(
    model_id: &str,
    additional: &Value,
    config: &InferenceConfig,
) -> Result<Option<u32>, ModelError> {
    let thinking = ["thinking", "reasoning_config"]
        .into_iter()
        .find_map(|name| additional.get(name));
    if let Some(thinking) = thinking
        && thinking["type"] == "enabled"
    {
        let budget = thinking["budget_tokens"].as_u64().unwrap_or(0);
        if signs_reasoning(model_id) {
            check_budget(budget, config)?;
        }
        return Ok(u32::try_from(budget).ok());
    }
    let effort = [
        additional.pointer("/output_config/effort"),
        additional.pointer("/reasoningConfig/maxReasoningEffort"),
        additional.get("reasoning_effort"),
    ];
    let effort = effort.into_iter().flatten().find_map(Value::as_str);
    let tokens = effort.and_then(|effort| EFFORTS.iter().find(|(name, _)| *name == effort));
    Ok(tokens.map(|(_, tokens)| *tokens))
}

fn check_budget(budget: u64, config: &InferenceConfig) -> Result<(), ModelError> {
    let refused = |message: String| Err(ModelError::validation(message));
    if budget < MIN_BUDGET_TOKENS {
        return refused(format!(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to {MIN_BUDGET_TOKENS}"
        ));
    }
    let max_tokens = config
        .max_tokens
        .and_then(|limit| u64::try_from(limit).ok());
    if max_tokens.is_some_and(|limit| limit <= budget) {
        return refused("`max_tokens` must be greater than `thinking.budget_tokens`.".to_owned());
    }
    if config.temperature.is_some_and(|it| it < 1.0) {
        return refused("`temperature` may only be set to 1 when thinking is enabled.".to_owned());
    }
    Ok(())
}
