//! A Lambda Function URL that answers a prompt with its own response: server-sent events, or the bare text.
//!
//! | module | what |
//! | --- | --- |
//! | [`config`] | its environment variables |
//! | [`event`] | what a Function URL sends |
//! | [`accept`] | what a client prefers to get |
//! | `route` | what a request asks for |
//! | [`handle`] | who calls, and what becomes of the request |
//! | [`reply`] | the response to one request |
//! | [`quota`] | what a response says of a quota that refuses its request |
//! | [`answer`] | a prompt's answer: attempt after attempt, as the queue would have it |
//! | [`conversations`] | conversations: their list, their turns, and documents of them |
//! | [`protocols`] | the protocols of chat front ends, over the same sessions |
//! | [`follow`] | a session that somebody else answers, read from the table |
//! | [`body`] | from events to the bytes of a response, as they come |
//! | [`sse`] | an event as it stands in a stream |
//! | [`error`] | what a client may do wrong, and what may fail |
//! | [`respond`] | the response, on its way through the Runtime API |
//!
//! The function calls the same code of `tokencast-core` as the worker, so it keeps the same promises. Two means replace
//! the queue: [`answer`] tries a failed attempt again, and a job that waits in the queue for the time of a lease takes
//! over from a function that died.

use std::process::ExitCode;
use std::sync::Arc;

use tokencast_aws::bedrock::BedrockModel;
use tokencast_aws::clock::FunctionClock;
use tokencast_aws::jwt::Verifier;
use tokencast_aws::tls::CaBundle;
use tokencast_aws::{sdk, telemetry};

pub mod accept;
pub mod answer;
pub mod body;
pub mod config;
pub mod conversations;
pub mod error;
pub mod event;
pub mod follow;
pub mod handle;
pub mod protocols;
pub mod quota;
pub mod reply;
pub mod respond;
mod route;
pub mod sse;

use config::Config;
use handle::FunctionUrl;

/// Runs the function until Lambda ends it. `lookup` reads an environment variable.
pub fn main_with(lookup: impl Fn(&str) -> Option<String>) -> ExitCode {
    let logging = telemetry::init(&lookup);
    let (config, clock) = (Config::read(&lookup), FunctionClock::read(&lookup));
    let ca_bundle = CaBundle::read(&lookup);
    tokencast_aws::runtime::run(async move {
        logging?;
        let (config, clock, ca_bundle) = (config?, clock?, ca_bundle?);
        let sdk = sdk::load_trusting(&ca_bundle).await;
        let function = FunctionUrl {
            model: BedrockModel::new(&sdk, config.model.clone()),
            requests: config.requests.requests(&sdk, &ca_bundle, clock)?,
            verifier: Verifier::new(config.jwt_issuer.clone(), &ca_bundle, clock)?,
            config,
        };
        respond::run(Arc::new(function)).await
    })
}
