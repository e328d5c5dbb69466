//! The limits of a caller.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a quota limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LimitName {
    /// Starts within a minute of the clock.
    StartsPerMinute,
    StartsPerDay,
    /// Tokens that models read and wrote, with what is reserved for the sessions that are not over.
    TokensPerDay,
    /// Sessions that are not over.
    SessionsAtOnce,
}

/// A text that names no limit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is no limit, expected `startsPerMinute`, `startsPerDay`, `tokensPerDay` or `sessionsAtOnce`"
)]
pub struct UnknownLimit(pub String);

/// The limits of a caller. `None`: there is no such limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub starts_per_minute: Option<u32>,
    pub starts_per_day: Option<u32>,
    pub tokens_per_day: Option<u32>,
    pub sessions_at_once: Option<u32>,
}

/// A limit that an administrator has given one owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Override {
    /// There is no such limit.
    Unlimited,
    Most(u32),
}

/// What an administrator has given one owner in place of the configured limits. `None`: as configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    pub starts_per_minute: Option<Override>,
    pub starts_per_day: Option<Override>,
    pub tokens_per_day: Option<Override>,
    pub sessions_at_once: Option<Override>,
}

impl Override {
    /// As [`Limits`] have it.
    pub fn limit(self) -> Option<u32> {
        match self {
            Self::Unlimited => None,
            Self::Most(most) => Some(most),
        }
    }
}

impl LimitName {
    pub const ALL: [Self; 4] = [
        Self::StartsPerMinute,
        Self::StartsPerDay,
        Self::TokensPerDay,
        Self::SessionsAtOnce,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::StartsPerMinute => "startsPerMinute",
            Self::StartsPerDay => "startsPerDay",
            Self::TokensPerDay => "tokensPerDay",
            Self::SessionsAtOnce => "sessionsAtOnce",
        }
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for LimitName {
    type Err = UnknownLimit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|name| name.as_str() == text);
        known.ok_or_else(|| UnknownLimit(text.to_owned()))
    }
}

impl Limits {
    pub fn get(&self, name: LimitName) -> Option<u32> {
        match name {
            LimitName::StartsPerMinute => self.starts_per_minute,
            LimitName::StartsPerDay => self.starts_per_day,
            LimitName::TokensPerDay => self.tokens_per_day,
            LimitName::SessionsAtOnce => self.sessions_at_once,
        }
    }

    pub fn set(&mut self, name: LimitName, limit: Option<u32>) {
        *match name {
            LimitName::StartsPerMinute => &mut self.starts_per_minute,
            LimitName::StartsPerDay => &mut self.starts_per_day,
            LimitName::TokensPerDay => &mut self.tokens_per_day,
            LimitName::SessionsAtOnce => &mut self.sessions_at_once,
        } = limit;
    }

    /// Of each limit the more generous one.
    #[must_use]
    pub fn most_generous(self, other: Self) -> Self {
        let mut most = Self::default();
        for name in LimitName::ALL {
            let both = self.get(name).zip(other.get(name));
            most.set(name, both.map(|(one, another)| one.max(another)));
        }
        most
    }

    /// The limits with an administrator's in their place.
    #[must_use]
    pub fn overridden_by(mut self, overrides: &Overrides) -> Self {
        for name in LimitName::ALL {
            if let Some(limit) = overrides.get(name) {
                self.set(name, limit.limit());
            }
        }
        self
    }
}

impl Overrides {
    pub fn get(&self, name: LimitName) -> Option<Override> {
        match name {
            LimitName::StartsPerMinute => self.starts_per_minute,
            LimitName::StartsPerDay => self.starts_per_day,
            LimitName::TokensPerDay => self.tokens_per_day,
            LimitName::SessionsAtOnce => self.sessions_at_once,
        }
    }

    pub fn set(&mut self, name: LimitName, limit: Option<Override>) {
        *match name {
            LimitName::StartsPerMinute => &mut self.starts_per_minute,
            LimitName::StartsPerDay => &mut self.starts_per_day,
            LimitName::TokensPerDay => &mut self.tokens_per_day,
            LimitName::SessionsAtOnce => &mut self.sessions_at_once,
        } = limit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_is_the_most_generous() {
        let (some, other) = (
            Limits {
                starts_per_day: Some(5),
                tokens_per_day: Some(7),
                ..Limits::default()
            },
            Limits {
                starts_per_day: Some(6),
                sessions_at_once: Some(1),
                ..Limits::default()
            },
        );
        let expected = Limits {
            starts_per_day: Some(6),
            ..Limits::default()
        };
        assert_eq!(some.most_generous(other), expected);
        assert_eq!(other.most_generous(some), expected);
    }

    #[test]
    fn an_override_replaces_what_it_names() {
        let mut overrides = Overrides::default();
        overrides.set(LimitName::TokensPerDay, Some(Override::Unlimited));
        overrides.set(LimitName::StartsPerDay, Some(Override::Most(0)));
        let limits = Limits {
            starts_per_minute: Some(1),
            starts_per_day: Some(2),
            tokens_per_day: Some(3),
            sessions_at_once: None,
        };
        let expected = Limits {
            starts_per_day: Some(0),
            tokens_per_day: None,
            ..limits
        };
        assert_eq!(limits.overridden_by(&overrides), expected);
    }

    #[test]
    fn names_read_back() {
        for name in LimitName::ALL {
            assert_eq!(name.as_str().parse(), Ok(name));
            assert_eq!(serde_json::json!(name), name.as_str());
        }
        "tokens".parse::<LimitName>().expect_err("unknown");
    }
}
