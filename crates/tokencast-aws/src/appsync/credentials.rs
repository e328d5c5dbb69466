//! The credentials to sign with: the environment's, and never expired ones.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError as ProviderError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use thiserror::Error;
use tokencast_core::ports::Clock;

use crate::clock::system_time;

/// How long before their expiry credentials are renewed.
const RENEW_BEFORE: Duration = Duration::from_mins(1);

/// Keeps a provider's credentials until shortly before they expire.
#[derive(Debug)]
pub(super) struct Credentials {
    provider: SharedCredentialsProvider,
    kept: Mutex<Option<aws_credential_types::Credentials>>,
}

#[derive(Debug, Error)]
pub(super) enum CredentialsError {
    #[error("the provider of credentials failed")]
    Provider(#[from] ProviderError),
    #[error("the credentials have expired, and the provider has no newer ones")]
    Expired,
}

impl Credentials {
    pub(super) fn new(provider: SharedCredentialsProvider) -> Self {
        Self {
            provider,
            kept: Mutex::new(None),
        }
    }

    /// Forgets the kept credentials, so that the next request asks the provider again.
    pub(super) fn renew(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) async fn get(
        &self,
        clock: &impl Clock,
    ) -> Result<aws_credential_types::Credentials, CredentialsError> {
        let now = system_time(clock.now());
        let kept = self
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let lives = |credentials: &aws_credential_types::Credentials, longer: Duration| {
            credentials
                .expiry()
                .is_none_or(|expiry| expiry > now + longer)
        };
        if let Some(kept) = kept.filter(|kept| lives(kept, RENEW_BEFORE)) {
            return Ok(kept);
        }
        let fresh = self.provider.provide_credentials().await?;
        if !lives(&fresh, Duration::ZERO) {
            return Err(CredentialsError::Expired);
        }
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        Ok(fresh)
    }
}

#[cfg(test)]
mod tests {
    use tokencast_core::time::Timestamp;

    use super::*;

    struct At(Timestamp);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    #[tokio::test]
    async fn expired_credentials_are_never_given() {
        let expiry = system_time(Timestamp::from_millis(1_000_000));
        let credentials =
            aws_credential_types::Credentials::new("AKID", "secret", None, Some(expiry), "test");
        let credentials = Credentials::new(SharedCredentialsProvider::new(credentials));
        for (now, given) in [
            (0, true),
            (999_999, true),
            (1_000_000, false),
            (2_000_000, false),
        ] {
            let clock = At(Timestamp::from_millis(now));
            let got = credentials.get(&clock).await;
            assert_eq!(got.is_ok(), given, "at {now}");
        }
    }
}
