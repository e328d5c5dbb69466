//! One API in one router: GraphQL over HTTP, and the WebSocket protocols for upgrades.

use std::sync::Arc;

use ::http::StatusCode;
use ::http::header::UPGRADE;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures_util::future::BoxFuture;
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;
use local_kit::invoke::Invoke;
use serde_json::Value;
use tower::ServiceExt;

use super::api::{Api, GraphqlRequest};
use super::auth::Authenticator;
use super::caller::Caller;
use super::errors::{ApiConfigError, GraphqlError};
use super::http;
use super::realtime::{Realtime, RealtimeLimits, Refusal, Subscribe};
use super::subscriptions::{Hub, Subscription};
use crate::config::ApiConfig;

/// A GraphQL API's authentication, subscriptions, limits and names.
///
/// ```no_run
/// use std::sync::Arc;
/// use local_appsync::AppSync;
/// use local_appsync::config::ApiConfig;
/// use local_kit::invoke::Invoke;
///
/// # async fn example(appsync: AppSync, api: ApiConfig, functions: Arc<dyn Invoke>) -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::TcpListener::bind(appsync.endpoints.address).await?;
/// let (hub, router) = (appsync.hub.clone(), appsync.router(&api, functions)?);
/// tokio::spawn(async move { axum::serve(listener, router).await });
/// // Every subscriber of this session gets the event.
/// hub.publish("publishToken", &serde_json::json!({"sessionId": "s", "token": "Hello"}));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AppSync {
    pub authenticator: Authenticator,
    pub hub: Hub,
    pub limits: RealtimeLimits,
    pub endpoints: Endpoints,
    pub clock: Clock,
}

impl AppSync {
    /// Reads the API's schema and resolvers, and returns the router that serves it.
    ///
    /// # Errors
    ///
    /// The schema, a resolver or its code isn't valid.
    pub fn router(
        self,
        config: &ApiConfig,
        invoke: Arc<dyn Invoke>,
    ) -> Result<Router, ApiConfigError> {
        let hub = self.hub.clone();
        let publish = Arc::new(move |field: &str, result: &Value| {
            hub.publish(field, result);
        });
        let api = Api::new(config, &self.endpoints, invoke, publish, self.clock.clone())?;
        let graphql = http::Endpoint {
            api: api.clone(),
            authenticate: Arc::new(self.authenticator.clone()),
        };
        let realtime = Realtime {
            authenticator: self.authenticator,
            subscribe: Arc::new(api),
            hub: self.hub,
            endpoints: self.endpoints,
            clock: self.clock,
            limits: self.limits,
        };
        let realtime = realtime.router();
        Ok(Router::new()
            .route(http::GRAPHQL_PATH, any(route))
            .fallback(upgrade)
            .with_state(Paths { graphql, realtime }))
    }
}

#[derive(Clone)]
struct Paths {
    graphql: http::Endpoint,
    realtime: Router,
}

/// Selects the service without another router in between, because each mutation passes here.
async fn route(State(paths): State<Paths>, request: Request) -> Response {
    if request.headers().contains_key(UPGRADE) {
        return upgrade(State(paths), request).await;
    }
    http::answer(State(paths.graphql), request).await
}

async fn upgrade(State(Paths { realtime, .. }): State<Paths>, request: Request) -> Response {
    if !request.headers().contains_key(UPGRADE) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match realtime.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

impl Subscribe for Api {
    fn subscribe<'a>(
        &'a self,
        request: GraphqlRequest,
        caller: &'a Caller,
    ) -> BoxFuture<'a, Result<Subscription, Vec<Refusal>>> {
        Box::pin(async move {
            let admitted = Api::subscribe(self, request, caller).await;
            admitted.map_err(|errors| errors.into_iter().map(refusal).collect())
        })
    }
}

fn refusal(error: GraphqlError) -> Refusal {
    let error_type = error.failure.and_then(|failure| failure.error_type);
    Refusal {
        error_type: error_type.unwrap_or_else(|| "ValidationException".to_owned()),
        message: error.message,
    }
}
