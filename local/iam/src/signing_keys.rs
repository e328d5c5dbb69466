//! The keys of SigV4, which stay the same for a day.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use scratchstack_aws_signature::{KSecretKey, KSigningKey};

use super::Principal;

/// More than the functions and services of a stack.
const MAX_KEPT: usize = 32;

/// Those derived last. A key belongs to the very principal that it was derived for: one that was replaced has it no more.
#[derive(Clone, Default)]
pub(super) struct SigningKeys {
    kept: Arc<Mutex<VecDeque<Kept>>>,
}

struct Kept {
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
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|it| {
            Arc::ptr_eq(&it.principal, principal)
                && it.date == date
                && it.region == region
                && it.service == service
        });
        if let Some(found) = found {
            return Some(found.key);
        }
        // The library wants AWS's 40 characters exactly. HMAC pads a shorter key with zeros itself, so these change nothing.
        let secret: KSecretKey = format!("{:\0<40}", principal.secret_access_key)
            .parse()
            .ok()?;
        let key = secret.to_ksigning(date, region, service);
        if kept.len() >= MAX_KEPT {
            kept.pop_front();
        }
        kept.push_back(Kept {
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
    /// Without the keys.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningKeys")
            .finish_non_exhaustive()
    }
}
