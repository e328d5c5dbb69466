//! WebSocket APIs of API Gateway: Lambda proxy integrations, a REQUEST authorizer, and `@connections`.
//!
//! | module | what |
//! | --- | --- |
//! | `handshake` | the handshake: authorizer, `$connect`, upgrade |
//! | `authorizer` | the authorizer's event, and what its policy allows |
//! | `event` | the functions' events |
//! | `integration` | invokes an integration's function |
//! | `socket` | one connection: reading, writing, closing |
//! | `route` | the route of a client's message, and its route response |
//! | `connections` | the open connections |
//! | `management` | `@connections`: `POST`, `GET`, `DELETE` |
//!
//! A connection's time limits follow the stack's clock. Its ids contain characters that a URL has to encode, as AWS's
//! do.

mod authorizer;
pub mod config;
mod connections;
mod endpoint;
mod event;
mod handshake;
mod integration;
mod management;
mod route;
mod socket;

pub use endpoint::ENDPOINT;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use http::StatusCode;
use local_faults::{FaultService, Faults};
use local_iam::CredentialStore;
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;
use local_kit::invoke::Invoke;
use local_kit::tasks::Tasks;
use local_kit::usage::Usage;
use serde_json::json;
use thiserror::Error;

use crate::config::WebSocketApiConfig;
use connections::Registry;

const CONNECT: &str = "$connect";
const DISCONNECT: &str = "$disconnect";
const DEFAULT: &str = "$default";

/// How long [`WebSocketApis::shutdown`] waits for cancelled tasks.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(1);

/// The bytes of an id, which has 16 characters as text.
const ID_BYTES: usize = 11;

/// The WebSocket APIs of a stack, by their stages. Clones share them.
///
/// ```no_run
/// use std::sync::Arc;
/// use local_apigateway::WebSocketApis;
/// use local_apigateway::config::WebSocketApiConfig;
/// use local_faults::Faults;
/// use local_iam::CredentialStore;
/// use local_kit::clock::Clock;
/// use local_kit::endpoints::Endpoints;
/// use local_kit::invoke::Invoke;
/// use local_kit::usage::Usage;
///
/// # async fn example(api: WebSocketApiConfig, functions: Arc<dyn Invoke>, endpoints: Endpoints) -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::TcpListener::bind(endpoints.address).await?;
/// let credentials = CredentialStore::default();
/// let (clock, faults, usage) = (Clock::system(), Faults::default(), Usage::default());
/// let apis = WebSocketApis::new(vec![api], &functions, &endpoints, &credentials, &clock, &faults, &usage)?;
/// axum::serve(listener, apis.router()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct WebSocketApis {
    apis: Arc<BTreeMap<String, Arc<Api>>>,
    tasks: Tasks,
}

#[derive(Debug, Error)]
pub enum WebSocketApiError {
    #[error("its stage is `{0}`, expected letters, digits, `-` and `_`")]
    Stage(String),
    #[error("the stage `{0}` is there twice")]
    Twice(String),
    #[error("the function `{function}` of `{route}` is not part of this stack")]
    NoFunction { route: String, function: String },
    #[error(
        "the identity source `{0}`, expected `route.request.querystring.NAME` or `route.request.header.NAME`"
    )]
    IdentitySource(String),
}

/// One API with its connections.
#[derive(Debug)]
struct Api {
    config: WebSocketApiConfig,
    functions: Arc<dyn Invoke>,
    endpoints: Endpoints,
    tasks: Tasks,
    credentials: CredentialStore,
    clock: Clock,
    faults: Faults,
    usage: Usage,
    connections: Registry,
}

impl WebSocketApis {
    /// Checks the configurations and registers the APIs.
    ///
    /// # Errors
    ///
    /// A stage isn't allowed or is there twice, a function doesn't exist, or an identity source can't be read.
    pub fn new(
        configs: Vec<WebSocketApiConfig>,
        functions: &Arc<dyn Invoke>,
        endpoints: &Endpoints,
        credentials: &CredentialStore,
        clock: &Clock,
        faults: &Faults,
        usage: &Usage,
    ) -> Result<Self, WebSocketApiError> {
        let (mut apis, tasks) = (BTreeMap::new(), Tasks::default());
        for config in configs {
            check(&config, functions.as_ref())?;
            let stage = config.stage.clone();
            let api = Api {
                config,
                functions: Arc::clone(functions),
                endpoints: endpoints.clone(),
                tasks: tasks.clone(),
                credentials: credentials.clone(),
                clock: clock.clone(),
                faults: faults.clone(),
                usage: usage.clone(),
                connections: Registry::default(),
            };
            if apis.insert(stage.clone(), Arc::new(api)).is_some() {
                return Err(WebSocketApiError::Twice(stage));
            }
        }
        Ok(Self {
            apis: Arc::new(apis),
            tasks,
        })
    }

