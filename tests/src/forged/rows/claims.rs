//! Tokens with a valid signature and various claims.

use serde_json::json;

use super::Table;

impl Table<'_> {
    pub(super) fn claims(&mut self) {
        let now_s = self.now_s;
        self.row("an access token", None, self.access(json!({})));
        self.row("an ID token", None, self.id(json!({})));
        self.row(
            "not valid yet, within the skew",
            None,
            self.access(json!({"nbf": now_s + 30})),
        );
        self.differs(
            "aws-jwt-verify",
            "its grace is for the end as well, which gets none here",
        );
        self.row(
            "issued within the skew from now",
            None,
            self.access(json!({"iat": now_s + 30})),
        );
        self.row(
            "issued in the future",
            Some("NotYet"),
            self.access(json!({"iat": now_s + 3600})),
        );
        self.differs(
            "aws-jwt-verify",
            "it doesn't look at `iat`; Cognito issues no token ahead of its time",
        );
        let other = format!("{}2", self.pool.issuer);
        let slash = format!("{}/", self.pool.issuer);
        for (name, refused, changes) in [
            ("expired", "Expired", json!({"exp": now_s - 120})),
            ("expired a moment ago", "Expired", json!({"exp": now_s - 1})),
            (
                "expires at a text",
                "Malformed",
                json!({"exp": (now_s + 3000).to_string()}),
            ),
            ("not valid yet", "NotYet", json!({"nbf": now_s + 3600})),
            ("another issuer", "Issuer", json!({"iss": other})),
            (
                "the issuer with a slash behind it",
                "Issuer",
                json!({"iss": slash}),
            ),
            ("no issuer", "Issuer", json!({"iss": null})),
            (
                "a refresh token's use",
                "Use",
                json!({"token_use": "refresh"}),
            ),
            ("no use", "Use", json!({"token_use": null})),
            (
                "an access token of another client",
                "Client",
                json!({"client_id": "another"}),
            ),
            (
                "an access token with an audience only",
                "Client",
                json!({"client_id": null, "aud": self.pool.client_id}),
            ),
        ] {
            self.row(name, Some(refused), self.access(changes));
        }
        for (name, refused, changes) in [
            (
                "an ID token of another client",
                "Client",
                json!({"aud": "another"}),
            ),
            (
                "an ID token with a client id only",
                "Client",
                json!({"aud": null, "client_id": self.pool.client_id}),
            ),
            (
                "an ID token for a list of clients",
                "Malformed",
                json!({"aud": [self.pool.client_id]}),
            ),
        ] {
            self.row(name, Some(refused), self.id(changes));
        }
        self.missing_claims();
    }

    fn missing_claims(&mut self) {
        self.row(
            "without an end",
            Some("Malformed"),
            self.access(json!({"exp": null})),
        );
        self.differs(
            "aws-jwt-verify",
            "it takes a token without `exp` for one that never ends; Cognito's all have one",
        );
        for (name, changes) in [
            ("no user", json!({"sub": null})),
            ("an empty user", json!({"sub": ""})),
        ] {
            self.row(name, Some("Subject"), self.access(changes));
            self.differs(
                "aws-jwt-verify",
                "it leaves the user to its caller; Cognito's tokens all have one",
            );
        }
    }
}
