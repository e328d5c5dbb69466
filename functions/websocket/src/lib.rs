//! The routes of API Gateway's WebSocket API, which answer what clients send over their connections.
//!
//! | module | what |
//! | --- | --- |
//! | [`config`] | the function's environment variables |
//! | [`event`] | API Gateway's event, and the response to it |
//! | [`error`] | why an event fails as a whole |
//! | [`message`] | parses a client's message from JSON |
//! | [`ai_sdk`] | answers the AI SDK's `WebSocketChatTransport` |
//! | [`routes`] | handles one event: a connect, a disconnect, or a message |
//!
//! The function `websocket-authorizer` decides who may connect. The worker pushes the events of an answer. This
//! function only pushes the events of a session that is over already.

use std::process::ExitCode;
use std::sync::Arc;

use lambda_runtime::{LambdaEvent, service_fn};
use tokencast_aws::clock::FunctionClock;
use tokencast_aws::connections::ConnectionTable;
use tokencast_aws::runtime::{self, isolated};
use tokencast_aws::tls::CaBundle;
use tokencast_aws::websocket::gateway::Gateway;
use tokencast_aws::{sdk, telemetry};

pub mod ai_sdk;
pub mod config;
pub mod error;
pub mod event;
pub mod message;
pub mod routes;

use config::Config;
use event::RouteEvent;
use routes::Routes;

/// Runs the function until Lambda ends it. `lookup` reads an environment variable.
pub fn main_with(lookup: impl Fn(&str) -> Option<String>) -> ExitCode {
    let logging = telemetry::init(&lookup);
    let (config, clock) = (Config::read(&lookup), FunctionClock::read(&lookup));
    let ca_bundle = CaBundle::read(&lookup);
    runtime::run(async move {
        logging?;
        let (config, clock, ca_bundle) = (config?, clock?, ca_bundle?);
        let sdk = sdk::load_trusting(&ca_bundle).await;
        let routes = Arc::new(Routes {
            requests: config.requests.requests(&sdk, &ca_bundle, clock)?,
            connections: ConnectionTable::new(&sdk, config.connections_table),
            gateway: Gateway::new(&sdk, &config.callback_url),
        });
        lambda_runtime::run(service_fn(move |event: LambdaEvent<RouteEvent>| {
            let routes = Arc::clone(&routes);
            async move {
                isolated(async move { Box::pin(routes.handle(event.payload)).await }).await?
            }
        }))
        .await
    })
}
