//! The model ids that exist: those in Bedrock's forms, for any of its providers.

use crate::config::ModelException;
use crate::error::ModelError;

/// The scripted model's id. Every other well-formed id reaches the same model.
pub const SCRIPTED_MODEL_ID: &str = "tokencast.scripted-v1:0";

const PROVIDERS: [&str; 21] = [
    "ai21",
    "amazon",
    "anthropic",
    "cohere",
    "deepseek",
    "google",
    "luma",
    "meta",
    "minimax",
    "mistral",
    "moonshot",
    "moonshotai",
    "nvidia",
    "openai",
    "qwen",
    "stability",
    "tokencast",
    "twelvelabs",
    "writer",
    "xai",
    "zai",
];

/// The prefixes of inference profiles.
const GEOGRAPHIES: [&str; 10] = [
    "us", "us-gov", "eu", "apac", "global", "jp", "au", "ca", "sa", "me",
];

const RESOURCES: [&str; 9] = [
    "application-inference-profile",
    "custom-model",
    "custom-model-deployment",
    "default-prompt-router",
    "foundation-model",
    "imported-model",
    "inference-profile",
    "prompt-router",
    "provisioned-model",
];

/// Accepts the id of a model or inference profile, and the ARN of either, of a prompt router, or of a provisioned or
/// imported model.
pub(crate) fn check(model_id: &str) -> Result<(), ModelError> {
    let well_formed = match model_id.strip_prefix("arn:") {
        Some(arn) => is_arn(arn),
        None => is_id(model_id),
    };
    if well_formed {
        return Ok(());
    }
    Err(ModelError::new(
        ModelException::Validation,
        "The provided model identifier is invalid.",
    ))
}

/// Whether the model signs its reasoning, and takes it back only with the signature: Anthropic's, and the scripted one.
pub(crate) fn signs_reasoning(model_id: &str) -> bool {
    is_scripted(model_id) || model_id.contains("anthropic.claude")
}

/// Whether the model has a prompt cache. An inference profile's ARN, which doesn't name its model, may have one.
pub(crate) fn caches_prompts(model_id: &str) -> bool {
    /// Models whose names begin like those of models with a cache, but have none.
    const WITHOUT: [&str; 6] = [
        "anthropic.claude-v2",
        "anthropic.claude-instant",
        "anthropic.claude-3-opus",
        "anthropic.claude-3-sonnet",
        "anthropic.claude-3-haiku",
        "anthropic.claude-3-5-sonnet-20240620",
    ];
    let nova = [
        "amazon.nova-canvas",
        "amazon.nova-reel",
        "amazon.nova-sonic",
    ];
    let names = |names: &[&str]| names.iter().any(|name| model_id.contains(name));
    is_scripted(model_id)
        || (model_id.contains("anthropic.claude") && !names(&WITHOUT))
        || (model_id.contains("amazon.nova") && !names(&nova))
        || (model_id.starts_with("arn:") && !names(&PROVIDERS))
}

fn is_scripted(model_id: &str) -> bool {
    model_id.contains("tokencast.")
}

fn is_id(id: &str) -> bool {
    let of_provider = |id: &str| {
        id.split_once('.').is_some_and(|(provider, model)| {
            PROVIDERS.contains(&provider)
                && !model.is_empty()
                && model
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '_'))
        })
    };
    let of_geography = id
        .split_once('.')
        .is_some_and(|(geography, rest)| GEOGRAPHIES.contains(&geography) && of_provider(rest));
    id.len() <= 2048 && (of_provider(id) || of_geography)
}

/// `PARTITION:bedrock:REGION:ACCOUNT:TYPE/NAME`. A foundation model's ARN has no account.
fn is_arn(arn: &str) -> bool {
    let mut parts = arn.splitn(5, ':');
    let partition = parts.next().unwrap_or_default();
    let service = parts.next().unwrap_or_default();
    let (_region, _account) = (parts.next(), parts.next());
    let Some((kind, name)) = parts.next().and_then(|resource| resource.split_once('/')) else {
        return false;
    };
    partition.starts_with("aws")
        && service == "bedrock"
        && RESOURCES.contains(&kind)
        && (if matches!(kind, "foundation-model" | "inference-profile") {
            is_id(name)
        } else {
            !name.is_empty()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_models_cache_prompts() {
        for (id, expected) in [
            (SCRIPTED_MODEL_ID, true),
            ("anthropic.claude-3-haiku-20240307-v1:0", false),
            ("anthropic.claude-3-5-sonnet-20240620-v1:0", false),
            ("anthropic.claude-3-5-sonnet-20241022-v2:0", true),
            ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", true),
            ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", true),
            ("amazon.nova-lite-v1:0", true),
            ("amazon.titan-text-lite-v1", false),
            ("meta.llama3-1-8b-instruct-v1:0", false),
            (
                "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123",
                true,
            ),
            (
                "arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-1-8b-instruct-v1:0",
                false,
            ),
        ] {
            assert_eq!(caches_prompts(id), expected, "{id}");
        }
    }

    #[test]
    fn ids_and_arns_of_every_form() {
        for (id, expected) in [
            (SCRIPTED_MODEL_ID, true),
            ("anthropic.claude-3-haiku-20240307-v1:0", true),
            ("us.anthropic.claude-sonnet-4-20250514-v1:0", true),
            ("global.amazon.nova-2-lite-v1:0", true),
            (
                "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
                true,
            ),
            (
                "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
                true,
            ),
            (
                "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123",
                true,
            ),
            (
                "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc",
                false,
            ),
            ("arn:aws:s3:::bucket/key", false),
            ("nobody.model", false),
            ("anthropic.", false),
            ("anthropic.claude 3", false),
            ("no-such-model", false),
            ("", false),
        ] {
            assert_eq!(check(id).is_ok(), expected, "{id}");
        }
    }
}
