//! The Secure Remote Password protocol with Cognito's own key derivation.
//!
//! RFC 5054's 3072-bit group with generator 2 and SHA-256; numbers are hashed as Java's `BigInteger.toByteArray` writes
//! them, with a zero byte in front where the first bit is set. Source: the public clients (amplify-js).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use num_bigint::BigUint;
use sha2::{Digest, Sha256};

use super::SignInError;

const GROUP_HEX: &str = concat!(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD",
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED",
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F",
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B",
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510",
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7",
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C",
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
);
const KEY_INFO: &[u8] = b"Caldera Derived Key\x01";
const KEY_BYTES: usize = 16;

/// One sign-in's secret and public numbers.
pub(super) struct Client {
    group: BigUint,
    generator: BigUint,
    secret: BigUint,
    public: BigUint,
}

/// What the signature is made of, besides the client's own numbers.
pub(super) struct Proof<'a> {
    /// The part of the pool's id after `_`.
    pub(super) pool_name: &'a str,
    /// `USER_ID_FOR_SRP`.
    pub(super) user_id: &'a str,
    pub(super) password: &'a str,
    /// `SRP_B`.
    pub(super) server_public_hex: &'a str,
    pub(super) salt_hex: &'a str,
    /// Base64, as it came.
    pub(super) secret_block: &'a str,
    pub(super) timestamp: &'a str,
}

impl Client {
    /// With a random secret of 1,024 bits.
    pub(super) fn new() -> Result<Self, SignInError> {
        let mut secret = [0; 128];
        rustls::crypto::ring::default_provider()
            .secure_random
            .fill(&mut secret)
            .map_err(|_| SignInError::Protocol("the system has no random numbers"))?;
        Ok(Self::with_secret(BigUint::from_bytes_be(&secret)))
    }

    fn with_secret(secret: BigUint) -> Self {
        let group =
            BigUint::parse_bytes(GROUP_HEX.as_bytes(), 16).expect("the constant is hexadecimal");
        let generator = BigUint::from(2_u8);
        let public = generator.modpow(&secret, &group);
        Self {
            group,
            generator,
            secret,
            public,
        }
    }

    /// `SRP_A`.
    pub(super) fn public_hex(&self) -> String {
        self.public.to_str_radix(16)
    }

    /// `PASSWORD_CLAIM_SIGNATURE`, in base64.
    pub(super) fn signature(&self, proof: &Proof<'_>) -> Result<String, SignInError> {
        let key = self.key(proof)?;
        let block = STANDARD
            .decode(proof.secret_block)
            .map_err(|_| SignInError::Protocol("a SECRET_BLOCK that is no base64"))?;
        let parts = [
            proof.pool_name.as_bytes(),
            proof.user_id.as_bytes(),
            &block,
            proof.timestamp.as_bytes(),
        ];
        Ok(STANDARD.encode(hmac_sha256(&key, &parts)))
    }

    fn key(&self, proof: &Proof<'_>) -> Result<[u8; KEY_BYTES], SignInError> {
        let server_public = from_hex(proof.server_public_hex, "an SRP_B that is no number")?;
        let salt = from_hex(proof.salt_hex, "a SALT that is no number")?;
        let zero = BigUint::ZERO;
        // Either would let a false server choose the key.
        if &server_public % &self.group == zero {
            return Err(SignInError::Protocol("an SRP_B of zero"));
        }
        let scramble = hash_number(&[&padded(&self.public), &padded(&server_public)]);
        if scramble == zero {
            return Err(SignInError::Protocol("a scrambling parameter of zero"));
        }
        let multiplier = hash_number(&[&padded(&self.group), &padded(&self.generator)]);
        let identity = Sha256::digest(format!(
            "{}{}:{}",
            proof.pool_name, proof.user_id, proof.password
        ));
        let private = hash_number(&[&padded(&salt), &identity]);

        let masked = multiplier * self.generator.modpow(&private, &self.group) % &self.group;
        let base = (server_public % &self.group + &self.group - masked) % &self.group;
        let shared = base.modpow(&(&self.secret + &scramble * private), &self.group);

        let extracted = hmac_sha256(&padded(&scramble), &[&padded(&shared)]);
        let expanded = hmac_sha256(&extracted, &[KEY_INFO]);
        let mut key = [0; KEY_BYTES];
        key.copy_from_slice(&expanded[..KEY_BYTES]);
        Ok(key)
    }
}

fn from_hex(hex: &str, what: &'static str) -> Result<BigUint, SignInError> {
    BigUint::parse_bytes(hex.as_bytes(), 16).ok_or(SignInError::Protocol(what))
}

/// Big-endian, with a zero byte in front where the first bit is set.
fn padded(number: &BigUint) -> Vec<u8> {
    let mut bytes = number.to_bytes_be();
    if bytes[0] & 0x80 != 0 {
        bytes.insert(0, 0);
    }
    bytes
}

fn hash_number(parts: &[&[u8]]) -> BigUint {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    BigUint::from_bytes_be(&hash.finalize())
}

fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked out with amazon-cognito-identity-js 6.3's `AuthenticationHelper`.
    #[test]
    fn the_signature_is_that_of_cognitos_own_client() {
        let client = Client::with_secret(BigUint::from_bytes_be(&[0x5f; 128]));
        assert!(
            client
                .public_hex()
                .starts_with("4524ec00ab005252663d5d305164a637a7ca02dc")
        );
        let server_public = concat!(
            "fb7daafb37d21221f75d0451fa35dfaacfca509150cecad0e40217b593c5b475",
            "66e80c1dd1f74556b3c46a357b699c860976372361a99332934e720a586b7786",
        )
        .repeat(6);
        let signature = client.signature(&Proof {
            pool_name: "AbCdEfGhI",
            user_id: "user-1",
            password: "Correct horse 1!",
            server_public_hex: &server_public[..766],
            salt_hex: "a1b2c3d4e5f60718293a4b5c6d7e8f90",
            secret_block: "c2VjcmV0IGJsb2NrIP8A",
            timestamp: "Thu Mar 5 04:05:06 UTC 2026",
        });
        assert_eq!(
            signature.expect("a signature"),
            "SBkF/1qR2rQvNbg10CbjW0VC4I/blzSAEtCpuO+GArc="
        );
    }

    #[test]
    fn a_server_that_would_choose_the_key_is_refused() {
        let client = Client::new().expect("random numbers");
        for server_public_hex in ["0", GROUP_HEX, "no number"] {
            let proof = Proof {
                pool_name: "p",
                user_id: "u",
                password: "p",
                server_public_hex,
                salt_hex: "00ff",
                secret_block: "",
                timestamp: "",
            };
            let refused = client.signature(&proof);
            assert!(
                matches!(refused, Err(SignInError::Protocol(_))),
                "{server_public_hex}"
            );
        }
    }
}
