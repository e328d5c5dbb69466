//! Starting this project's stack, and what is known of it once it runs.

use std::fmt;
use std::path::{Path, PathBuf};

use axum::routing::get;
use axum::{Json, Router};
use futures_util::future::join_all;
use local_stack::config::{UserConfig, UserPoolConfig};
use local_stack::endpoints::Endpoints;
use local_stack::gateway::BindError;
use local_stack::services::nothing_here;
use local_stack::{BoundStack, Stack, StackError as LocalError};
use serde_json::Value;
use tokencast_client::cognito::UserPool;
use tokencast_client::{Client, ClientBuilder, Credentials};
use tower_http::services::ServeDir;

use super::{
    AUTHORIZER_FUNCTION, FUNCTION_URL_FUNCTION, Names, REGION, StackError, StackOptions,
    WEBSOCKET_FUNCTION, WEBSOCKET_STAGE,
};
use crate::amplify;
use crate::cli::Channel;

/// What a user needs to know of a stack.
#[derive(Clone, Debug)]
pub struct StackInfo {
    pub names: Names,
    pub endpoints: Endpoints,
    pub user_pool: UserPoolConfig,
    /// Where the function URL answers, if there is one.
    pub function_url: Option<String>,
    /// Where the WebSocket API is, if there is one.
    pub websocket_url: Option<String>,
    /// Of the authority that its TLS certificate comes from.
    pub ca_file: PathBuf,
    /// For AWS SDKs: it may do everything.
    pub access_key: AccessKey,
}

/// What AWS SDKs sign with.
#[derive(Clone)]
pub struct AccessKey {
    pub id: String,
    pub secret: String,
    /// The same as a file: `AWS_SHARED_CREDENTIALS_FILE`.
    pub file: PathBuf,
}

impl fmt::Debug for AccessKey {
    /// Without the secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AccessKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A stack that answers. It runs until [`RunningStack::shutdown`].
#[derive(Debug)]
pub struct RunningStack {
    pub info: StackInfo,
    /// The services themselves, to look into and to disturb.
    pub local: Stack,
}

impl RunningStack {
    /// Starts everything; returns once it answers.
    ///
    /// # Errors
    ///
    /// If the port is taken, the local stack can't be what the template and the options describe, or a service can't start.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        let bound = BoundStack::bind(options.port, REGION, options.state_dir.clone()).await?;
        let endpoints = bound.endpoints().clone();
        let (config, names) = options.config(&endpoints)?;
        let user_pool = config.user_pool.clone();
        let url = config.function_urls.first();
        let function_url = url.map(|url| endpoints.function_url(&url.name));
        let api = config.websocket_apis.first();
        let websocket_url = api.map(|api| endpoints.websocket_url(&api.stage));
        let outputs = amplify::outputs(
            &endpoints,
            &user_pool.pool_id,
            &user_pool.client_id,
            function_url.as_deref(),
            websocket_url.as_deref(),
        );
        let page = page(options.web_dir.as_deref(), outputs);
        let local = bound.start(config, Some(page)).await?;
        let ca_file = local.ca_pem_path().to_owned();
        let access_key = AccessKey {
            id: local.developer().access_key_id.clone(),
            secret: local.developer().secret_access_key.clone(),
            file: local.credentials_file().to_owned(),
        };
        let info = StackInfo {
            names,
            endpoints,
            user_pool,
            function_url,
            websocket_url,
            ca_file,
            access_key,
        };
        Ok(Self { info, local })
    }

    /// Starts a process of each function that AppSync's prompts go through, so that the first doesn't wait for one.
    pub async fn warm(&self) {
        self.warm_for(Channel::Appsync).await;
    }

    /// The same for any delivery.
    pub async fn warm_for(&self, via: Channel) {
        let Names {
            request_function,
            worker_function,
            ..
        } = &self.info.names;
        let functions: &[&str] = match via {
            Channel::Appsync => &[request_function, worker_function],
            Channel::Url => &[FUNCTION_URL_FUNCTION],
            Channel::Websocket => &[AUTHORIZER_FUNCTION, WEBSOCKET_FUNCTION, worker_function],
        };
        let lambda = self.local.lambda();
        let started = functions.iter().map(|function| lambda.warm(function, 1));
        for error in join_all(started).await.into_iter().filter_map(Result::err) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a function did not start"
            );
        }
    }

    /// Ends every process, task and socket of the stack.
    pub async fn shutdown(self) {
        self.local.shutdown().await;
    }

    /// A client as one of the stack's users, over AppSync.
    pub fn client(&self, user: &UserConfig) -> ClientBuilder {
        self.client_via(Channel::Appsync, user)
    }

    /// Where a delivery answers, or would if this stack had it.
    fn via(&self, via: Channel) -> tokencast_client::Channel {
        let StackInfo {
            endpoints,
            function_url,
            websocket_url,
            ..
        } = &self.info;
        match via {
            Channel::Appsync => tokencast_client::Channel::AppSync(endpoints.graphql_url()),
            Channel::Url => tokencast_client::Channel::FunctionUrl(
                function_url
                    .clone()
                    .unwrap_or_else(|| endpoints.function_url(FUNCTION_URL_FUNCTION)),
            ),
            Channel::Websocket => tokencast_client::Channel::WebSocket(
                websocket_url
                    .clone()
                    .unwrap_or_else(|| endpoints.websocket_url(WEBSOCKET_STAGE)),
            ),
        }
    }

    /// A client as one of the stack's users.
    pub fn client_via(&self, via: Channel, user: &UserConfig) -> ClientBuilder {
        let pool = UserPool {
            endpoint: format!("{}/", self.info.endpoints.url()),
            client_id: self.info.user_pool.client_id.clone(),
            pool_id: Some(self.info.user_pool.pool_id.clone()),
        };
        let credentials = Credentials::user(pool, &user.username, &user.password);
        Client::builder(self.via(via)).credentials(credentials)
    }
}

/// What a browser may fetch: the API's outputs, and the web page where one is built.
fn page(web_dir: Option<&Path>, outputs: Value) -> Router {
    let outputs = Router::new().route("/amplify_outputs.json", get(async move || Json(outputs)));
    match web_dir {
        Some(directory) => {
            let files = ServeDir::new(directory).call_fallback_on_method_not_allowed(true);
            outputs.fallback_service(files.fallback(Router::new().fallback(nothing_here)))
        }
        None => outputs.fallback(nothing_here),
    }
}

impl From<LocalError> for StackError {
    fn from(error: LocalError) -> Self {
        match error {
            LocalError::Bind(BindError::InUse { port }) => Self::PortInUse(port),
            other => Self::Start(other.into()),
        }
    }
}
