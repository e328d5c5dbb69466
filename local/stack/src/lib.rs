//! The AWS services that Tokencast uses, in one process on loopback, started and ended together.
//!
//! One port, the gateway's, serves all of them, as `AWS_ENDPOINT_URL` expects. Each service speaks AWS's own wire
//! protocol, so the official SDKs, Amplify and the unchanged Lambda functions run against it.
//!
//! | module | what |
//! | --- | --- |
//! | [`config`] | the configuration of a stack |
//! | [`control`] | the control endpoint: faults, clock, processes, connections and the model's script over HTTP |
//! | [`services`] | the routers of all services |
//! | `persistent` | the services that store something |
//! | `state_directory` | the directory that they store it in |
//! | `authentication` | authenticates callers of the GraphQL API |

mod authentication;
pub mod config;
pub mod control;
mod persistent;
pub mod services;
mod state_directory;

#[cfg(feature = "testing")]
pub mod testing;

pub use config::StackConfig;
// Re-exported, so that a program with a stack needs no other crate.
pub use local_kit::{clock, endpoints, invoke, private_files, usage};
pub use {
    local_apigateway as apigateway, local_appsync as appsync, local_bedrock as bedrock,
    local_cognito as cognito, local_dynamodb as dynamodb, local_faults as faults,
    local_gateway as gateway, local_iam as iam, local_lambda as lambda, local_sqs as sqs,
};

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use local_apigateway::{WebSocketApiError, WebSocketApis};
use local_appsync::AppSync;
use local_appsync::errors::ApiConfigError;
use local_appsync::subscriptions::Hub;
use local_bedrock::Bedrock;
use local_cognito::{Cognito, OpenError};
use local_dynamodb::{DynamoDb, DynamoDbError};
use local_faults::{Faults, PlanError};
use local_gateway::{
    BindError, CertificateError, Certificates, Connections, Gateway, Interceptor, Routes,
};
use local_iam::gate::SignatureGate;
use local_iam::own_keys::OwnKeys;
use local_iam::{CredentialStore, Principal};
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;
use local_kit::invoke::Invoke;
use local_kit::usage::Usage;
use local_kit::write_failures::WriteFailures;
use local_lambda::Lambda;
use local_lambda::event_source::{EventSource, EventSourceError, sqs_client};
use local_lambda::function_url::{FunctionUrlError, FunctionUrls};
use local_sqs::{Sqs, SqsError};
use thiserror::Error;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use authentication::{authenticator, jwt_issuer};
use config::{EventSourceConfig, GuardrailConfig, ModelConfig};
use control::Control;
use persistent::PersistentServices;
use services::{Routers, nothing_here};
use state_directory::StateDirectory;

/// How long running invocations may take when the stack ends.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(500);

/// A stack whose port is bound, so that its URLs are known before anything runs.
///
/// ```no_run
/// use local_stack::{BoundStack, StackConfig};
///
/// # async fn example(config: StackConfig) -> Result<(), Box<dyn std::error::Error>> {
/// let bound = BoundStack::bind(0, "us-east-1", None).await?;
/// println!("AWS_ENDPOINT_URL={}", bound.endpoints().url());
/// let stack = bound.start(config, None).await?;
/// stack.clock().advance(std::time::Duration::from_secs(30));
/// stack.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct BoundStack {
    gateway: Gateway,
    endpoints: Endpoints,
    state: StateDirectory,
}

/// A running stack. It ends with [`Stack::shutdown`]; dropping it kills its processes.
#[derive(Debug)]
pub struct Stack {
    endpoints: Endpoints,
    clock: Clock,
    faults: Faults,
    ca_pem_path: PathBuf,
    connections: Connections,
    bedrock: Bedrock,
    sqs: Sqs,
    cognito: Cognito,
    credentials: CredentialStore,
    keys: OwnKeys,
    dynamodb: DynamoDb,
    lambda: Lambda,
    event_sources: Vec<EventSource>,
    websocket_apis: WebSocketApis,
    usage: Usage,
    failures: WriteFailures,
    gateway: JoinHandle<()>,
    closing: CancellationToken,
    _state: StateDirectory,
}

