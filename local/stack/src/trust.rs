//! Who may call the API.

use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;

use crate::appsync::auth::{Authenticator, UserPoolTrust};
use crate::clock::Clock;
use crate::cognito::Cognito;
use crate::config::ApiConfig;
use crate::endpoints::Endpoints;
use crate::iam::CredentialStore;

/// Whose tokens the API takes. While the pool's keys can't be read, none.
pub(super) fn trust(issuer: String, client_id: String, cognito: &Cognito) -> UserPoolTrust {
    let cognito = cognito.clone();
    let keys = move || cognito.jwk_set().unwrap_or(JwkSet { keys: Vec::new() });
    UserPoolTrust {
        issuer,
        client_id,
        keys: Arc::new(keys),
    }
}

/// Checks requests against the API's modes.
pub(super) fn authenticator(
    trust: UserPoolTrust,
    api: &ApiConfig,
    credentials: &CredentialStore,
    endpoints: &Endpoints,
    clock: &Clock,
) -> Authenticator {
    let modes = std::iter::once(api.default_auth).chain(api.additional_auth.iter().copied());
    Authenticator::new(
        trust,
        credentials.clone(),
        endpoints.region.clone(),
        modes.collect(),
        clock.clone(),
    )
}
