//! The worker: it asks Bedrock for the answer to each queued prompt, and streams the answer to the session's
//! subscribers by `publishToken`, and to its followers over WebSocket connections.
//!
//! | module | what |
//! | --- | --- |
//! | [`config`] | its environment variables |
//! | [`handle`] | one batch of messages, each on its own |
//! | [`record`] | what is read of one message besides its body |
//! | [`sink`] | where a job's events go |
//! | [`care`] | a conversation's title and lifetime, after a turn |
//!
//! `deliver` and `pipeline` of `tokencast-core` say what is promised.

use std::process::ExitCode;
use std::sync::Arc;

use lambda_runtime::{LambdaEvent, service_fn};
use tokencast_aws::appsync::AppSyncPublisher;
use tokencast_aws::bedrock::BedrockModel;
use tokencast_aws::clock::FunctionClock;
use tokencast_aws::conversations::ConversationTable;
use tokencast_aws::queue::{SqsQueue, SqsReceipt};
use tokencast_aws::quotas::QuotaTable;
use tokencast_aws::sessions::SessionTable;
use tokencast_aws::tls::CaBundle;
use tokencast_aws::websocket::gateway::Gateway;
use tokencast_aws::{sdk, telemetry};
use tokencast_core::ports::Ports;

pub mod care;
pub mod config;
pub mod handle;
pub mod record;
pub mod sink;

use config::Config;
use handle::Worker;

/// The adapters to AWS.
enum AwsPorts {}

impl Ports for AwsPorts {
    type Model = BedrockModel;
    type Sink = AppSyncPublisher<FunctionClock>;
    type Store = SessionTable;
    type Conversations = ConversationTable;
    type Changes = AppSyncPublisher<FunctionClock>;
    type Receipt = SqsReceipt;
    type Clock = FunctionClock;
}

/// Runs the function until Lambda ends it. `lookup` reads an environment variable.
pub fn main_with(lookup: impl Fn(&str) -> Option<String>) -> ExitCode {
    let logging = telemetry::init(&lookup);
    let (config, ca_bundle) = (Config::read(&lookup), CaBundle::read(&lookup));
    let clock = FunctionClock::read(&lookup);
    tokencast_aws::runtime::run(async move {
        logging?;
        let (config, ca_bundle, clock) = (config?, ca_bundle?, clock?);
        let sdk = sdk::load_trusting(&ca_bundle).await;
        let sessions = SessionTable::new(
            &sdk,
            config.sessions_table.clone(),
            config.conversations_table.clone(),
        )
        .with_quotas(
            config
                .quotas_table
                .clone()
                .map(|name| QuotaTable::new(&sdk, name)),
        );
        let worker = Worker::<AwsPorts> {
            model: BedrockModel::new(&sdk, config.model.clone()),
            subscribers: AppSyncPublisher::trusting(
                &ca_bundle,
                &sdk,
                &config.appsync_api_url,
                clock,
            )?,
            gateway: config
                .websocket_callback_url
                .as_deref()
                .map(|url| Gateway::new(&sdk, url)),
            title_model: care::title_settings(&config).map(|it| BedrockModel::new(&sdk, it)),
            conversations: ConversationTable::new(
                &sdk,
                config.conversations_table.clone(),
                sessions.clone(),
            ),
            sessions,
            queue: SqsQueue::new(&sdk, config.queue_url.clone()),
            dead_letters: SqsQueue::new(&sdk, config.dead_letter_queue_url.clone()),
            clock,
            config,
        };
        let worker = Arc::new(worker);
        lambda_runtime::run(service_fn(move |event: LambdaEvent<handle::Batch>| {
            let worker = Arc::clone(&worker);
            // Boxed: the compiler can't lay out the runtime's layers around a future this deep.
            Box::pin(async move {
                let handled = worker.handle(event.payload, &event.context);
                Ok::<_, std::convert::Infallible>(handled.await)
            })
        }))
        .await
    })
}
