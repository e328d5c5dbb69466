//! Who may call the API.

use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use local_appsync::auth::{Authenticator, UserPoolTrust};
use local_cognito::Cognito;
use local_iam::CredentialStore;
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;

use crate::config::{ApiConfig, UserPoolConfig};

/// Whose tokens the API takes. While the pool's keys can't be read, none.
pub(super) fn trust(
    pool: &UserPoolConfig,
    endpoints: &Endpoints,
    cognito: &Cognito,
) -> UserPoolTrust {
    let cognito = cognito.clone();
    let keys = move || cognito.jwk_set().unwrap_or(JwkSet { keys: Vec::new() });
    UserPoolTrust {
        issuer: endpoints.issuer(&pool.pool_id),
        client_id: pool.client_id.clone(),
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
