//! A user pool on a port of its own, and a client that speaks SRP.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use local_cognito::Cognito;
use local_cognito::config::{UserConfig, UserPoolConfig};
use local_kit::clock::Clock;
use num_bigint::BigUint;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

pub const CLIENT: &str = "local-client";
pub const POOL: &str = "us-east-1_Local1234";
pub const PASSWORD: &str = "Correct-horse-1 ü";

pub struct Pool {
    pub cognito: Cognito,
    pub clock: Clock,
    pub url: String,
    client: reqwest::Client,
}

pub async fn start(state: Option<&Path>) -> Pool {
    let user = |name: &str, groups: &[&str]| UserConfig {
        username: name.into(),
        password: PASSWORD.into(),
        email: format!("{name}@example.com"),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    };
    let config = UserPoolConfig {
        pool_id: POOL.into(),
        client_id: CLIENT.into(),
        users: vec![user("alice", &["admins"]), user("bob", &[])],
        token_validity: Duration::from_hours(1),
        shares_key: false,
    };
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let clock = Clock::system();
    let cognito =
        Cognito::new(&config, format!("{url}/{POOL}"), state, clock.clone()).expect("opened");
    let router = cognito.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .tls_certs_only([])
        .build()
        .expect("a client");
    Pool {
        cognito,
        clock,
        url,
        client,
    }
}

impl Pool {
    /// The response, or `TYPE: MESSAGE`.
    pub async fn call(&self, action: &str, body: Value) -> Result<Value, String> {
        let request = self.client.post(&self.url).body(body.to_string());
        let target = format!("AWSCognitoIdentityProviderService.{action}");
        let sent = request
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.1")
            .send();
        let response = sent.await.expect("a response");
        assert_eq!(
            response.headers()["content-type"],
            "application/x-amz-json-1.1"
        );
        let status = response.status();
        let error_type = response.headers().get("x-amzn-errortype").cloned();
        let answer: Value = response.json().await.expect("JSON");
        if status.is_success() {
            return Ok(answer);
        }
        let kind = answer["__type"].as_str().expect("a type").to_owned();
        assert_eq!(
            error_type.expect("a header").to_str().expect("text"),
            format!("{kind}:")
        );
        assert_eq!(status.as_u16(), 400);
        Err(format!(
            "{kind}: {}",
            answer["message"].as_str().expect("a message")
        ))
    }

    pub async fn initiate(&self, flow: &str, parameters: Value) -> Result<Value, String> {
        let body = json!({ "AuthFlow": flow, "AuthParameters": parameters, "ClientId": CLIENT, "ClientMetadata": {} });
        self.call("InitiateAuth", body).await
    }

    pub async fn password_sign_in(&self, username: &str, password: &str) -> Result<Value, String> {
        let parameters = json!({ "USERNAME": username, "PASSWORD": password });
        Ok(self.initiate("USER_PASSWORD_AUTH", parameters).await?["AuthenticationResult"].clone())
    }

    pub async fn srp_sign_in(&self, username: &str, password: &str) -> Result<Value, String> {
        let client = SrpClient::new();
        let begun = self
            .initiate(
                "USER_SRP_AUTH",
                json!({ "USERNAME": username, "SRP_A": client.public() }),
            )
            .await?;
        assert_eq!(begun["ChallengeName"], "PASSWORD_VERIFIER");
        let answers = client.answer(&begun["ChallengeParameters"], password);
        let body = json!({ "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": answers, "ClientId": CLIENT });
        Ok(self.call("RespondToAuthChallenge", body).await?["AuthenticationResult"].clone())
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        let response = self
            .client
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .expect("a response");
        (
            response.status().as_u16(),
            response.json().await.expect("JSON"),
        )
    }
}

/// The client's half of SRP, written from RFC 5054 and with Cognito's own padding.
pub struct SrpClient {
    n: BigUint,
    secret: BigUint,
}

const TIMESTAMP: &str = "Sun Nov 2 09:04:05 UTC 2025";

