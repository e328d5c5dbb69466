//! Over which channel an answer comes.

use reqwest::Url;

use crate::error::Error;

/// A channel, and where it answers. Text alone is AppSync's URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// AppSync: the GraphQL endpoint, from which the real-time one follows.
    AppSync(String),
    /// A Lambda Function URL that streams its response: server-sent events.
    FunctionUrl(String),
    /// An API Gateway WebSocket API, with its stage.
    WebSocket(String),
}

impl From<String> for Channel {
    fn from(api_url: String) -> Self {
        Self::AppSync(api_url)
    }
}

impl From<&String> for Channel {
    fn from(api_url: &String) -> Self {
        Self::AppSync(api_url.clone())
    }
}

impl From<&str> for Channel {
    fn from(api_url: &str) -> Self {
        Self::AppSync(api_url.to_owned())
    }
}

impl Channel {
    /// The URL, if it can be one of this channel.
    pub(crate) fn parse(&self) -> Result<Url, Error> {
        let (name, text, schemes, expected) = match self {
            Self::AppSync(url) => (
                "api_url",
                url,
                ["https", "http"],
                "an http or https URL, such as https://ID.appsync-api.REGION.amazonaws.com/graphql",
            ),
            Self::FunctionUrl(url) => (
                "function_url",
                url,
                ["https", "http"],
                "an http or https URL, such as https://ID.lambda-url.REGION.on.aws/",
            ),
            Self::WebSocket(url) => (
                "websocket_url",
                url,
                ["wss", "ws"],
                "a ws or wss URL, such as wss://ID.execute-api.REGION.amazonaws.com/STAGE",
            ),
        };
        Url::parse(text)
            .ok()
            .filter(|url| schemes.contains(&url.scheme()) && url.has_host())
            .ok_or_else(|| Error::Config {
                name,
                value: text.clone(),
                expected,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(channel: &Channel, expected: &str) {
        let got = match channel.parse() {
            Ok(url) => url.to_string(),
            Err(error) => error.to_string(),
        };
        assert!(got.contains(expected), "{got}");
    }

    #[test]
    fn a_url_of_another_kind_is_refused() {
        check(
            &Channel::FunctionUrl("https://a.lambda-url.eu-west-1.on.aws".into()),
            "https://a.lambda-url.eu-west-1.on.aws/",
        );
        check(
            &Channel::FunctionUrl("wss://a.example/".into()),
            "`function_url` is `wss://a.example/`, expected an http or https URL",
        );
        check(
            &Channel::WebSocket("https://a.example/dev".into()),
            "`websocket_url` is `https://a.example/dev`, expected a ws or wss URL",
        );
        check(
            &Channel::WebSocket("ws://localhost:1/websocket/dev".into()),
            "ws://localhost:1/websocket/dev",
        );
        check(
            &"localhost".into(),
            "`api_url` is `localhost`, expected an http",
        );
        check(&"ftp://a.example".into(), "expected an http or https URL");
    }
}
