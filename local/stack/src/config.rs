//! The configuration of a stack: plain data that can be written by hand or read from a template.
//!
//! Each service defines the types of its own part.

pub use local_apigateway::config::*;
pub use local_appsync::config::*;
pub use local_bedrock::config::*;
pub use local_bedrock::guardrail::GuardrailConfig;
pub use local_cognito::config::*;
pub use local_dynamodb::config::*;
pub use local_gateway::config::*;
pub use local_lambda::config::*;
pub use local_sqs::config::*;

use local_appsync::realtime::RealtimeLimits;
use local_faults::FaultPlan;

/// The configuration of a stack.
#[derive(Clone, Debug)]
pub struct StackConfig {
    pub queues: Vec<QueueConfig>,
    pub tables: Vec<TableConfig>,
    pub functions: Vec<FunctionConfig>,
    pub event_sources: Vec<EventSourceConfig>,
    pub function_urls: Vec<FunctionUrlConfig>,
    /// Each has another stage.
    pub websocket_apis: Vec<WebSocketApiConfig>,
    pub api: ApiConfig,
    pub realtime: RealtimeLimits,
    pub user_pool: UserPoolConfig,
    pub model: ModelConfig,
    /// The guardrails that requests to the model may name.
    pub guardrails: Vec<GuardrailConfig>,
    /// The fault plan, in force once everything has started. By default nothing fails.
    pub faults: FaultPlan,
    /// Whether the control endpoint is served below `/_tokencast/`: see [`crate::control`].
    pub control: bool,
    /// Who may use the stack besides this machine.
    pub access: AccessConfig,
}
