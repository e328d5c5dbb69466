//! One client with nothing around it, over one of the deliveries: it connects anew for each answer.

use std::time::Instant;

use serde_json::Value;
use tokencast::stack::RunningStack;

use super::heard::Heard;
use super::{appsync, function_url, web_socket};
use crate::error::{BenchError, Step as _};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    AppSync,
    FunctionUrl,
    WebSocket,
}

impl Delivery {
    pub(super) const ALL: [Self; 3] = [Self::AppSync, Self::FunctionUrl, Self::WebSocket];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AppSync => "AppSync",
            Self::FunctionUrl => "Function URL",
            Self::WebSocket => "WebSocket API",
        }
    }
}

/// Where a stack answers, and as whom to ask.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// `localhost:PORT`.
    pub(super) host: String,
    pub(super) graphql_url: String,
    pub(super) function_url: String,
    pub(super) web_socket_url: String,
    pub(super) token: String,
}

impl Target {
    pub(super) async fn of(stack: &RunningStack, user: &str) -> Result<Self, BenchError> {
        let endpoints = &stack.info.endpoints;
        let cognito = stack.local.cognito().clone();
        let user = user.to_owned();
        // It may have to wait for the pool's key.
        let tokens = tokio::task::spawn_blocking(move || cognito.issue_tokens(&user));
        let token = tokens.await.to("sign in")?.to("sign in")?.access_token;
        Ok(Self {
            host: format!("localhost:{}", endpoints.address.port()),
            graphql_url: endpoints.graphql_url(),
            function_url: stack.info.function_url.clone().unwrap_or_default(),
            web_socket_url: stack.info.websocket_url.clone().unwrap_or_default(),
            token,
        })
    }

    /// Asks, and listens to the end, or until `is_enough` of an event.
    pub(super) async fn ask(
        &self,
        delivery: Delivery,
        session_id: &str,
        prompt: &str,
        is_enough: impl Fn(&Heard) -> bool,
    ) -> Result<(Instant, Heard), BenchError> {
        match delivery {
            Delivery::AppSync => appsync::ask(self, session_id, prompt, is_enough).await,
            Delivery::FunctionUrl => function_url::ask(self, session_id, prompt, is_enough).await,
            Delivery::WebSocket => web_socket::ask(self, session_id, prompt, is_enough).await,
        }
    }

    /// Follows a session that another client started, from its first event to its end.
    pub(super) async fn follow(
        &self,
        delivery: Delivery,
        session_id: &str,
    ) -> Result<Heard, BenchError> {
        match delivery {
            Delivery::AppSync => appsync::follow(self, session_id).await,
            Delivery::FunctionUrl => function_url::follow(self, session_id).await,
            Delivery::WebSocket => web_socket::follow(self, session_id).await,
        }
    }

    /// A GraphQL operation, whichever way the session came: the table is one.
    pub(super) async fn graphql(
        &self,
        http: &reqwest::Client,
        query: &str,
        variables: Value,
    ) -> Result<Value, BenchError> {
        const STEP: &str = "call the API";
        let body = serde_json::json!({ "query": query, "variables": variables });
        let asked = http
            .post(&self.graphql_url)
            .header("authorization", &self.token)
            .json(&body);
        let answer: Value = asked.send().await.to(STEP)?.json().await.to(STEP)?;
        if answer["errors"].is_null() {
            return Ok(answer);
        }
        Err(BenchError::Wrong(format!("the API answered {answer}")))
    }
}

pub(super) fn http() -> Result<reqwest::Client, BenchError> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .tcp_nodelay(true);
    client.build().to("make an HTTP client")
}
