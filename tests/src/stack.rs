//! A stack on a free port, with a script for its model.

use std::path::PathBuf;
use std::sync::Once;
use std::time::Duration;

use aws_sdk_sqs::config::{BehaviorVersion, Region};
use aws_sdk_sqs::types::QueueAttributeName;
use local_stack::config::{FaultRule, ModelConfig, ScriptConfig};
use local_stack::lambda::service::ProcessInfo;
use tokencast::stack::{
    DEAD_LETTER_QUEUE, Functions, QUEUE, REGION, RunningStack, StackOptions, TABLE, WORKER_FUNCTION,
};
use tokencast_client::{Client, ClientBuilder, Timeouts};

use crate::{Channel, eventually};

/// A running stack, and the means by which a test looks into it.
pub struct TestStack {
    pub running: RunningStack,
    /// The channel of the stack's clients.
    channel: Channel,
    http: reqwest::Client,
}

/// The options of a test's stack.
pub struct TestOptions {
    pub stack: StackOptions,
    /// What the model says, and when.
    pub script: ScriptConfig,
}

impl TestOptions {
    /// Sets a variable of the function URL's function, and of the worker, which may take over from it.
    pub fn function_url_variable(&mut self, name: &str, value: &str) {
        self.worker_variable(name, value);
        let environment = &mut self.stack.function_url_environment;
        environment.insert(name.to_owned(), value.to_owned());
    }

    /// Sets a variable of the worker.
    pub fn worker_variable(&mut self, name: &str, value: impl Into<String>) {
        let variable = (name.to_owned(), value.into());
        // The function behind the Function URL does the same work as a worker.
        self.stack
            .function_url_environment
            .extend([variable.clone()]);
        self.stack.worker_environment.extend([variable]);
    }
}

impl TestStack {
    /// Starts a stack whose model says a hundred tokens at full speed.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a stack with other options.
    pub async fn start_with(change: impl FnOnce(&mut TestOptions)) -> Self {
        Self::start_over(Channel::AppSync, change).await
    }

    /// Starts a stack with other options, whose clients use the channel.
    pub async fn start_over(channel: Channel, change: impl FnOnce(&mut TestOptions)) -> Self {
        use_ring();
        let stack = StackOptions {
            functions: Functions::Executable {
                program: function_host(),
                args: Vec::new(),
            },
            shares_signing_key: true,
            ..StackOptions::default()
        };
        let mut options = TestOptions {
            stack,
            script: script(100, Duration::ZERO),
        };
        change(&mut options);
        options.stack.model = ModelConfig::Scripted(options.script);
        let running = RunningStack::start(options.stack).await.expect("a stack");
        Self {
            running,
            channel,
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
        }
    }

    pub async fn shutdown(self) {
        self.running.shutdown().await;
    }

    /// The client of all requests, which trusts the stack.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Returns a client for one of the two users, `alice` and `bob`.
    pub fn client(&self, user: &str) -> Client {
        self.client_over(self.channel, user)
    }

    /// Returns a client with other time-outs than the default ones.
    pub fn client_with(&self, user: &str, timeouts: Timeouts) -> Client {
        let client = self.builder(self.channel, user).timeouts(timeouts);
        client.build().expect("a client")
    }

    /// Returns a client over another channel.
    pub fn client_over(&self, channel: Channel, user: &str) -> Client {
        let client = self.builder(channel, user);
        client.build().expect("a client")
    }

    fn builder(&self, channel: Channel, user: &str) -> ClientBuilder {
        let users = &self.running.info.user_pool.users;
        let user = users
            .iter()
            .find(|known| known.username == user)
            .expect("a user of the stack");
        self.running.client_via(channel.via(), user)
    }

    pub fn access_token(&self, user: &str) -> String {
        self.running
            .local
            .cognito()
            .issue_tokens(user)
            .expect("a user of the stack")
            .access_token
    }

    /// Gives the model another script from now on.
    pub fn script(&self, script: ScriptConfig) {
        assert!(
            self.running.local.bedrock().set_script(script),
            "the model is scripted"
        );
    }

    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(self.running.info.endpoints.url())
            .credentials_provider(self.credentials())
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .region(aws_sdk_dynamodb::config::Region::new(REGION))
            .endpoint_url(self.running.info.endpoints.url())
            .credentials_provider(self.credentials())
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// Returns the stack's own access key.
    fn credentials(&self) -> aws_credential_types::Credentials {
        let key = &self.running.info.access_key;
        aws_credential_types::Credentials::new(&key.id, &key.secret, None, None, "test")
    }

    pub fn queue_url(&self) -> String {
        self.running.info.endpoints.queue_url(QUEUE)
    }

    pub fn dead_letter_queue_url(&self) -> String {
        self.running.info.endpoints.queue_url(DEAD_LETTER_QUEUE)
    }

