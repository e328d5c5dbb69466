//! A cache of SigV4 signing keys, which are valid for a day.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use scratchstack_aws_signature::{KSecretKey, KSigningKey};

use super::Principal;

/// More than a stack has functions and services.
const MAX_CACHED: usize = 32;

/// The signing keys derived last. A key belongs to the principal it was derived for, so replacing a principal
/// invalidates its keys.
#[derive(Clone, Default)]
pub(super) struct SigningKeys {
    cached: Arc<Mutex<VecDeque<CachedKey>>>,
}

struct CachedKey {
    principal: Arc<Principal>,
    date: NaiveDate,
    region: String,
    service: String,
    key: KSigningKey,
}

impl SigningKeys {
    pub(super) fn get(
        &self,
        principal: &Arc<Principal>,
        date: NaiveDate,
        region: &str,
        service: &str,
    ) -> Option<KSigningKey> {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let found = cached.iter().find(|it| {
            Arc::ptr_eq(&it.principal, principal)
                && it.date == date
                && it.region == region
                && it.service == service
        });
        if let Some(found) = found {
            return Some(found.key);
        }
        // The library wants AWS's 40 characters exactly. HMAC pads a shorter key with zeros anyway, so the padding
        // changes nothing.
        let secret: KSecretKey = format!("{:\0<40}", principal.secret_access_key)
            .parse()
            .ok()?;
        let key = secret.to_ksigning(date, region, service);
        if cached.len() >= MAX_CACHED {
            cached.pop_front();
        }
        cached.push_back(CachedKey {
            principal: Arc::clone(principal),
            date,
            region: region.to_owned(),
            service: service.to_owned(),
            key,
        });
        Some(key)
    }
}

impl fmt::Debug for SigningKeys {
    /// Leaves out the keys.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningKeys")
            .finish_non_exhaustive()
    }
}
