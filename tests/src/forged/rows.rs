//! The table's rows.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Pool;

mod claims;
mod shapes;
mod signing;

/// More bytes than any token of Cognito's, and more than the bound of every verifier that has one.
const HUGE_BYTES: usize = 13_000;

/// One token, and what verifiers must do with it.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub name: &'static str,
    pub token: String,
    /// `null` if the token must be accepted; otherwise our verifier's reason to refuse it.
    pub refused: Option<&'static str>,
    /// The verifiers that rightly decide otherwise, each with the reason.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub differs: Map<String, Value>,
}

impl Row {
    /// Whether a verifier must accept the token. `who` is `our verifier`, `AppSync` or `aws-jwt-verify`.
    pub fn is_taken_by(&self, who: &str) -> bool {
        self.refused.is_none() != self.differs.contains_key(who)
    }
}

struct Table<'a> {
    pool: &'a Pool,
    now_s: i64,
    rows: Vec<Row>,
}

/// Returns tokens of `pool` at `now_s`, with what verifiers must do with each.
pub fn rows(pool: &Pool, now_s: i64) -> Vec<Row> {
    let mut table = Table {
        pool,
        now_s,
        rows: Vec::new(),
    };
    table.claims();
    table.algorithms();
    table.keys();
    table.shapes();
    table.rows
}

impl Table<'_> {
    fn row(&mut self, name: &'static str, refused: Option<&'static str>, token: String) {
        self.rows.push(Row {
            name,
            token,
            refused,
            differs: Map::new(),
        });
    }

    /// Notes that `who` decides otherwise about the last row.
    fn differs(&mut self, who: &str, why: &str) {
        let row = self.rows.last_mut().expect("a row");
        row.differs.insert(who.to_owned(), why.into());
    }

    fn header(&self) -> Value {
        json!({"alg": "RS256", "kid": self.pool.key_id})
    }

    /// Returns the claims of a valid access token, with the changes; `null` removes a claim.
    fn changed(&self, changes: Value) -> Value {
        let mut claims = json!({
            "sub": "6a5b1f0e-0c5e-4f0e-9f5e-1c0de5a1ada0", "iss": self.pool.issuer, "token_use": "access",
            "client_id": self.pool.client_id, "username": "ada", "jti": "1",
            "auth_time": self.now_s - 600, "iat": self.now_s - 600, "exp": self.now_s + 3000,
        });
        merge(&mut claims, changes);
        claims
    }

    /// Signs any header and claims as Cognito signs.
    fn signed(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pool.sign(&message, Algorithm::RS256);
        format!("{message}.{signature}")
    }

    fn access(&self, changes: Value) -> String {
        self.signed(&self.header(), &self.changed(changes))
    }

    fn id(&self, changes: Value) -> String {
        let mut id = json!({"token_use": "id", "client_id": null, "aud": self.pool.client_id});
        merge(&mut id, changes);
        self.access(id)
    }
}

fn merge(into: &mut Value, changes: Value) {
    let into = into.as_object_mut().expect("an object");
    let Value::Object(changes) = changes else {
        panic!("not an object: {changes}")
    };
    for (name, value) in changes {
        match value {
            Value::Null => into.remove(&name),
            value => into.insert(name, value),
        };
    }
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}
