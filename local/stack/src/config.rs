//! What a stack consists of. Plain data, so that it can be written by hand, or read from a template.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::appsync::subscriptions::OutboxLimits;
use crate::iam::Statement;

/// Who may ask, besides programs and pages of this machine that ask for it by a name of loopback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessConfig {
    /// Names and addresses, without a port, that lead to the stack: `10.0.2.2`, `host.docker.internal`.
    pub allow_hosts: Vec<String>,
    /// Origins of web pages, as browsers write them: `https://app.example`. They may call what browsers call on AWS.
    pub allow_origins: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct QueueConfig {
    pub name: String,
    /// AWS's default is 30 s.
    pub visibility_timeout: Duration,
    /// AWS's default is 4 days.
    pub retention: Duration,
    /// How long a receive waits that doesn't say; AWS's default is not at all.
    pub receive_wait: Duration,
    pub redrive: Option<RedrivePolicy>,
}

/// Where a message goes that was received too often.
#[derive(Clone, Debug)]
pub struct RedrivePolicy {
    /// Name of a queue of the same stack.
    pub dead_letter_queue: String,
    pub max_receive_count: NonZeroU32,
}

#[derive(Clone, Debug)]
pub struct TableConfig {
    pub name: String,
    /// Name of the partition key, a string.
    pub partition_key: String,
    pub ttl_attribute: Option<String>,
}

#[derive(Clone, Debug)]
pub struct FunctionConfig {
    pub name: String,
    /// The program that speaks the Runtime API: a packaged `bootstrap`, or any other.
    pub program: PathBuf,
    pub args: Vec<OsString>,
    pub environment: BTreeMap<String, String>,
    pub timeout: Duration,
    pub memory_mb: u32,
    /// What its role's credentials may do.
    pub policy: Vec<Statement>,
    /// At most this many invocations at once; further ones are throttled. AWS's default is 1,000 in a region.
    pub max_concurrency: NonZeroU32,
}

/// An SQS event source mapping.
#[derive(Clone, Debug)]
pub struct EventSourceConfig {
    pub queue: String,
    pub function: String,
    pub batch_size: NonZeroU32,
    pub batching_window: Duration,
    /// AWS takes 2 to 1,000.
    pub maximum_concurrency: NonZeroU32,
    pub report_batch_item_failures: bool,
}

/// A function URL with response streaming (`RESPONSE_STREAM`) that asks for no credentials (`NONE`).
///
/// It answers at `http://localhost:PORT/function-urls/NAME/`, of which the function sees the path behind `NAME`, and at
/// `http://NAME.lambda-url.localhost:PORT/`.
#[derive(Clone, Debug)]
pub struct FunctionUrlConfig {
    /// Stands for the URL's id: small letters, digits and `-`.
    pub name: String,
    pub function: String,
    /// With it the URL answers every `OPTIONS` itself; without it, browsers of other origins are told nothing.
    pub cors: Option<CorsConfig>,
}

/// Whom a function URL answers in browsers; `*` in a list is any.
#[derive(Clone, Debug, Default)]
pub struct CorsConfig {
    pub allow_credentials: bool,
    pub allow_headers: Vec<String>,
    pub allow_methods: Vec<String>,
    pub allow_origins: Vec<String>,
    pub expose_headers: Vec<String>,
    /// How long a browser may keep the answer to a preflight request.
    pub max_age: Option<Duration>,
}

/// A WebSocket API of API Gateway with one stage, whose routes are selected by `$request.body.action`.
///
/// It answers at `ws://localhost:PORT/websocket/STAGE`, its connections at `…/websocket/STAGE/@connections/ID`.
#[derive(Clone, Debug)]
pub struct WebSocketApiConfig {
    pub stage: String,
    pub authorizer: Option<RequestAuthorizerConfig>,
    /// `$connect`, `$disconnect`, `$default`, or an action's name, to its integration. All are optional, as on AWS: what
    /// has no route is answered `Forbidden`.
    pub routes: BTreeMap<String, RouteConfig>,
    pub limits: WebSocketLimits,
}

/// A REQUEST authorizer, asked at `$connect`.
#[derive(Clone, Debug)]
pub struct RequestAuthorizerConfig {
    pub function: String,
    /// `route.request.querystring.NAME` or `route.request.header.NAME`. Where one is missing or empty, the answer is 401
    /// and the function isn't asked. None at all: it is always asked.
    pub identity_sources: Vec<String>,
}

/// A route's Lambda proxy integration.
#[derive(Clone, Debug)]
pub struct RouteConfig {
    pub function: String,
    /// Whether the route has a route response: then the `body` of the function's answer goes back to the client.
    pub route_response: bool,
}

/// Limits of a WebSocket API; the defaults are AWS's, where it names a figure.
#[derive(Clone, Copy, Debug)]
pub struct WebSocketLimits {
    pub integration_timeout: Duration,
    /// Of a frame from a client; a larger one closes the connection, 1009.
    pub frame_bytes: usize,
    /// Of a message, to or from a client.
    pub message_bytes: usize,
    pub idle_timeout: Duration,
    pub lifetime: Duration,
    /// A client's messages that are with their integrations; no more are read meanwhile.
    pub concurrent_messages: NonZeroU32,
    /// What may wait for a client that doesn't read, before its connection is cut.
    pub outbox: OutboxLimits,
}