#[derive(Debug, Error)]
pub enum StackError {
    #[error("the state directory `{}` can't be used", .path.display())]
    StateDirectory { path: PathBuf, source: io::Error },
    #[error("the gateway can't listen")]
    Bind(#[from] BindError),
    #[error("the gateway's certificates")]
    Certificates(#[from] CertificateError),
    #[error("Cognito")]
    Cognito(#[from] OpenError),
    #[error("DynamoDB")]
    DynamoDb(#[from] DynamoDbError),
    #[error("SQS")]
    Sqs(#[from] SqsError),
    #[error("AppSync")]
    AppSync(#[from] ApiConfigError),
    #[error("the fault plan")]
    Faults(#[from] PlanError),
    #[error("Lambda")]
    EventSource(#[from] EventSourceError),
    #[error("a function URL")]
    FunctionUrl(#[from] FunctionUrlError),
    #[error("a WebSocket API")]
    WebSocketApi(#[from] WebSocketApiError),
}

impl BoundStack {
    /// Binds the port; 0 picks a free one. Tables, queues and keys are stored in `state_dir`, if there is one.
    ///
    /// # Errors
    ///
    /// The port is in use, or the directory can't be used.
    pub async fn bind(
        port: u16,
        region: &str,
        state_dir: Option<PathBuf>,
    ) -> Result<Self, StackError> {
        let state = StateDirectory::open(state_dir)
            .map_err(|(path, source)| StackError::StateDirectory { path, source })?;
        let gateway = Gateway::bind(port).await?;
        let endpoints = Endpoints {
            address: gateway.local_addr(),
            region: region.to_owned(),
            account_id: "000000000000".to_owned(),
            api_id: "local".to_owned(),
        };
        Ok(Self {
            gateway,
            endpoints,
            state,
        })
    }

    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Starts every service, and returns once all of them serve. Requests of no service go to `fallback`.
    ///
    /// # Errors
    ///
    /// The configuration isn't allowed, or a service can't start; the error names the service.
    pub async fn start(
        self,
        config: StackConfig,
        fallback: Option<Router>,
    ) -> Result<Stack, StackError> {
        let Self {
            gateway,
            endpoints,
            state,
        } = self;
        let (clock, faults, usage) = (Clock::system(), Faults::default(), Usage::default());
        config.faults.check()?;
        let certificates =
            Certificates::load(state.path(), clock.now_ms(), &config.access.allow_hosts)?;
        let (credentials, closing) = (CredentialStore::default(), CancellationToken::new());
        let PersistentServices {
            cognito,
            dynamodb,
            sqs,
            keys,
            failures,
        } = PersistentServices::open(&config, &state, &endpoints, &clock, &faults, &credentials)?;
        let bedrock = bedrock(config.model, config.guardrails, &clock, &faults);
        let gate = SignatureGate::new(&credentials, &endpoints.region);
        let lambda = Lambda::start_with(
            config.functions,
            endpoints.clone(),
            &credentials,
            clock.clone(),
            &faults,
            &usage,
        );
        let function_urls = FunctionUrls::new(config.function_urls, &lambda, &clock, &faults)?;
        let invoke: Arc<dyn Invoke> = Arc::new(lambda.clone());
        let websocket_apis = WebSocketApis::new(
            config.websocket_apis,
            &invoke,
            &endpoints,
            &credentials,
            &clock,
            &faults,
            &usage,
        )?;
        let issuer = jwt_issuer(&config.user_pool, &endpoints, &cognito);
        let appsync = AppSync {
            authenticator: authenticator(issuer, &config.api, &credentials, &endpoints, &clock),
            hub: Hub::with_faults(faults.clone()).counting(usage.clone()),
            limits: config.realtime,
            endpoints: endpoints.clone(),
            clock: clock.clone(),
        };
        let connections = gateway.connections();
        let control = config.control.then(|| Control {
            faults: faults.clone(),
            clock: clock.clone(),
            connections: connections.clone(),
            bedrock: bedrock.clone(),
            lambda: lambda.clone(),
            usage: usage.clone(),
        });
        let services = Routers {
            appsync: appsync.router(&config.api, invoke)?,
            bedrock: gate.guard(Bedrock::GUARDED, bedrock.router()),
            cognito: cognito.router(),
            dynamodb: gate.guard(DynamoDb::GUARDED, dynamodb.router()),
            execute_api: websocket_apis.router(),
            function_url: function_urls.router(),
            lambda: gate.guard(Lambda::GUARDED, lambda.router()),
            sqs: gate.guard(Sqs::GUARDED, sqs.router()),
        };
        let callers = Arc::new(lambda.clone());
        let routes = Routes {
            services: services.routes(),
            fallback: fallback.or_else(|| Some(Router::new().fallback(nothing_here))),
            control: control.map(Control::router),
            access: config.access,
            interceptor: Some(Interceptor::new(&faults, callers, &connections)),
            usage: Some(usage.clone()),
        };
        let mut stack = Stack {
            endpoints,
            clock,
            faults,
            ca_pem_path: certificates.ca_pem_path().to_owned(),
            connections,
            bedrock,
            sqs,
            cognito,
            credentials,
            keys,
            dynamodb,
            lambda,
            event_sources: Vec::new(),
            websocket_apis,
            usage,
            failures,
            gateway: tokio::spawn(serve(gateway, routes, certificates, closing.clone())),
            closing,
            _state: state,
        };
        stack.poll(config.event_sources).await?;
        // Only now, because an event source has to find its queue first.
        stack.faults.set(config.faults)?;
        Ok(stack)
    }
}

impl Stack {
    async fn poll(&mut self, sources: Vec<EventSourceConfig>) -> Result<(), EventSourceError> {
        let client = sqs_client(&self.endpoints, &self.keys.poller);
        for source in sources {
            let source = EventSource::start(source, self.lambda.clone(), client.clone()).await?;
            self.event_sources.push(source);
        }
        Ok(())
    }

    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The clock of every service, which a test may advance.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Sets the fault plan.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The certificate authority's file, for `NODE_EXTRA_CA_CERTS` and the like.
    pub fn ca_pem_path(&self) -> &Path {
        &self.ca_pem_path
    }

    /// Lists and cuts the gateway's connections.
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Changes the model's script, and lists the model's calls.
    pub fn bedrock(&self) -> &Bedrock {
        &self.bedrock
    }

    /// Signs users in without a password.
    pub fn cognito(&self) -> &Cognito {
        &self.cognito
    }

    /// Adds access keys to those of the functions.
    pub fn credentials(&self) -> &CredentialStore {
        &self.credentials
    }

    /// The access key of the developer, which may do everything.
    pub fn developer(&self) -> &Principal {
        &self.keys.developer
    }

    /// A file with this key, for `AWS_SHARED_CREDENTIALS_FILE`.
    pub fn credentials_file(&self) -> &Path {
        &self.keys.credentials_file
    }

    /// Lists, starts, kills and freezes the functions' processes.
    pub fn lambda(&self) -> &Lambda {
        &self.lambda
    }

    /// Lists the open WebSocket connections.
    pub fn websocket_apis(&self) -> &WebSocketApis {
        &self.websocket_apis
    }

    /// How often each operation was asked for, and how many bytes it moved.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Reports files that can't be written. The stack should be ended then.
    pub fn write_failures(&self) -> &WriteFailures {
        &self.failures
    }

    /// Ends everything: polls, functions, connections and files. No task or process is left.
    pub async fn shutdown(self) {
        for source in self.event_sources {
            source.shutdown(SHUTDOWN_GRACE).await;
        }
        self.websocket_apis.shutdown().await;
        self.lambda.shutdown().await;
        self.closing.cancel();
        self.faults.shutdown().await;
        if let Err(error) = self.gateway.await {
            tracing::error!(%error, "the gateway ended badly");
        }
        self.sqs.close();
        self.dynamodb.shutdown().await;
    }
}

async fn serve(
    gateway: Gateway,
    routes: Routes,
    certificates: Certificates,
    closing: CancellationToken,
) {
    let closed = closing.cancelled_owned();
    gateway.serve(routes, &certificates, closed).await;
}

fn bedrock(
    model: ModelConfig,
    guardrails: Vec<GuardrailConfig>,
    clock: &Clock,
    faults: &Faults,
) -> Bedrock {
    Bedrock::new(model, clock.clone())
        .with_guardrails(guardrails)
        .with_faults(faults.clone())
}
