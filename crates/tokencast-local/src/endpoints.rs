//! Where the stack answers: every URL and identifier that follows from its port, region and account.

use std::net::SocketAddr;

/// The names and addresses of one running stack.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub address: SocketAddr,
    pub region: String,
    pub account_id: String,
    pub api_id: String,
}

impl Endpoints {
    /// What `AWS_ENDPOINT_URL` is set to: `http://localhost:PORT`.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    /// `http://localhost:PORT/graphql`; the same path answers `https`, and WebSockets at `/graphql/realtime`.
    pub fn graphql_url(&self) -> String {
        format!("{}/graphql", self.url())
    }

    pub fn queue_url(&self, queue: &str) -> String {
        format!("{}/{}/{queue}", self.url(), self.account_id)
    }

    pub fn queue_arn(&self, queue: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{queue}", self.region, self.account_id)
    }

    /// `iss` of the tokens: the pool's discovery document and keys are below it.
    pub fn issuer(&self, pool_id: &str) -> String {
        format!("{}/{pool_id}", self.url())
    }

    pub fn function_arn(&self, function: &str) -> String {
        format!(
            "arn:aws:lambda:{}:{}:function:{function}",
            self.region, self.account_id
        )
    }

    /// The resource that `appsync:GraphQL` is checked against for one field.
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
