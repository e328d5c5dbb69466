//! Where the real-time endpoint of an API is, and how credentials travel to it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use serde_json::{Value, json};

use crate::error::Error;

/// Derived from the GraphQL URL, as Amplify does it.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) url: Url,
    /// The GraphQL host, with its port: what the headers name, never the real-time one.
    pub(crate) host: String,
}

impl Endpoint {
    pub(crate) fn new(api_url: &Url) -> Result<Self, Error> {
        let wrong = || Error::Config {
            name: "api_url",
            value: api_url.to_string(),
            expected: "an http or https URL, such as https://ID.appsync-api.REGION.amazonaws.com/graphql",
        };
        let name = api_url.host_str().ok_or_else(wrong)?;
        let host = api_url
            .port()
            .map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        let mut url = api_url.clone();
        let scheme = match api_url.scheme() {
            "https" => "wss",
            "http" => "ws",
            _ => return Err(wrong()),
        };
        url.set_scheme(scheme).map_err(|()| wrong())?;
        if is_standard(name) {
            url.set_host(Some(&name.replacen(
                ".appsync-api.",
                ".appsync-realtime-api.",
                1,
            )))
            .map_err(|_| wrong())?;
        } else {
            url.set_path(&format!(
                "{}/realtime",
                api_url.path().trim_end_matches('/')
            ));
        }
        Ok(Self { url, host })
    }

    /// The headers of a connection or a subscription.
    pub(crate) fn authorization(&self, token: &str) -> Value {
        json!({ "Authorization": token, "host": self.host })
    }

    /// The subprotocol that carries the headers of a connection.
    pub(crate) fn header_protocol(&self, token: &str) -> String {
        format!(
            "header-{}",
            URL_SAFE_NO_PAD.encode(self.authorization(token).to_string())
        )
    }
}

/// `ID.appsync-api.REGION.amazonaws.com`, or China's.
fn is_standard(host: &str) -> bool {
    let host = host.strip_suffix(".cn").unwrap_or(host);
    let Some(rest) = host.strip_suffix(".amazonaws.com") else {
        return false;
    };
    matches!(rest.split('.').collect::<Vec<_>>()[..], [id, "appsync-api", region] if !id.is_empty() && !region.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_time_url_follows_from_the_api_url() {
        for (api, realtime, host) in [
            (
                "https://abc123.appsync-api.us-east-1.amazonaws.com/graphql",
                "wss://abc123.appsync-realtime-api.us-east-1.amazonaws.com/graphql",
                "abc123.appsync-api.us-east-1.amazonaws.com",
            ),
            (
                "https://abc.appsync-api.cn-north-1.amazonaws.com.cn/graphql",
                "wss://abc.appsync-realtime-api.cn-north-1.amazonaws.com.cn/graphql",
                "abc.appsync-api.cn-north-1.amazonaws.com.cn",
            ),
            (
                "https://api.example.com/graphql",
                "wss://api.example.com/graphql/realtime",
                "api.example.com",
            ),
            (
                "http://localhost:4566/graphql/",
                "ws://localhost:4566/graphql/realtime",
                "localhost:4566",
            ),
        ] {
            let endpoint = Endpoint::new(&api.parse().expect("a URL")).expect("an endpoint");
            assert_eq!(
                (endpoint.url.as_str(), endpoint.host.as_str()),
                (realtime, host)
            );
        }
    }

    #[test]
    fn another_scheme_is_refused() {
        let error = Endpoint::new(&"ftp://example.com/graphql".parse().expect("a URL"))
            .expect_err("refused");
        assert!(
            error.to_string().contains("expected an http or https URL"),
            "{error}"
        );
    }
}
