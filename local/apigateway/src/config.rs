//! What a WebSocket API is made of.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use local_kit::outbox::OutboxLimits;

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
