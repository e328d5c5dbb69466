//! Malformed tokens, each made from a valid one.

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde_json::json;

use super::{HUGE_BYTES, Table, encode};

impl Table<'_> {
    pub(super) fn shapes(&mut self) {
        let token = self.access(json!({}));
        let (message, signature) = token.rsplit_once('.').expect("three parts");
        let (header, claims) = message.split_once('.').expect("three parts");
        let other_claims = encode(&self.changed(json!({"sub": "eve"})));
        let other_header = encode(&json!({"kid": self.pool.key_id, "alg": "RS256"}));
        for (name, refused, token) in [
            (
                "other claims under the signature",
                "Signature",
                format!("{header}.{other_claims}.{signature}"),
            ),
            (
                "another header over the signature",
                "Signature",
                format!("{other_header}.{claims}.{signature}"),
            ),
            (
                "a signature cut to half",
                "Signature",
                format!("{message}.{}", &signature[..172]),
            ),
            (
                "the end cut off",
                "Signature",
                format!("{message}.{}", &signature[..signature.len() - 2]),
            ),
            ("no signature", "Signature", format!("{message}.")),
            ("two parts", "Malformed", message.to_owned()),
            ("four parts", "Malformed", format!("{token}.{signature}")),
            (
                "five parts",
                "Malformed",
                format!("{token}.{signature}.{signature}"),
            ),
            ("a dot before it", "Malformed", format!(".{token}")),
            (
                "a space in it",
                "Signature",
                format!("{header}. {claims}.{signature}"),
            ),
            (
                "the other base64",
                "Malformed",
                format!("{message}.+/{}", &signature[2..]),
            ),
            ("no token at all", "Malformed", "garbage".to_owned()),
            (
                "claims that are a list",
                "Malformed",
                self.signed(&self.header(), &json!([])),
            ),
        ] {
            self.row(name, Some(refused), token);
        }
        let text = format!("{header}.{}", URL_SAFE_NO_PAD.encode("claims"));
        let text = format!("{text}.{}", self.pool.sign(&text, Algorithm::RS256));
        self.row("claims that are no JSON", Some("Malformed"), text);

        // The signature has 256 bytes, so its last character has four unused bits.
        let last = signature.chars().last().expect("a signature");
        let spare = char::from_u32(u32::from(last) + 1).expect("a letter");
        let spare = format!("{message}.{}{spare}", &signature[..signature.len() - 1]);
        self.row("the signature's spare bits set", Some("Malformed"), spare);
        self.differs(
            "aws-jwt-verify",
            "JavaScript's base64 passes over spare bits; nothing else can be changed so",
        );
        self.row(
            "a padded signature",
            Some("Malformed"),
            format!("{token}=="),
        );
        self.differs(
            "aws-jwt-verify",
            "it takes padding, which RFC 7515 leaves out",
        );
        let claims = self.changed(json!({"pad": "x"}));
        let longer = self.changed(json!({"pad": "xx"}));
        // One of the two parts needs padding.
        let claims = if claims.to_string().len().is_multiple_of(3) {
            longer
        } else {
            claims
        };
        let padded = format!("{header}.{}", URL_SAFE.encode(claims.to_string()));
        let padded = format!("{padded}.{}", self.pool.sign(&padded, Algorithm::RS256));
        self.row("padded claims, signed so", Some("Malformed"), padded);
        self.differs(
            "aws-jwt-verify",
            "it takes padding, which RFC 7515 leaves out",
        );
        self.row(
            "huge",
            Some("TooLong"),
            self.access(json!({"pad": "x".repeat(HUGE_BYTES)})),
        );
        self.differs(
            "aws-jwt-verify",
            "it has no bound; its caller's HTTP server does",
        );
    }
}
