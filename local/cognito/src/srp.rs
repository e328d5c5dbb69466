//! SRP-6a as Cognito speaks it: the 3,072-bit group of RFC 5054, SHA-256, numbers padded as Java writes them. The
//! client signs the challenge with a session key made by HKDF.

use std::sync::LazyLock;

use hmac::{Hmac, Mac as _};
use num_bigint::BigUint;
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};

/// The group's prime, from RFC 5054, appendix A.
const N_HEX: &[u8] = b"FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74\
020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437\
4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05\
98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB\
9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B\
E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718\
3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33\
A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7\
ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864\
D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2\
08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";

static N: LazyLock<BigUint> =
    LazyLock::new(|| BigUint::parse_bytes(N_HEX, 16).expect("the constant is hexadecimal"));
static G: LazyLock<BigUint> = LazyLock::new(|| BigUint::from(2_u8));
static K: LazyLock<BigUint> = LazyLock::new(|| hash_number(&[&padded(&N), &padded(&G)]));

/// The server's half of a proof that was begun.
#[derive(Clone, Debug)]
pub(crate) struct ServerProof {
    client_public: BigUint,
    verifier: BigUint,
    secret: BigUint,
    pub public: BigUint,
}

impl ServerProof {
    /// `None` if the client's number would make the proof succeed without a password.
    pub(crate) fn begin(client_public: BigUint, verifier: BigUint) -> Option<Self> {
        if &client_public % &*N == BigUint::ZERO {
            return None;
        }
        let secret = random(64);
        let public = (&*K * &verifier + G.modpow(&secret, &N)) % &*N;
        Some(Self {
            client_public,
            verifier,
            secret,
            public,
        })
    }

    /// Whether `signature` was made with the password. `message` is the concatenation of pool name, user id, secret
    /// block and timestamp.
    pub(crate) fn verify(&self, message: &[&[u8]], signature: &[u8]) -> bool {
        let u = hash_number(&[&padded(&self.client_public), &padded(&self.public)]);
        let base = &self.client_public * self.verifier.modpow(&u, &N) % &*N;
        let shared = base.modpow(&self.secret, &N);
        let mut mac = hmac(&session_key(&shared, &u));
        for part in message {
            mac.update(part);
        }
        mac.verify_slice(signature).is_ok()
    }
}

pub(crate) fn verifier(pool_name: &str, user_id: &str, password: &str, salt: &BigUint) -> BigUint {
    let identity = Sha256::digest(format!("{pool_name}{user_id}:{password}"));
    G.modpow(&hash_number(&[&padded(salt), &identity]), &N)
}

/// A random number of this many bytes.
///
/// # Panics
///
/// As [`random_bytes`].
pub(crate) fn random(bytes: usize) -> BigUint {
    BigUint::from_bytes_be(&random_bytes(bytes))
}

/// Random bytes.
///
/// # Panics
///
/// The system has no source of randomness, without which a user pool can't do anything.
pub(crate) fn random_bytes(bytes: usize) -> Vec<u8> {
    let mut random = vec![0; bytes];
    SystemRandom::new()
        .fill(&mut random)
        .expect("the system has randomness");
    random
}

fn session_key(shared: &BigUint, u: &BigUint) -> [u8; 16] {
    let extracted = hmac(&padded(u))
        .chain_update(padded(shared))
        .finalize()
        .into_bytes();
    let expanded = hmac(&extracted)
        .chain_update(b"Caldera Derived Key\x01")
        .finalize()
        .into_bytes();
    let mut key = [0; 16];
    key.copy_from_slice(&expanded[..16]);
    key
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

fn hash_number(parts: &[&[u8]]) -> BigUint {
    let hash = parts.iter().fold(Sha256::new(), Sha256::chain_update);
    BigUint::from_bytes_be(&hash.finalize())
}

/// The bytes as Java's `BigInteger.toByteArray` writes them: with a leading zero if the highest bit is set.
fn padded(number: &BigUint) -> Vec<u8> {
    let mut bytes = number.to_bytes_be();
    if bytes[0] & 0x80 != 0 {
        bytes.insert(0, 0);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_padded_as_in_java() {
        for (number, expected) in [
            (0_u32, &[0][..]),
            (20, &[20]),
            (127, &[127]),
            (200, &[0, 200]),
            (236 << 8, &[0, 236, 0]),
        ] {
            assert_eq!(padded(&BigUint::from(number)), expected);
        }
    }

    #[test]
    fn a_number_that_needs_no_password_is_refused() {
        for number in [BigUint::ZERO, N.clone(), &*N * 2_u8] {
            assert!(ServerProof::begin(number, BigUint::from(7_u8)).is_none());
        }
    }
}
