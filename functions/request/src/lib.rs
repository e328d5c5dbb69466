//! AppSync's data source. It starts, stops and reads sessions and conversations, and says who may subscribe to them.
//!
//! | module | what |
//! | --- | --- |
//! | [`config`] | its environment variables |
//! | [`event`] | what the resolvers send, and what they get |
//! | [`error`] | what a client may do wrong, and what may fail |
//! | [`handle`] | one event, from its arguments to its answer |
//! | [`conversations`] | the fields of conversations |

// The SDK's nested futures are deeper than the compiler's default limit.
#![recursion_limit = "256"]

use std::process::ExitCode;
use std::sync::Arc;

use lambda_runtime::{LambdaEvent, service_fn};
use tokencast_aws::clock::FunctionClock;
use tokencast_aws::runtime::{self, isolated};
use tokencast_aws::tls::CaBundle;
use tokencast_aws::{sdk, telemetry};

pub mod config;
pub mod conversations;
pub mod error;
pub mod event;
pub mod handle;

use config::Config;
use handle::Request;

/// Runs the function until Lambda ends it. `lookup` reads an environment variable.
pub fn main_with(lookup: impl Fn(&str) -> Option<String>) -> ExitCode {
    start(&lookup)
}

/// This is not generic, so that it is compiled here, with the limit above, and not in each program that runs the
/// function.
fn start(lookup: &dyn Fn(&str) -> Option<String>) -> ExitCode {
    let logging = telemetry::init(&lookup);
    let (config, ca_bundle) = (Config::read(&lookup), CaBundle::read(&lookup));
    let clock = FunctionClock::read(&lookup);
    runtime::run(async move {
        logging?;
        let (config, ca_bundle, clock) = (config?, ca_bundle?, clock?);
        let sdk = sdk::load_trusting(&ca_bundle).await;
        let requests = config.requests.requests(&sdk, &ca_bundle, clock)?;
        let request = Arc::new(Request { requests });
        lambda_runtime::run(service_fn(
            move |event: LambdaEvent<event::ResolverEvent>| {
                // Boxed: the compiler can't lay out the runtime's layers around a future this deep.
                let request = Arc::clone(&request);
                Box::pin(async move {
                    isolated(async move { request.handle(event.payload).await }).await?
                })
            },
        ))
        .await
    })
}
