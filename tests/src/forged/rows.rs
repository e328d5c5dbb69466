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

/// Beyond any token that Cognito issues, and beyond the bound of whoever has one.
const HUGE_BYTES: usize = 13_000;

/// One token, and what becomes of it.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub name: &'static str,
    pub token: String,
    /// `null` where it is taken; otherwise our verifier's reason.
    pub refused: Option<&'static str>,
    /// Who decides otherwise, and why that is right as well.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub differs: Map<String, Value>,
}

impl Row {
    /// What `who` makes of it: `our verifier`, `AppSync` or `aws-jwt-verify`.
    pub fn is_taken_by(&self, who: &str) -> bool {
        self.refused.is_none() != self.differs.contains_key(who)
    }
}

struct Table<'a> {
    pool: &'a Pool,
    now_s: i64,
    rows: Vec<Row>,
}

/// What each of `pool`'s tokens at `now_s` must come to.
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

    /// Of the last row: `who` decides otherwise.
    fn differs(&mut self, who: &str, why: &str) {
        let row = self.rows.last_mut().expect("a row");
        row.differs.insert(who.to_owned(), why.into());
    }

    fn header(&self) -> Value {
        json!({"alg": "RS256", "kid": self.pool.key_id})
    }

    /// A right access token's claims but for the changes; `null` removes one.
    fn changed(&self, changes: Value) -> Value {
        let mut claims = json!({
            "sub": "6a5b1f0e-0c5e-4f0e-9f5e-1c0de5a1ada0", "iss": self.pool.issuer, "token_use": "access",
            "client_id": self.pool.client_id, "username": "ada", "jti": "1",
            "auth_time": self.now_s - 600, "iat": self.now_s - 600, "exp": self.now_s + 3000,
        });
        merge(&mut claims, changes);
        claims
    }

    /// Signed as Cognito signs, whatever it says.
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