    /// Serves `/websocket/{stage}` and `/websocket/{stage}/@connections/{id}`.
    pub fn router(&self) -> Router {
        let connection = || {
            post(management::post)
                .get(management::get)
                .delete(management::delete)
        };
        Router::new()
            .route("/websocket/{stage}", get(handshake::connect))
            .route("/websocket/{stage}/", get(handshake::connect))
            .route("/websocket/{stage}/@connections/{id}", connection())
            // Some clients encode more than they have to.
            .route("/websocket/{stage}/%40connections/{id}", connection())
            .fallback(unknown)
            .method_not_allowed_fallback(unknown)
            .with_state(self.clone())
    }

    /// The ids of a stage's open connections, the oldest first.
    pub fn connections(&self, stage: &str) -> Vec<String> {
        let api = self.apis.get(stage);
        api.map(|api| api.connections.ids()).unwrap_or_default()
    }

    /// Ends the tasks of closed connections, such as their `$disconnect`.
    pub async fn shutdown(&self) {
        if !self.tasks.shutdown(SHUTDOWN_LIMIT).await {
            tracing::warn!("tasks of a WebSocket API are left");
        }
    }

    fn find(&self, stage: &str) -> Option<Arc<Api>> {
        self.apis.get(stage).cloned()
    }
}

impl Api {
    fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// `localhost:PORT`, in place of the API's own host on AWS.
    fn domain_name(&self) -> String {
        format!("localhost:{}", self.endpoints().address.port())
    }
}

fn check(config: &WebSocketApiConfig, functions: &dyn Invoke) -> Result<(), WebSocketApiError> {
    let stage = &config.stage;
    let is_stage = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if stage.is_empty() || !stage.bytes().all(is_stage) {
        return Err(WebSocketApiError::Stage(stage.clone()));
    }
    let authorizer = config.authorizer.iter();
    for source in authorizer.clone().flat_map(|it| &it.identity_sources) {
        if authorizer::source(source).is_none() {
            return Err(WebSocketApiError::IdentitySource(source.clone()));
        }
    }
    let named = authorizer
        .map(|authorizer| ("the authorizer", &authorizer.function))
        .chain(
            config
                .routes
                .iter()
                .map(|(key, route)| (key.as_str(), &route.function)),
        );
    for (route, function) in named {
        if !functions.has(function) {
            return Err(WebSocketApiError::NoFunction {
                route: route.to_owned(),
                function: function.clone(),
            });
        }
    }
    Ok(())
}

/// The id of a connection, a request or a message: `L0SM9cOFvHcCIhw=`.
fn new_id() -> String {
    let bytes: [u8; ID_BYTES] = std::array::from_fn(|_| fastrand::u8(..));
    URL_SAFE.encode(bytes)
}

/// Whether a text has the form of a connection's id.
fn is_id(text: &str) -> bool {
    URL_SAFE
        .decode(text)
        .is_ok_and(|bytes| bytes.len() == ID_BYTES)
}

async fn unknown(request: Request) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let message = format!("No WebSocket API of this stack answers {method} {path}.");
    forbidden(&message)
}

/// API Gateway's response for a path that doesn't exist.
fn forbidden(message: &str) -> Response {
    refused(StatusCode::FORBIDDEN, "ForbiddenException", message)
}

fn refused(status: StatusCode, error_type: &'static str, message: &str) -> Response {
    let headers = [("x-amzn-errortype", error_type)];
    (status, headers, axum::Json(json!({ "message": message }))).into_response()
}

/// The name of the service in usage counts and fault plans.
const SERVICE: FaultService = FaultService::WebSocket;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_as_aws_makes_them() {
        let id = new_id();
        assert!(id.len() == 16 && id.ends_with('='), "{id}");
        assert!(is_id(&id));
        for other in ["", "abc", "L0SM9cOFvHcCIhw", "../../etc"] {
            assert!(!is_id(other), "{other}");
        }
    }
}
