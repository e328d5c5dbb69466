//! Open SRP challenges. They are few and short-lived, and each can be answered once.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::srp::ServerProof;

/// Cognito's default validity of an authentication session.
const VALID_MS: i64 = 3 * 60 * 1_000;
/// At this limit the oldest challenge is dropped, so that a client that only begins sign-ins fills no memory.
const MAX_OPEN: usize = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Challenges {
    open: Mutex<VecDeque<Challenge>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    pub secret_block: Vec<u8>,
    pub proof: ServerProof,
    /// The user id that the client signs. For an unknown user, the name that was given.
    pub user_id: String,
    pub begun_at_ms: i64,
}

impl Challenges {
    pub(crate) fn add(&self, challenge: Challenge) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|other| challenge.begun_at_ms - other.begun_at_ms < VALID_MS);
        if open.len() == MAX_OPEN {
            open.pop_front();
        }
        open.push_back(challenge);
    }

    /// Removes the challenge, and returns it if it hasn't expired.
    pub(crate) fn take(&self, secret_block: &[u8], now_ms: i64) -> Option<Challenge> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let at = open
            .iter()
            .position(|challenge| challenge.secret_block == secret_block)?;
        open.remove(at)
            .filter(|challenge| now_ms - challenge.begun_at_ms < VALID_MS)
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;

    use super::*;

    #[test]
    fn open_challenges_are_bounded_single_and_short_lived() {
        let proof = ServerProof::begin(BigUint::from(2_u8), BigUint::from(3_u8)).expect("a proof");
        let challenges = Challenges::default();
        let name = |n: usize| n.to_be_bytes().to_vec();
        for n in 0..=MAX_OPEN {
            let challenge = Challenge {
                secret_block: name(n),
                proof: proof.clone(),
                user_id: String::new(),
                begun_at_ms: 0,
            };
            challenges.add(challenge);
        }
        assert!(challenges.take(&name(0), 1).is_none());
        assert!(challenges.take(&name(1), 1).is_some());
        assert!(challenges.take(&name(1), 1).is_none());
        assert!(challenges.take(&name(2), VALID_MS).is_none());
    }
}