    /// Counts the messages in a queue, including hidden ones.
    pub async fn messages_in(&self, queue_url: &str) -> u32 {
        self.message_counts(queue_url).await.iter().sum()
    }

    /// Counts the visible, the hidden and the delayed messages in a queue.
    pub async fn message_counts(&self, queue_url: &str) -> [u32; 3] {
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let asked = self.sqs().get_queue_attributes().queue_url(queue_url);
        let attributes = asked
            .set_attribute_names(Some(counts.to_vec()))
            .send()
            .await
            .expect("attributes");
        let attributes = attributes.attributes.unwrap_or_default();
        counts.map(|count| attributes[&count].parse::<u32>().expect("a number"))
    }

    /// Waits until every job was acknowledged.
    pub async fn queue_is_empty(&self) {
        let url = self.queue_url();
        eventually("an empty queue", || async {
            (self.messages_in(&url).await == 0).then_some(())
        })
        .await;
    }

    /// Counts the sessions in the table.
    pub async fn sessions(&self) -> usize {
        let scan = self
            .dynamodb()
            .scan()
            .table_name(TABLE)
            // The chunks of a long text are items too.
            .filter_expression("attribute_exists(#owner)")
            .expression_attribute_names("#owner", "owner")
            .send()
            .await
            .expect("a scan");
        usize::try_from(scan.count()).expect("a count")
    }

    /// Runs the command to its end, and returns its output.
    pub async fn command(&self, arguments: &[&str]) -> std::process::Output {
        let key = &self.running.info.access_key;
        let mut command = tokio::process::Command::new(function_host());
        command
            .args(arguments)
            .env("AWS_ACCESS_KEY_ID", &key.id)
            .env("AWS_SECRET_ACCESS_KEY", &key.secret);
        let output = command.kill_on_drop(true).output();
        crate::within("the command's end", output)
            .await
            .expect("the command runs")
    }

    /// Puts a message into the queue by hand.
    pub async fn send(&self, body: &str) {
        let sent = self
            .sqs()
            .send_message()
            .queue_url(self.queue_url())
            .message_body(body);
        sent.send().await.expect("the queue takes it");
    }

    /// Waits until the model has said so many tokens in a call that is still running.
    pub async fn model_said(&self, tokens: u64) {
        let said = self.running.local.bedrock().wait_until(|calls| {
            calls
                .iter()
                .any(|call| call.ended.is_none() && call.tokens_sent >= tokens)
        });
        crate::within("the model's tokens", said).await;
    }

    /// Waits for a worker process that runs an invocation.
    pub async fn busy_worker(&self) -> ProcessInfo {
        self.busy(WORKER_FUNCTION).await
    }

    /// Waits until the function that makes the first attempt runs an invocation, and returns its process.
    pub async fn busy_function(&self) -> ProcessInfo {
        self.busy(self.channel.function()).await
    }

    async fn busy(&self, function: &str) -> ProcessInfo {
        eventually("a busy worker", || async {
            let workers = self.running.local.lambda().processes(function);
            workers
                .into_iter()
                .find(|worker| worker.request_id.is_some())
        })
        .await
    }
}

/// The model says "1:0 1:1 1:2 … " in the first call and "2:0 2:1 2:2 … " in the second. So each token is known, and no
/// two answers are alike.
pub fn script(tokens: usize, time_between_tokens: Duration) -> ScriptConfig {
    ScriptConfig {
        tokens: Some(
            (0..tokens)
                .map(|number| format!("{{call}}:{number} "))
                .collect(),
        ),
        time_to_first_token: time_between_tokens,
        time_between_tokens,
        ..ScriptConfig::default()
    }
}

/// The same script with faults.
pub fn faulty(
    tokens: usize,
    time_between_tokens: Duration,
    faults: Vec<FaultRule>,
) -> ScriptConfig {
    ScriptConfig {
        faults,
        ..script(tokens, time_between_tokens)
    }
}

/// Returns the whole text of [`script`] in the first call.
pub fn text(tokens: usize) -> String {
    text_of(1, tokens)
}

/// Returns the whole text of [`script`] in a call.
pub fn text_of(call: u32, tokens: usize) -> String {
    (0..tokens)
        .map(|number| format!("{call}:{number} "))
        .collect()
}

/// Returns the whole text of [`script`] in the call that `text` comes from.
pub fn whole_of(text: &str, tokens: usize) -> String {
    let call = text
        .split(':')
        .next()
        .and_then(|call| call.parse().ok())
        .unwrap_or(0);
    text_of(call, tokens)
}

fn use_ring() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Another test may have installed a provider first, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// Returns the path of `tokencast-under-test`. Cargo builds it beside this package's programs, one directory above its
/// tests.
pub fn function_host() -> PathBuf {
    let own = std::env::current_exe().expect("a program has a path");
    let host = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|directory| directory.join("tokencast-under-test"));
    host.into_iter()
        .find(|host| host.is_file())
        .expect("`cargo build -p system-tests --bins` has built it")
}
