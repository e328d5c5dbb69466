//! Authenticates callers of the GraphQL API.

use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use local_appsync::auth::{Authenticator, JwtIssuer};
use local_cognito::Cognito;
use local_iam::CredentialStore;
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;

use crate::config::{ApiConfig, UserPoolConfig};

/// The user pool whose tokens the API accepts. While the pool's keys can't be read, no token is accepted.
pub(super) fn jwt_issuer(
    pool: &UserPoolConfig,
    endpoints: &Endpoints,
    cognito: &Cognito,
) -> JwtIssuer {
    let cognito = cognito.clone();
    let keys = move || cognito.jwk_set().unwrap_or(JwkSet { keys: Vec::new() });
    JwtIssuer {
        issuer: endpoints.issuer(&pool.pool_id),
        client_id: pool.client_id.clone(),
        keys: Arc::new(keys),
    }
}

/// Authenticates requests by the API's authorization modes.
pub(super) fn authenticator(
    issuer: JwtIssuer,
    api: &ApiConfig,
    credentials: &CredentialStore,
    endpoints: &Endpoints,
    clock: &Clock,
) -> Authenticator {
    let modes = std::iter::once(api.default_auth).chain(api.additional_auth.iter().copied());
    Authenticator::new(
        issuer,
        credentials.clone(),
        endpoints.region.clone(),
        modes.collect(),
        clock.clone(),
    )
}
