//! The URLs and ARNs of a stack, which follow from its port, region and account.

use std::net::SocketAddr;

/// `apiId` of the WebSocket API.
pub const WEBSOCKET_API_ID: &str = "websocket";

/// The names and addresses of one running stack.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub address: SocketAddr,
    pub region: String,
    pub account_id: String,
    pub api_id: String,
}

impl Endpoints {
    /// The value for `AWS_ENDPOINT_URL`: `http://localhost:PORT`.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    /// `http://localhost:PORT/graphql`. The same path also serves `https`, and `/graphql/realtime` serves WebSockets.
    pub fn graphql_url(&self) -> String {
        format!("{}/graphql", self.url())
    }

    /// The URL of a queue: `http://localhost:PORT/ACCOUNT/QUEUE`.
    pub fn queue_url(&self, queue: &str) -> String {
        format!("{}/{}/{queue}", self.url(), self.account_id)
    }

    pub fn queue_arn(&self, queue: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{queue}", self.region, self.account_id)
    }

    /// The tokens' `iss`. The user pool's discovery document and keys are below this URL.
    pub fn issuer(&self, pool_id: &str) -> String {
        format!("{}/{pool_id}", self.url())
    }

    pub fn function_arn(&self, function: &str) -> String {
        format!(
            "arn:aws:lambda:{}:{}:function:{function}",
            self.region, self.account_id
        )
    }

    /// The URL of a function URL: `http://localhost:PORT/function-urls/NAME/`.
    pub fn function_url(&self, name: &str) -> String {
        format!("{}/function-urls/{name}/", self.url())
    }

    /// The URL that WebSocket clients connect to: `ws://localhost:PORT/websocket/STAGE`.
    pub fn websocket_url(&self, stage: &str) -> String {
        format!("ws://localhost:{}/websocket/{stage}", self.address.port())
    }

    /// The endpoint of the `@connections` API (`PostToConnection`): `http://localhost:PORT/websocket/STAGE`.
    pub fn websocket_callback_url(&self, stage: &str) -> String {
        format!("{}/websocket/{stage}", self.url())
    }

    /// An ARN of the WebSocket API. `what` is `$connect` for the authorizer, and `POST/@connections/ID` for
    /// `execute-api:ManageConnections`.
    pub fn websocket_arn(&self, stage: &str, what: &str) -> String {
        let Self {
            region, account_id, ..
        } = self;
        format!("arn:aws:execute-api:{region}:{account_id}:{WEBSOCKET_API_ID}/{stage}/{what}")
    }

    /// The ARN of one field, which `appsync:GraphQL` is checked against.
    pub fn field_arn(&self, type_name: &str, field: &str) -> String {
        let Self {
            region,
            account_id,
            api_id,
            ..
        } = self;
        format!(
            "arn:aws:appsync:{region}:{account_id}:apis/{api_id}/types/{type_name}/fields/{field}"
        )
    }
}
