//! API Gateway's WebSocket API: says who may connect, and takes what clients ask over their connections.
//!
//! | module | what |
//! | --- | --- |
//! | [`config`] | its environment variables, which say which of its two parts it is |
//! | [`event`] | what API Gateway sends, and what it gets |
//! | [`error`] | why an event is refused |
//! | [`authorize`] | the authorizer: a token in, a policy out |
//! | [`message`] | what a client may ask, read from its JSON |
//! | [`routes`] | the routes: connections come and go, messages are answered |
//!
//! It is deployed twice, as the authorizer and for the routes, so that each has the rights that it needs. The events of
//! an answer are pushed by the worker; here only those of a session that is over already.

use std::process::ExitCode;
use std::sync::Arc;

use lambda_runtime::{LambdaEvent, service_fn};
use tokencast_aws::clock::FunctionClock;
use tokencast_aws::connections::ConnectionTable;
use tokencast_aws::jwt::Verifier;
use tokencast_aws::queue::SqsQueue;
use tokencast_aws::runtime::{self, isolated};
use tokencast_aws::sessions::SessionTable;
use tokencast_aws::tls::CaBundle;
use tokencast_aws::websocket::gateway::Gateway;
use tokencast_aws::{sdk, telemetry};
use tokencast_core::requests::Requests;

pub mod authorize;
pub mod config;
pub mod error;
pub mod event;
pub mod message;
pub mod routes;

use config::{Config, RoutesConfig};
use error::EventError;
use event::{Answer, Event};
use routes::Routes;

/// One of the two things that this function is deployed as.
enum Part {
    Authorizer(Verifier<FunctionClock>),
    Routes(Box<Routes<SessionTable, SqsQueue, FunctionClock>>),
}

/// Runs the function until Lambda ends it. `lookup` reads an environment variable.
pub fn main_with(lookup: impl Fn(&str) -> Option<String>) -> ExitCode {
    let logging = telemetry::init(&lookup);
    let (config, clock) = (Config::read(&lookup), FunctionClock::read(&lookup));
    let authorities = CaBundle::read(&lookup);
    runtime::run(async move {
        logging?;
        let (clock, authorities) = (clock?, authorities?);
        let part = match config? {
            Config::Authorizer(trust) => {
                Part::Authorizer(Verifier::new(trust, &authorities, clock)?)
            }
            Config::Routes(config) => {
                Part::Routes(Box::new(routes(*config, clock, &authorities).await))
            }
        };
        let part = Arc::new(part);
        lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| {
            let part = Arc::clone(&part);
            async move { isolated(async move { part.handle(event.payload).await }).await? }
        }))
        .await
    })
}

async fn routes(
    config: RoutesConfig,
    clock: FunctionClock,
    authorities: &CaBundle,
) -> Routes<SessionTable, SqsQueue, FunctionClock> {
    let sdk = sdk::load_trusting(authorities).await;
    Routes {
        requests: Requests {
            sessions: SessionTable::new(&sdk, config.sessions_table),
            queue: SqsQueue::new(&sdk, config.queue_url),
            clock,
            rules: config.rules,
        },
        connections: ConnectionTable::new(&sdk, config.connections_table),
        gateway: Gateway::new(&sdk, &config.callback_url),
    }
}

impl Part {
    async fn handle(&self, event: Event) -> Result<Answer, EventError> {
        match (self, event) {
            (Self::Authorizer(verifier), Event::Authorize(event)) => Ok(Answer::Policy(
                authorize::authorize(verifier, &event).await?,
            )),
            (Self::Routes(routes), Event::Route(event)) => {
                Ok(Answer::Route(Box::pin(routes.handle(event)).await?))
            }
            (Self::Authorizer(_), Event::Route(_)) => Err(EventError::NotRoutes),
            (Self::Routes(_), Event::Authorize(_)) => Err(EventError::NotAuthorizer),
        }
    }
}
