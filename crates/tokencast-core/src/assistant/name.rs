//! An assistant's name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest name, in characters.
const MAX_CHARS: usize = 64;

/// An assistant's name: small letters, digits and hyphens, 1 to 64 of them; a hyphen doesn't come first.
///
/// ```
/// use tokencast_core::assistant::AssistantName;
///
/// assert_eq!("general-2".parse::<AssistantName>()?.as_str(), "general-2");
/// assert!("General".parse::<AssistantName>().is_err());
/// # Ok::<(), tokencast_core::assistant::InvalidAssistantName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct AssistantName(String);

/// A text that is no name of an assistant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected 1 to 64 small letters, digits and hyphens, and no hyphen at the beginning")]
pub struct InvalidAssistantName;

impl AssistantName {
    /// The name of the only assistant where no file names any.
    #[must_use]
    pub fn only() -> Self {
        Self("default".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AssistantName {
    type Err = InvalidAssistantName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let is_name = (1..=MAX_CHARS).contains(&text.len())
            && !text.starts_with('-')
            && text.bytes().all(allowed);
        is_name
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidAssistantName)
    }
}

impl TryFrom<String> for AssistantName {
    type Error = InvalidAssistantName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AssistantName> for String {
    fn from(name: AssistantName) -> Self {
        name.0
    }
}

impl fmt::Display for AssistantName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_small_letters_digits_and_hyphens() {
        let longest = "a".repeat(MAX_CHARS);
        for (text, is_name) in [
            ("a", true),
            ("0", true),
            ("general", true),
            ("law-2-eu-", true),
            (longest.as_str(), true),
            (&format!("{longest}a"), false),
            ("", false),
            ("-a", false),
            ("A", false),
            ("a b", false),
            ("a.b", false),
            ("ä", false),
        ] {
            assert_eq!(text.parse::<AssistantName>().is_ok(), is_name, "{text}");
        }
        assert_eq!(
            AssistantName::only().as_str().parse(),
            Ok(AssistantName::only())
        );
    }
}
