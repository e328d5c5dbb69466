//! Tokens that are signed with another algorithm or another key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::{Table, encode, merge};
use crate::forged::Pool;

impl Table<'_> {
    pub(super) fn algorithms(&mut self) {
        let claims = self.changed(json!({}));
        let unsigned = |alg: &str| {
            let header = json!({"alg": alg, "kid": self.pool.key_id});
            format!("{}.{}", encode(&header), encode(&claims))
        };
        let none = unsigned("none");
        let signature = self.pool.sign(&none, Algorithm::RS256);
        let hs256 = unsigned("HS256");
        let hs256_signature = self.pool.sign_with_public_key(&hs256);
        let mut made = vec![
            ("algorithm none, unsigned", format!("{none}.")),
            ("algorithm none, signed", format!("{none}.{signature}")),
            ("algorithm NoNe", format!("{}.", unsigned("NoNe"))),
            (
                "HS256 with the public key as secret",
                format!("{hs256}.{hs256_signature}"),
            ),
            (
                "an algorithm nobody knows",
                format!("{}.{signature}", unsigned("RS255")),
            ),
            (
                "ES256 with an RSA signature",
                format!("{}.{signature}", unsigned("ES256")),
            ),
            (
                "the algorithm in other letters",
                format!("{}.{signature}", unsigned("rs256")),
            ),
        ];
        for (name, alg) in [
            ("RS384 with the pool's key", Algorithm::RS384),
            ("RS512 with the pool's key", Algorithm::RS512),
            ("PS256 with the pool's key", Algorithm::PS256),
        ] {
            let message = unsigned(&format!("{alg:?}"));
            let signature = self.pool.sign(&message, alg);
            made.push((name, format!("{message}.{signature}")));
        }
        for (name, token) in made {
            self.row(name, Some("Algorithm"), token);
        }
        let no_algorithm = self.signed(&json!({"kid": self.pool.key_id}), &claims);
        self.row("no algorithm", Some("Malformed"), no_algorithm);
        let twice = format!(
            r#"{{"alg":"none","alg":"RS256","kid":"{}"}}"#,
            self.pool.key_id
        );
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(twice), encode(&claims));
        let signature = self.pool.sign(&message, Algorithm::RS256);
        self.row(
            "two algorithms",
            Some("Malformed"),
            format!("{message}.{signature}"),
        );
        self.differs(
            "aws-jwt-verify",
            "JavaScript takes the last of two; Cognito writes one",
        );
    }

    pub(super) fn keys(&mut self) {
        let claims = self.changed(json!({}));
        let mallory = Pool::new(&self.pool.issuer, &self.pool.client_id, &self.pool.key_id);
        let mallorys = |header: &Value| {
            let message = format!("{}.{}", encode(header), encode(&claims));
            format!("{message}.{}", mallory.sign(&message, Algorithm::RS256))
        };
        let with = |changes: Value| {
            let mut header = self.header();
            merge(&mut header, changes);
            header
        };
        let jwk = &mallory.jwks().keys[0];
        let made = [
            (
                "a key that the pool does not have",
                self.signed(&with(json!({"kid": "another"})), &claims),
            ),
            ("no key", self.signed(&with(json!({"kid": null})), &claims)),
            (
                "another pool's key under this one's name",
                mallorys(&self.header()),
            ),
            (
                "its own key in the header",
                mallorys(&with(json!({"jwk": jwk}))),
            ),
            (
                "its own key in the header, under a name of its own",
                mallorys(&with(json!({"jwk": jwk, "kid": "mallory"}))),
            ),
            (
                "a place to find its key",
                mallorys(&with(json!({"jku": "https://mallory.example/jwks.json"}))),
            ),
            (
                "a place to find its certificate",
                mallorys(&with(json!({"x5u": "https://mallory.example/x.pem"}))),
            ),
            (
                "a path for a key",
                self.signed(&with(json!({"kid": "../../dev/null"})), &claims),
            ),
        ];
        let critical = self.signed(&with(json!({"crit": ["exp"], "exp": 1})), &claims);
        for (name, token) in made {
            self.row(name, Some("Signature"), token);
        }
        self.row(
            "an extension that must be understood",
            Some("Critical"),
            critical,
        );
        self.differs(
            "aws-jwt-verify",
            "it does not look at `crit`; Cognito sends none",
        );
    }
}
