//! From SQS to Bedrock to `publishToken`: streams the answer to each queued prompt to its session's subscribers.
//!
//! | module | what |
//! | --- | --- |
//! | [`config`] | its environment variables |
//! | [`handle`] | one batch of messages, each on its own |
//! | [`metrics`] | what CloudWatch counts |
//!
//! What an answer's delivery promises is in `tokencast-core`: `deliver` and `pipeline`.

use std::process::ExitCode;

use lambda_runtime::{LambdaEvent, service_fn};
use tokencast_aws::appsync::AppSyncPublisher;
use tokencast_aws::bedrock::BedrockModel;
use tokencast_aws::clock::SystemClock;
use tokencast_aws::queue::SqsQueue;
use tokencast_aws::sessions::SessionTable;
use tokencast_aws::{sdk, telemetry};

pub mod config;
pub mod handle;
pub mod metrics;

use config::Config;
use handle::Worker;

/// Runs the function until Lambda ends it. `lookup` reads an environment variable.
pub fn main_with(lookup: impl Fn(&str) -> Option<String>) -> ExitCode {
    telemetry::init(lookup("LOG_LEVEL").as_deref());
    tokencast_aws::runtime::run(async {
        let config = Config::read(&lookup)?;
        let sdk = sdk::load().await;
        let worker = Worker {
            model: BedrockModel::new(&sdk, config.model.clone()),
            sink: AppSyncPublisher::new(&sdk, &config.appsync_api_url, SystemClock)?,
            sessions: SessionTable::new(&sdk, config.sessions_table.clone()),
            queue: SqsQueue::new(&sdk, config.queue_url.clone()),
            clock: SystemClock,
            config,
        };
        let worker = &worker;
        lambda_runtime::run(service_fn(|event: LambdaEvent<handle::Batch>| async move {
            // Boxed: the runtime's layers around a future this deep are more than the compiler lays out.
            let handled = Box::pin(worker.handle(event.payload, &event.context));
            Ok::<_, std::convert::Infallible>(handled.await)
        }))
        .await
    })
}
