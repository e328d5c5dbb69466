//! What the commands of operators share: credentials and addresses, of AWS or of a local stack.

use std::net::Ipv4Addr;

use thiserror::Error;
use tokencast_aws::sdk::{self, SdkConfig};

use crate::local_key;
use crate::stack::{QUOTAS_TABLE, REGION};

/// What is said of a `sub` that is in no table.
pub const UNKNOWN_USER: &str =
    "Nothing is known of this user: expected the `sub` of one who has started a session.";

/// The command is for a local stack that isn't there.
#[derive(Debug, Error)]
#[error(
    "no local stack runs on port {port}: expected that of a `tokencast dev` that is running, at --local PORT"
)]
pub struct NoStack {
    port: u16,
    source: std::io::Error,
}

/// The SDK's settings: AWS's of the environment, or those of the local stack on a port.
pub async fn sdk_for(local: Option<u16>, lookup: &impl Fn(&str) -> Option<String>) -> SdkConfig {
    let Some(port) = local else {
        return sdk::load().await;
    };
    let found = local_key::find(port, lookup);
    // The environment's key is for a stack of another user, or of a test. Without any key the command sends a
    // placeholder, so that the stack itself says what is missing, and the SDK doesn't search for credentials where a
    // laptop has none.
    let none = || ("none".to_owned(), "none".to_owned());
    let is_set = lookup("AWS_ACCESS_KEY_ID").is_some();
    let key = found.or_else(|| (!is_set).then(none));
    sdk::load_for_endpoint_as(&endpoint(port), REGION, key).await
}

/// Looks whether the local stack on a port takes connections, if one is given.
///
/// # Errors
///
/// [`NoStack`] if nothing does.
pub async fn reach(local: Option<u16>) -> Result<(), NoStack> {
    let Some(port) = local else {
        return Ok(());
    };
    let connected = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
    connected
        .map(drop)
        .map_err(|source| NoStack { port, source })
}

/// The URL of a local stack's queue. The SDK only needs queue URLs that end in the queue's name.
pub fn local_queue(local: Option<u16>, name: &str) -> String {
    format!(
        "{}/000000000000/{name}",
        local.map(endpoint).unwrap_or_default()
    )
}

/// The name of the quotas' table: of a deployment with quotas, or of a local stack.
pub fn quotas_table(given: Option<&str>, local: Option<u16>) -> Option<String> {
    let own = local.map(|_| QUOTAS_TABLE);
    given.or(own).map(str::to_owned)
}

fn endpoint(port: u16) -> String {
    format!("http://localhost:{port}")
}