impl Default for WebSocketLimits {
    fn default() -> Self {
        Self {
            integration_timeout: Duration::from_secs(29),
            frame_bytes: 32 * 1024,
            message_bytes: 128 * 1024,
            idle_timeout: Duration::from_mins(10),
            lifetime: Duration::from_hours(2),
            concurrent_messages: CONCURRENT_MESSAGES,
            outbox: OutboxLimits::default(),
        }
    }
}

const CONCURRENT_MESSAGES: NonZeroU32 = NonZeroU32::new(64).expect("not zero");

#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// The schema in SDL, with AWS's directives.
    pub schema: String,
    pub default_auth: AuthMode,
    pub additional_auth: Vec<AuthMode>,
    pub introspection: bool,
    pub limits: ApiLimits,
    pub resolvers: Vec<ResolverConfig>,
}

/// What a single request may ask for; by default AppSync limits neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiLimits {
    /// Nested levels; a field of the root is the first.
    pub query_depth: Option<NonZeroU32>,
    /// Fields with a resolver.
    pub resolver_count: Option<NonZeroU32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    UserPools,
    Iam,
}

#[derive(Clone, Debug)]
pub struct ResolverConfig {
    pub type_name: String,
    pub field_name: String,
    pub data_source: DataSource,
}

#[derive(Clone, Debug)]
pub enum DataSource {
    /// A direct Lambda resolver.
    Lambda { function: String },
    /// An `APPSYNC_JS` resolver on a Lambda data source: the text of its file.
    LambdaWithCode { function: String, code: String },
    /// An `APPSYNC_JS` resolver on a NONE data source: the text of its file.
    None { code: String },
}

#[derive(Clone, Debug)]
pub struct UserPoolConfig {
    /// `REGION_xxxxxxxxx`.
    pub pool_id: String,
    pub client_id: String,
    pub users: Vec<UserConfig>,
    /// How long an ID or access token lives; Cognito's default is an hour.
    pub token_validity: Duration,
}

#[derive(Clone, Debug)]
pub struct UserConfig {
    pub username: String,
    pub password: String,
    pub email: String,
    /// `cognito:groups` of the user's tokens.
    pub groups: Vec<String>,
}

/// What answers a prompt.
#[derive(Clone, Debug)]
pub enum ModelConfig {
    /// Answers any prompt from a script, and says so.
    Scripted(ScriptConfig),
    /// A server with OpenAI's chat completions API, such as Ollama's or llama.cpp's.
    OpenAi {
        base_url: String,
        model: String,
        api_key: Option<String>,
    },
    /// Amazon Bedrock itself, with the credentials of the environment.
    Bedrock { model_id: String },
}

/// How the scripted model speaks.
#[derive(Clone, Debug)]
pub struct ScriptConfig {
    /// The answer's tokens; `None` writes a few paragraphs about the prompt. An empty token is sent as an empty delta.
    /// `{call}` in a token stands for the call's number, 1, 2, 3 …, so that the answers of two attempts differ.
    pub tokens: Option<Vec<String>>,
    /// Sent as reasoning, before the answer.
    pub reasoning: Vec<String>,
    pub time_to_first_token: Duration,
    /// Zero is full speed.
    pub time_between_tokens: Duration,
    /// What the end says, unless the request's token limit or a stop sequence ends the answer.
    pub stop_reason: String,
    /// A call has the first of these that is not used up and that its prompt matches.
    pub faults: Vec<FaultRule>,
}

impl Default for ScriptConfig {
    /// A natural pace: about 40 tokens a second.
    fn default() -> Self {
        Self {
            tokens: None,
            reasoning: Vec::new(),
            time_to_first_token: Duration::from_millis(300),
            time_between_tokens: Duration::from_millis(25),
            stop_reason: "end_turn".into(),
            faults: Vec::new(),
        }
    }
}

/// What goes wrong, and for which calls.
#[derive(Clone, Debug)]
pub struct FaultRule {
    pub fault: ModelFault,
    /// For how many calls; `None` is every one.
    pub times: Option<NonZeroU32>,
    /// Only for calls whose last user message contains this.
    pub prompt_contains: Option<String>,
}

impl FaultRule {
    /// For every call.
    pub fn always(fault: ModelFault) -> Self {
        Self {
            fault,
            times: None,
            prompt_contains: None,
        }
    }

    /// For the first `calls` calls.
    pub fn first(calls: NonZeroU32, fault: ModelFault) -> Self {
        Self {
            fault,
            times: Some(calls),
            prompt_contains: None,
        }
    }
}

/// What a model can do to its caller. Tokens are counted from the first one of the answer, without reasoning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelFault {
    /// The call is refused, with the exception's HTTP status.
    Refuse(ModelException),
    /// The stream ends with an exception event.
    Fail {
        after_tokens: usize,
        exception: ModelException,
    },
    /// Not a byte more, for as long as the caller stays.
    Stall { after_tokens: usize },
    /// The stream ends as if complete, but without `messageStop`.
    Cut { after_tokens: usize },
    /// The connection (or HTTP/2 stream) is torn down.
    Reset { after_tokens: usize },
}

/// Bedrock's exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelException {
    AccessDenied,
    InternalServer,
    ModelError,
    ModelNotReady,
    ModelStreamError,
    ModelTimeout,
    ResourceNotFound,
    ServiceUnavailable,
    Throttling,
    Validation,
}
