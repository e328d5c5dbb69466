//! The role of a function.

use local_iam::{Principal, random_text};
use local_kit::endpoints::Endpoints;

use crate::config::FunctionConfig;

/// Temporary credentials of the function's role.
pub(super) fn role(config: &FunctionConfig, endpoints: &Endpoints) -> Principal {
    let name = &config.name;
    let account_id = &endpoints.account_id;
    Principal {
        access_key_id: format!("ASIA{}", random_text(16).to_ascii_uppercase()),
        secret_access_key: random_text(40),
        session_token: Some(random_text(120)),
        account_id: account_id.clone(),
        arn: format!("arn:aws:sts::{account_id}:assumed-role/{name}-role/{name}"),
        expires_at_ms: None,
        policy: config.policy.clone(),
    }
}