impl SrpClient {
    pub fn new() -> Self {
        // 2^3072 - 2^3008 - 1 + 2^64 * (floor(2^2942 * pi) + 1690314): the group's definition in RFC 3526. The digits
        // of pi come from Machin's formula, so that the test doesn't repeat the server's constant.
        let one = BigUint::from(1_u8);
        let pi = pi_times_two_to(2_942);
        let n = (&one << 3_072_u32) - (&one << 3_008_u32) - &one + ((pi + 1_690_314_u32) << 64_u32);
        let random = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()]
            .map(uuid::Uuid::into_bytes)
            .concat();
        Self {
            n,
            secret: BigUint::from_bytes_be(&random),
        }
    }

    pub fn public(&self) -> String {
        format!("{:x}", self.public_number())
    }

    fn public_number(&self) -> BigUint {
        BigUint::from(2_u8).modpow(&self.secret, &self.n)
    }

    pub fn answer(&self, challenge: &Value, password: &str) -> Value {
        let text = |name: &str| challenge[name].as_str().expect("a parameter");
        let number =
            |name: &str| BigUint::parse_bytes(text(name).as_bytes(), 16).expect("a number");
        let (salt, b_public, g) = (number("SALT"), number("SRP_B"), BigUint::from(2_u8));
        let pool = POOL.split_once('_').expect("a name").1;
        let user = text("USER_ID_FOR_SRP");
        let k = hash(&[&java(&self.n), &java(&g)]);
        let u = hash(&[&java(&self.public_number()), &java(&b_public)]);
        let x = hash(&[
            &java(&salt),
            &Sha256::digest(format!("{pool}{user}:{password}")),
        ]);
        let blinded = (k * g.modpow(&x, &self.n)) % &self.n;
        let shared = (b_public + &self.n - blinded).modpow(&(&self.secret + &u * x), &self.n);
        let extracted = sign(&java(&u), &[&java(&shared)]);
        let key = &sign(&extracted, &[b"Caldera Derived Key", &[1]])[..16];
        let block = STANDARD.decode(text("SECRET_BLOCK")).expect("base64");
        let signature = sign(
            key,
            &[
                pool.as_bytes(),
                user.as_bytes(),
                &block,
                TIMESTAMP.as_bytes(),
            ],
        );
        json!({
            "USERNAME": user,
            "PASSWORD_CLAIM_SECRET_BLOCK": text("SECRET_BLOCK"),
            "TIMESTAMP": TIMESTAMP,
            "PASSWORD_CLAIM_SIGNATURE": STANDARD.encode(signature),
        })
    }
}

/// `floor(2^bits * pi)`, by 16 atan(1/5) - 4 atan(1/239), with spare bits for rounding.
fn pi_times_two_to(bits: u32) -> BigUint {
    let spare = 64_u32;
    let one = BigUint::from(1_u8) << (bits + spare);
    let arctangent = |inverse: u32| {
        let (mut positive, mut negative) = (BigUint::ZERO, BigUint::ZERO);
        let mut power = &one / inverse;
        let mut n = 1_u32;
        while power != BigUint::ZERO {
            let term = &power / n;
            if n % 4 == 1 {
                positive += term;
            } else {
                negative += term;
            }
            power /= inverse * inverse;
            n += 2;
        }
        positive - negative
    };
    (arctangent(5) * 16_u32 - arctangent(239) * 4_u32) >> spare
}

fn hash(parts: &[&[u8]]) -> BigUint {
    BigUint::from_bytes_be(&Sha256::digest(parts.concat()))
}

fn java(number: &BigUint) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    if bytes[0] < 128 {
        bytes
    } else {
        [vec![0], bytes].concat()
    }
}

fn sign(key: &[u8], message: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key");
    mac.update(&message.concat());
    mac.finalize().into_bytes().to_vec()
}

pub fn claims(token: &Value) -> Value {
    let part = token
        .as_str()
        .expect("a token")
        .split('.')
        .nth(1)
        .expect("claims");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}
