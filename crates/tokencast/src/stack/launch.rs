//! Starting this project's stack, and what is known of it once it runs.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use tokencast_client::cognito::UserPool;
use tokencast_client::{Client, ClientBuilder, Credentials};
use tokencast_local::config::{UserConfig, UserPoolConfig};
use tokencast_local::endpoints::Endpoints;

use super::{StackError, StackOptions};

/// A stack that answers. It runs until [`RunningStack::shutdown`].
pub struct RunningStack {
    pub endpoints: Endpoints,
    pub user_pool: UserPoolConfig,
    /// Of the authority that its TLS certificate comes from.
    pub ca_file: Option<PathBuf>,
}

impl RunningStack {
    /// Starts everything; returns once it answers.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        check_port(options.port)?;
        // The single place where the stack is assembled from `Resources`.
        std::future::ready(Err(StackError::Start(
            "it is not assembled in this build".into(),
        )))
        .await
    }

    /// Ends every process, task and socket of the stack.
    pub async fn shutdown(self) {
        std::future::ready(()).await;
    }

    /// A client as one of the stack's users.
    pub fn client(&self, user: &UserConfig) -> ClientBuilder {
        let pool = UserPool {
            endpoint: format!("{}/", self.endpoints.url()),
            client_id: self.user_pool.client_id.clone(),
            pool_id: Some(self.user_pool.pool_id.clone()),
        };
        Client::builder(self.endpoints.graphql_url()).credentials(Credentials::user(
            pool,
            &user.username,
            &user.password,
        ))
    }
}

/// Says at once, and in words, what a bind in the midst of the start would only hint at.
fn check_port(port: u16) -> Result<(), StackError> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Err(StackError::PortInUse(port))
        }
        Err(source) => Err(StackError::Listen { port, source }),
    }
}
