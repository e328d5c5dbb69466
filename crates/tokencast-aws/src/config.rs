//! Reads environment variables. Each error names the variable, its value, and what was expected.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// Reads variables from a lookup, and collects all problems, so that one error tells them all.
pub struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
}

/// All problems of the environment.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct ConfigError(pub Vec<Problem>);

/// The problem of one variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub name: &'static str,
    /// `None` where it isn't set.
    pub value: Option<String>,
    pub expected: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            value,
            expected,
        } = self;
        match value {
            Some(value) => write!(formatter, "`{name}` is `{value}`, expected {expected}"),
            None => write!(formatter, "`{name}` is not set, expected {expected}"),
        }
    }
}

impl<'a> Reader<'a> {
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            lookup,
            problems: Vec::new(),
        }
    }

    /// Returns `config`, unless problems were found.
    ///
    /// # Errors
    ///
    /// A variable is missing or malformed; the error names each of them, what it is, and what was expected.
    pub fn finish<T>(self, config: T) -> Result<T, ConfigError> {
        if self.problems.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError(self.problems))
        }
    }

    /// Reads a text that must be set, and not be blank.
    pub fn required(&mut self, name: &'static str, expected: &str) -> String {
        match self.get(name).filter(|value| !value.trim().is_empty()) {
            Some(value) => value,
            None => self.problem(name, None, expected, String::new()),
        }
    }

    /// Reads a text that may be missing. An empty one counts as missing.
    pub fn optional(&mut self, name: &'static str) -> Option<String> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Reads an `http` or `https` URL that must be set.
    pub fn url(&mut self, name: &'static str, expected: &str) -> String {
        let url = self.required(name, expected);
        if url.is_empty() {
            return url;
        }
        self.checked_url(name, url, expected)
    }

    /// Reads an `http` or `https` URL that may be missing. An empty one counts as missing.
    pub fn optional_url(&mut self, name: &'static str, expected: &str) -> Option<String> {
        let url = self.optional(name)?;
        Some(self.checked_url(name, url, expected))
    }

    fn checked_url(&mut self, name: &'static str, url: String, expected: &str) -> String {
        let parsed = url.parse::<http::Uri>().ok();
        let valid = parsed.is_some_and(|url| {
            matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some()
        });
        if valid {
            url
        } else {
            self.problem(name, Some(url), expected, String::new())
        }
    }

    /// Reads a number within a range, or takes the default.
    pub fn number<T>(&mut self, name: &'static str, range: RangeInclusive<T>, default: T) -> T
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        self.optional_number(name, range).unwrap_or(default)
    }

    pub fn optional_number<T>(&mut self, name: &'static str, range: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + PartialOrd + fmt::Display,
    {
        let value = self.optional(name)?;
        match value.trim().parse() {
            Ok(number) if range.contains(&number) => Some(number),
            _ => {
                let expected = format!("{} to {}", range.start(), range.end());
                self.problem(name, Some(value), &expected, None)
            }
        }
    }

    /// Reads a value of several parts that may be missing, whose own error says what was expected.
    pub fn optional_parsed<T>(&mut self, name: &'static str) -> Option<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let value = self.optional(name)?;
        match value.parse() {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                let expected = format!("something else: {error}");
                self.problem(name, Some(value), &expected, None)
            }
        }
    }

    /// Reads a duration in milliseconds.
    pub fn millis(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Duration {
        Duration::from_millis(self.number(name, range, default))
    }

    /// Reads one of a few words, or takes the first.
    pub fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> T {
        let default = choices[0].1;
        let Some(value) = self.optional(name) else {
            return default;
        };
        if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == value) {
            *choice
        } else {
            let words: Vec<_> = choices
                .iter()
                .map(|(word, _)| format!("`{word}`"))
                .collect();
            self.problem(name, Some(value), &words.join(" or "), default)
        }
    }

    /// Reads what a file has, whose path a variable may give. `read` says what is wrong with the file.
    pub fn optional_file<T, E: fmt::Display>(
        &mut self,
        name: &'static str,
        expected: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let path = self.optional(name)?;
        match read(&path) {
            Ok(read) => Some(read),
            Err(wrong) => self.problem(name, Some(path), &format!("{expected}: {wrong}"), None),
        }
    }

    /// Whether a variable is set, and not empty.
    pub fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !value.is_empty())
    }

    fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
    }

    fn problem<T>(
        &mut self,
        name: &'static str,
        value: Option<String>,
        expected: &str,
        instead: T,
    ) -> T {
        let problem = Problem {
            name,
            value,
            expected: expected.to_owned(),
        };
        // Two parts of a configuration may read one variable.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
        instead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        value: Option<&str>,
        read: impl Fn(&mut Reader<'_>) -> String,
        expected: Result<&str, &str>,
    ) {
        let lookup = |_: &str| value.map(str::to_owned);
        let mut reader = Reader::new(&lookup);
        let got = read(&mut reader);
        let got = reader.finish(got).map_err(|error| error.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn a_number_is_read_within_its_range() {
        let read =
            |reader: &mut Reader<'_>| reader.number("FLUSH_INTERVAL_MS", 0..=1000, 7).to_string();
        check(None, read, Ok("7"));
        check(Some(""), read, Ok("7"));
        check(Some("0"), read, Ok("0"));
        check(Some(" 1000 "), read, Ok("1000"));
        check(
            Some("1001"),
            read,
            Err("`FLUSH_INTERVAL_MS` is `1001`, expected 0 to 1000"),
        );
        check(
            Some("fast"),
            read,
            Err("`FLUSH_INTERVAL_MS` is `fast`, expected 0 to 1000"),
        );
    }

    #[test]
    fn a_url_is_http_or_https() {
        let expected = "the API's GraphQL endpoint";
        let read = |reader: &mut Reader<'_>| reader.url("APPSYNC_API_URL", expected);
        check(
            Some("https://api.example/graphql"),
            read,
            Ok("https://api.example/graphql"),
        );
        check(
            None,
            read,
            Err("`APPSYNC_API_URL` is not set, expected the API's GraphQL endpoint"),
        );
        check(
            Some("api"),
            read,
            Err("`APPSYNC_API_URL` is `api`, expected the API's GraphQL endpoint"),
        );
        check(
            Some("ftp://a/b"),
            read,
            Err("`APPSYNC_API_URL` is `ftp://a/b`, expected the API's GraphQL endpoint"),
        );
    }

    #[test]
    fn a_choice_is_one_of_its_words_and_all_problems_are_told() {
        let read = |reader: &mut Reader<'_>| {
            let choice = reader.choice("PUBLISH_MODE", &[("joined", 1), ("token", 2)]);
            reader.number("MAX_TOKENS", 1..=9, choice).to_string()
        };
        check(None, read, Ok("1"));
        check(
            Some("none"),
            read,
            Err(
                "`PUBLISH_MODE` is `none`, expected `joined` or `token`; `MAX_TOKENS` is `none`, expected 1 to 9",
            ),
        );
    }
}
