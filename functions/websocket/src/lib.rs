//! The routes of API Gateway's WebSocket API: what clients ask over their connections.
//!
//! | module | what |
//! | --- | --- |
//! | [`config`] | its environment variables |
//! | [`event`] | what API Gateway sends, and what it gets |
//! | [`error`] | why an event is refused |
//! | [`message`] | what a client may ask, read from its JSON |
//! | [`routes`] | one event: connections come and go, messages are answered |
//!
//! The function `websocket-authorizer` says who may connect. The worker pushes the events of an answer; here only those of a
//! session that is over already are pushed.

use std::process::ExitCode;
use std::sync::Arc;

use lambda_runtime::{LambdaEvent, service_fn};
use tokencast_aws::clock::FunctionClock;
use tokencast_aws::connections::ConnectionTable;
use tokencast_aws::queue::SqsQueue;
use tokencast_aws::runtime::{self, isolated};
use tokencast_aws::sessions::SessionTable;
use tokencast_aws::tls::CaBundle;
use tokencast_aws::websocket::gateway::Gateway;
use tokencast_aws::{sdk, telemetry};
use tokencast_core::requests::Requests;

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
    let authorities = CaBundle::read(&lookup);
    runtime::run(async move {
        logging?;
        let (config, clock) = (config?, clock?);
        let sdk = sdk::load_trusting(&authorities?).await;
        let routes = Arc::new(Routes {
            requests: Requests {
                sessions: SessionTable::new(&sdk, config.sessions_table),
                queue: SqsQueue::new(&sdk, config.queue_url),
                clock,
                rules: config.rules,
            },
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
