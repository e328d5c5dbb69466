//! The configuration of a WebSocket API.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use local_kit::outbox::OutboxLimits;

/// A WebSocket API of API Gateway with one stage, whose routes are selected by `$request.body.action`.
///
/// Its URL is `ws://localhost:PORT/websocket/STAGE`; its connections are at `…/websocket/STAGE/@connections/ID`.
#[derive(Clone, Debug)]
pub struct WebSocketApiConfig {
    pub stage: String,
    pub authorizer: Option<RequestAuthorizerConfig>,
    /// The integration of each route: `$connect`, `$disconnect`, `$default`, or an action's name. All are optional, as
    /// on AWS. A message without a route gets `Forbidden`.
    pub routes: BTreeMap<String, RouteConfig>,
    pub limits: WebSocketLimits,
}

/// A REQUEST authorizer, which is invoked at `$connect`.
#[derive(Clone, Debug)]
pub struct RequestAuthorizerConfig {
    pub function: String,
    /// `route.request.querystring.NAME` or `route.request.header.NAME`. If one is missing or empty, the response is 401
    /// and the function isn't invoked. Without any, the function is always invoked.
    pub identity_sources: Vec<String>,
}

/// A route's Lambda proxy integration.
#[derive(Clone, Debug)]
pub struct RouteConfig {
    pub function: String,
    /// Whether the route has a route response, which sends the `body` of the function's response to the client.
    pub route_response: bool,
}

/// Limits of a WebSocket API. The defaults are AWS's where AWS names a figure.
#[derive(Clone, Copy, Debug)]
pub struct WebSocketLimits {
    pub integration_timeout: Duration,
    /// The size of a client's frame. A larger one closes the connection with 1009.
    pub frame_bytes: usize,
    /// The size of a message to or from a client.
    pub message_bytes: usize,
    pub idle_timeout: Duration,
    pub lifetime: Duration,
    /// How many of a client's messages may be with their integrations. Until one returns, no more are read.
    pub concurrent_messages: NonZeroU32,
    /// How much may wait for a client that doesn't read, before its connection is cut.
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
