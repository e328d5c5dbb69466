//! Why a request is refused: in OpenAI's words and with its codes, as far as it has some.

use thiserror::Error;

/// What is wrong with a request. No error repeats a text of the client's, other than the name of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidRequest {
    #[error("We could not parse the JSON body of your request: expected an object.")]
    NoJson,
    #[error("Missing required parameter: '{0}'.")]
    Missing(String),
    #[error("Unknown parameter: '{0}'.")]
    Unknown(String),
    #[error("Invalid type for '{param}': expected {expected}.")]
    Type {
        param: String,
        expected: &'static str,
    },
    #[error("Invalid value for '{param}': expected {expected}.")]
    Value {
        param: String,
        expected: &'static str,
    },
    #[error("Unsupported parameter: '{param}' is not supported here: expected {expected}.")]
    Unsupported {
        param: String,
        expected: &'static str,
    },
    #[error(
        "Unsupported value: '{param}' has one that is not supported here: expected {expected}."
    )]
    UnsupportedValue {
        param: String,
        expected: &'static str,
    },
    #[error(
        "Invalid value for '{0}': it is no Unicode text, for it has half of a surrogate pair, such as `\\ud83d` without what belongs behind it."
    )]
    NotUnicode(String),
}

impl InvalidRequest {
    /// The parameter that is wrong, such as `messages[2].content`.
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::NoJson => None,
            Self::Missing(param)
            | Self::Unknown(param)
            | Self::Type { param, .. }
            | Self::Value { param, .. }
            | Self::Unsupported { param, .. }
            | Self::UnsupportedValue { param, .. }
            | Self::NotUnicode(param) => Some(param),
        }
    }

    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::NoJson => None,
            Self::Missing(_) => Some("missing_required_parameter"),
            Self::Unknown(_) => Some("unknown_parameter"),
            Self::Type { .. } => Some("invalid_type"),
            Self::Value { .. } | Self::NotUnicode(_) => Some("invalid_value"),
            Self::Unsupported { .. } => Some("unsupported_parameter"),
            Self::UnsupportedValue { .. } => Some("unsupported_value"),
        }
    }
}
