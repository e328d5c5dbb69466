//! A stack with one function URL, and a client of it.

use std::time::Duration;

use local_stack::config::{CorsConfig, FunctionUrlConfig};
use local_stack::testing::{TestStack, function, within};

pub(crate) const ORIGIN: &str = "http://localhost:5173";

pub(crate) struct Url {
    pub(crate) stack: TestStack,
    pub(crate) http: reqwest::Client,
}

impl Url {
    /// A URL without a CORS configuration.
    pub(crate) async fn start() -> Self {
        Self::start_with(None, &[]).await
    }

    /// A function with a hand-written runtime.
    pub(crate) async fn by_hand() -> Self {
        Self::start_with(None, &[("RUNTIME", "by hand")]).await
    }

    pub(crate) async fn start_with(cors: Option<CorsConfig>, variables: &[(&str, &str)]) -> Self {
        let stack = TestStack::start(|config| {
            let mut chat = function("chat");
            chat.timeout = Duration::from_secs(30);
            for (name, value) in variables {
                let variable = ((*name).to_owned(), (*value).to_owned());
                chat.environment.extend([variable]);
            }
            config.functions.push(chat);
            config.function_urls.push(FunctionUrlConfig {
                name: "chat-url".to_owned(),
                function: "chat".to_owned(),
                cors,
            });
        })
        .await;
        Self {
            stack,
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
        }
    }

    pub(crate) async fn stop(self) {
        self.stack.stop().await;
    }

    /// The URL of a path.
    pub(crate) fn at(&self, path: &str) -> String {
        let url = self.stack.local.endpoints().function_url("chat-url");
        format!("{}{path}", url.trim_end_matches('/'))
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        within(self.try_get(path)).await.expect("an answer")
    }

    pub(crate) async fn try_get(&self, path: &str) -> reqwest::Result<reqwest::Response> {
        self.http.get(self.at(path)).send().await
    }

    /// Whether the function was ever started.
    pub(crate) fn was_started(&self) -> bool {
        let usage = self.stack.local.usage().of("lambda", "chat");
        usage.count > 0 || !self.stack.local.lambda().processes("chat").is_empty()
    }
}

/// The text up to the point where the body breaks off.
pub(crate) async fn until_broken(mut response: reqwest::Response) -> String {
    let mut text = Vec::new();
    loop {
        match within(response.chunk()).await {
            Ok(Some(chunk)) => text.extend_from_slice(&chunk),
            Ok(None) => panic!("a whole body: {}", String::from_utf8_lossy(&text)),
            Err(_) => return String::from_utf8(text).expect("text"),
        }
    }
}
