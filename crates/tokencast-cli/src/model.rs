//! `--model`: the model of the local stack.

use std::path::Path;
use std::str::FromStr;

use clap::ValueEnum;
use local_stack::config::{self, ModelConfig, ScriptConfig};
use thiserror::Error;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ModelSpec {
    #[default]
    Scripted,
    OpenAi {
        base_url: String,
        /// `None` where assistants have model names of their own.
        name: Option<String>,
    },
    Bedrock {
        model_id: Option<String>,
    },
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum ModelSpecError {
    #[error("expected scripted, openai:URL#NAME or bedrock:MODEL_ID")]
    Unknown,
    #[error("expected openai:URL#NAME, such as openai:http://localhost:11434/v1#llama3.2")]
    OpenAi,
    #[error(
        "expected bedrock:MODEL_ID, such as bedrock:us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    )]
    Bedrock,
    #[error(
        "Bedrock needs credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN if \
         they are temporary (`aws configure export-credentials --format env` prints them)"
    )]
    NoCredentials,
    #[error("--reasoning-tags is for a model of a server, openai:URL#NAME")]
    NoTags,
}

/// Whether the text of a server's answers has reasoning in it, between `<think>` and `</think>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReasoningTags {
    /// An answer that begins with <think> begins with reasoning
    Auto,
    /// Each answer begins with reasoning, even without <think>, which some servers put into the prompt
    Always,
    /// Tags are text
    Off,
}

impl From<ReasoningTags> for config::ReasoningTags {
    fn from(tags: ReasoningTags) -> Self {
        match tags {
            ReasoningTags::Auto => Self::Auto,
            ReasoningTags::Always => Self::Always,
            ReasoningTags::Off => Self::Off,
        }
    }
}

impl FromStr for ModelSpec {
    type Err = ModelSpecError;

    fn from_str(text: &str) -> Result<Self, ModelSpecError> {
        match text.split_once(':') {
            None if text == "scripted" => Ok(Self::Scripted),
            None if text == "bedrock" => Ok(Self::Bedrock { model_id: None }),
            Some(("openai", rest)) => match rest.rsplit_once('#') {
                Some((base_url, name)) if is_http_url(base_url) && !name.trim().is_empty() => {
                    Ok(Self::OpenAi {
                        base_url: base_url.to_owned(),
                        name: Some(name.to_owned()),
                    })
                }
                None if is_http_url(rest) => Ok(Self::OpenAi {
                    base_url: rest.to_owned(),
                    name: None,
                }),
                _ => Err(ModelSpecError::OpenAi),
            },
            Some(("bedrock", model_id)) if model_id.trim().is_empty() => {
                Err(ModelSpecError::Bedrock)
            }
            Some(("bedrock", model_id)) => Ok(Self::Bedrock {
                model_id: Some(model_id.to_owned()),
            }),
            _ if text == "openai" => Err(ModelSpecError::OpenAi),
            _ => Err(ModelSpecError::Unknown),
        }
    }
}

impl ModelSpec {
    /// Adds what the environment has: an API key, and the credentials that Bedrock needs.
    ///
    /// # Errors
    ///
    /// If the model is Bedrock's and the environment has no credentials; or if `reasoning_tags` are given for a model
    /// whose answers can't have any.
    pub fn config(
        self,
        reasoning_tags: Option<ReasoningTags>,
        lookup: &impl Fn(&str) -> Option<String>,
    ) -> Result<ModelConfig, ModelSpecError> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        match self {
            Self::Scripted | Self::Bedrock { .. } if reasoning_tags.is_some() => {
                Err(ModelSpecError::NoTags)
            }
            Self::Scripted => Ok(ModelConfig::Scripted(ScriptConfig::default())),
            Self::OpenAi { base_url, name } => Ok(ModelConfig::OpenAi {
                base_url,
                model: name,
                api_key: set("OPENAI_API_KEY"),
                reasoning_tags: reasoning_tags.map(Into::into).unwrap_or_default(),
            }),
            Self::Bedrock { model_id } => {
                if !has_credentials(&set) {
                    return Err(ModelSpecError::NoCredentials);
                }
                Ok(ModelConfig::Bedrock { model_id })
            }
        }
    }
}

