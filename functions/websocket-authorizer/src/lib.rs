//! The authorizer of API Gateway's WebSocket API: says who may connect.
//!
//! | module | what |
//! | --- | --- |
//! | [`config`] | its environment variables |
//! | [`event`] | what API Gateway sends, and what it gets |
//! | [`error`] | why an event is refused |
//! | [`authorize`] | one event: a token in, a policy out |
//!
//! It is a function apart from that of the routes, because it needs none of their rights: it calls no AWS service, and reads
//! the user pool's public keys alone.

use std::process::ExitCode;
use std::sync::Arc;

use lambda_runtime::{LambdaEvent, service_fn};
use tokencast_aws::clock::FunctionClock;
use tokencast_aws::jwt::Verifier;
use tokencast_aws::runtime::{self, isolated};
use tokencast_aws::telemetry;
use tokencast_aws::tls::CaBundle;

pub mod authorize;
pub mod config;
pub mod error;
pub mod event;

use authorize::authorize;
use config::Config;
use event::AuthorizeEvent;

/// Runs the function until Lambda ends it. `lookup` reads an environment variable.
pub fn main_with(lookup: impl Fn(&str) -> Option<String>) -> ExitCode {
    let logging = telemetry::init(&lookup);
    let (config, clock) = (Config::read(&lookup), FunctionClock::read(&lookup));
    let authorities = CaBundle::read(&lookup);
    runtime::run(async move {
        logging?;
        let (config, clock, authorities) = (config?, clock?, authorities?);
        let verifier = Arc::new(Verifier::new(config.jwt_issuer, &authorities, clock)?);
        lambda_runtime::run(service_fn(move |event: LambdaEvent<AuthorizeEvent>| {
            let verifier = Arc::clone(&verifier);
            async move { isolated(async move { authorize(&verifier, &event.payload).await }).await? }
        }))
        .await
    })
}