/// Whether the SDK is likely to find credentials, without a call to any service.
fn has_credentials(set: &impl Fn(&str) -> Option<String>) -> bool {
    let keys = set("AWS_ACCESS_KEY_ID").is_some() && set("AWS_SECRET_ACCESS_KEY").is_some();
    let elsewhere = [
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_SHARED_CREDENTIALS_FILE",
    ];
    keys || elsewhere.iter().any(|name| set(name).is_some())
        || set("HOME").is_some_and(|home| Path::new(&home).join(".aws/credentials").is_file())
}

fn is_http_url(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        text.strip_prefix(scheme)
            .is_some_and(|rest| !rest.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_by_kind() {
        let openai = |url: &str, name: Option<&str>| {
            Ok(ModelSpec::OpenAi {
                base_url: url.into(),
                name: name.map(str::to_owned),
            })
        };
        for (text, expected) in [
            ("scripted", Ok(ModelSpec::Scripted)),
            (
                "openai:http://localhost:11434/v1#llama3.2:1b",
                openai("http://localhost:11434/v1", Some("llama3.2:1b")),
            ),
            (
                "openai:http://localhost:11434/v1",
                openai("http://localhost:11434/v1", None),
            ),
            (
                "openai:http://localhost:11434/v1#",
                Err(ModelSpecError::OpenAi),
            ),
            ("openai:localhost#llama", Err(ModelSpecError::OpenAi)),
            ("openai", Err(ModelSpecError::OpenAi)),
            (
                "bedrock:amazon.nova-lite-v1:0",
                Ok(ModelSpec::Bedrock {
                    model_id: Some("amazon.nova-lite-v1:0".into()),
                }),
            ),
            ("bedrock", Ok(ModelSpec::Bedrock { model_id: None })),
            ("bedrock:", Err(ModelSpecError::Bedrock)),
            ("gpt", Err(ModelSpecError::Unknown)),
            ("", Err(ModelSpecError::Unknown)),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
    }

    #[test]
    fn bedrock_without_credentials_says_what_to_set() {
        let bedrock = || ModelSpec::Bedrock {
            model_id: Some("m".into()),
        };
        let refused = bedrock().config(None, &|name| {
            (name == "AWS_ACCESS_KEY_ID").then(|| "AKIA".into())
        });
        assert!(
            refused
                .expect_err("refused")
                .to_string()
                .contains("AWS_SECRET_ACCESS_KEY")
        );
        assert!(
            bedrock()
                .config(None, &|name| (name == "AWS_PROFILE").then(|| "me".into()))
                .is_ok()
        );
        assert!(
            bedrock()
                .config(None, &|name| name.contains("_KEY").then(|| "set".into()))
                .is_ok()
        );
    }
    #[test]
    fn tags_are_for_a_servers_model() {
        for (text, tags, expected) in [
            (
                "openai:http://localhost:1/v1#m",
                None,
                Ok(config::ReasoningTags::Auto),
            ),
            (
                "openai:http://localhost:1/v1#m",
                Some(ReasoningTags::Always),
                Ok(config::ReasoningTags::Always),
            ),
            (
                "scripted",
                Some(ReasoningTags::Auto),
                Err(ModelSpecError::NoTags),
            ),
            (
                "bedrock:m",
                Some(ReasoningTags::Off),
                Err(ModelSpecError::NoTags),
            ),
        ] {
            let spec: ModelSpec = text.parse().expect("a model");
            let read = spec.config(tags, &|_| None).map(|model| match model {
                ModelConfig::OpenAi { reasoning_tags, .. } => reasoning_tags,
                other => panic!("unexpected {other:?}"),
            });
            assert_eq!(read, expected, "{text} {tags:?}");
        }
    }
}
