//! The shared table of forged tokens, and a key set that is fetched, fails and changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU16, AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use tokencast_core::quota::Caller;
use tokencast_core::time::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use super::*;

const TABLE: &str = include_str!("../../../../tests/fixtures/forged_tokens.json");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Table {
    now: i64,
    issuer: String,
    client_id: String,
    jwks: Value,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    token: String,
    refused: Option<String>,
}

impl Table {
    fn read() -> Self {
        serde_json::from_str(TABLE).expect("the table")
    }

    fn token(&self, name: &str) -> &str {
        let mut rows = self.rows.iter();
        &rows.find(|row| row.name == name).expect("a row").token
    }
}

#[derive(Clone)]
struct TestClock(Arc<AtomicI64>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl TestClock {
    fn advance_ms(&self, by_ms: i64) {
        self.0.fetch_add(by_ms, Ordering::SeqCst);
    }
}

/// A pool's key set, served, with the table's key in it.
struct Pool {
    table: Table,
    clock: TestClock,
    verifier: Verifier<TestClock>,
    jwks: watch::Sender<String>,
    status: Arc<AtomicU16>,
    fetches: Arc<AtomicUsize>,
    /// A fetch is answered with one of these.
    answers: Arc<Semaphore>,
}

impl Pool {
    async fn start() -> Self {
        let table = Table::read();
        let clock = TestClock(Arc::new(AtomicI64::new(table.now * 1000)));
        let (jwks, served) = watch::channel(table.jwks.to_string());
        let status = Arc::new(AtomicU16::new(200));
        let fetches = Arc::new(AtomicUsize::new(0));
        let answers = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let shared = (status.clone(), fetches.clone(), answers.clone());
        let answer = move || {
            let (status, fetches, answers) = shared.clone();
            let served = served.clone();
            async move {
                fetches.fetch_add(1, Ordering::SeqCst);
                answers.acquire().await.expect("open").forget();
                let status = StatusCode::from_u16(status.load(Ordering::SeqCst)).expect("a status");
                let body = served.borrow().clone();
                (status, body)
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = Router::new().route("/.well-known/jwks.json", get(answer));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let issuer = JwtIssuer {
            url: table.issuer.clone(),
            client_ids: vec!["another-client".into(), table.client_id.clone()],
        };
        let ca_bundle = CaBundle::default();
        let mut verifier = Verifier::new(issuer, &ca_bundle, clock.clone()).expect("a client");
        verifier.keys = KeySet::new(
            format!("http://{address}/.well-known/jwks.json"),
            &ca_bundle,
        )
        .expect("a client");
        Self {
            table,
            clock,
            verifier,
            jwks,
            status,
            fetches,
            answers,
        }
    }

    /// What comes of a token of the table.
    async fn verify(&self, name: &str) -> Result<Caller, JwtError> {
        self.verifier.verify(Some(self.table.token(name))).await
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn forged_tokens_are_refused_each_for_its_reason() {
    let pool = Pool::start().await;
    for Row {
        name,
        token,
        refused,
    } in &pool.table.rows
    {
        let verified = pool.verifier.verify(Some(token)).await;
        let reason = match verified {
            Ok(caller) => {
                assert_eq!(
                    caller.owner.as_str(),
                    "6a5b1f0e-0c5e-4f0e-9f5e-1c0de5a1ada0"
                );
                None
            }
            Err(JwtError::Refused(reason)) => Some(format!("{reason:?}")),
            Err(JwtError::Keys(error)) => panic!("{name}: {error}"),
        };
        assert_eq!(reason, *refused, "{name}");
    }
    assert!(pool.table.rows.len() > 50);
    assert_eq!(pool.fetches(), 1, "invented keys cost the pool no fetch");
}

#[tokio::test]
async fn a_header_may_name_the_scheme_or_not() {
    let pool = Pool::start().await;
    let token = pool.table.token("an access token");
    for (header, taken) in [
        (token.to_owned(), true),
        (format!("Bearer {token}"), true),
        (format!("bearer   {token} "), true),
        (format!("Basic {token}"), false),
        (format!("Bearer Bearer {token}"), false),
        ("Bearer".to_owned(), false),
        ("Bearer ".to_owned(), false),
    ] {
        let verified = pool.verifier.verify(Some(&header)).await;
        assert_eq!(verified.is_ok(), taken, "{header:.20}");
    }
    for second in [token, "Basic eA==", ""] {
        for header in [format!("{token},{second}"), format!("{second}, {token}")] {
            let verified = pool.verifier.verify(Some(&header)).await;
            let several = matches!(verified, Err(JwtError::Refused(Refused::Several)));
            assert!(several, "{header:.20}");
        }
    }
    for header in [None, Some(""), Some("  ")] {
        let verified = pool.verifier.verify(header).await;
        let missing = matches!(verified, Err(JwtError::Refused(Refused::Missing)));
        assert!(missing, "{header:?}");
    }
}

#[tokio::test]
async fn time_counts_to_the_millisecond() {
    let pool = Pool::start().await;
    let expires_ms = (pool.table.now + 3000) * 1000;
    for (now_ms, taken) in [
        (expires_ms - 1, true),
        (expires_ms, false),
        (i64::MAX, false),
    ] {
        pool.clock.0.store(now_ms, Ordering::SeqCst);
        let verified = pool.verify("an access token").await;
        assert_eq!(verified.is_ok(), taken, "{now_ms}");
    }
    let begins_ms = (pool.table.now + 30) * 1000;
    for (now_ms, taken) in [(begins_ms - 60_001, false), (begins_ms - 60_000, true)] {
        pool.clock.0.store(now_ms, Ordering::SeqCst);
        let verified = pool.verify("not valid yet, within the skew").await;
        assert_eq!(verified.is_ok(), taken, "{now_ms}");
    }
}

#[tokio::test]
async fn those_who_come_at_once_wait_for_one_fetch() {
    let pool = Pool::start().await;
    let free = pool.answers.available_permits();
    let held = pool
        .answers
        .acquire_many(u32::try_from(free).unwrap_or(u32::MAX))
        .await;
    let held = held.expect("open");
    let asked = join_all((0..20).map(|_| pool.verify("an access token")));
    let released = async {
        while pool.fetches() == 0 {
            tokio::task::yield_now().await;
        }
        drop(held);
    };
    let (verified, ()) = tokio::join!(asked, released);
    assert!(verified.iter().all(Result::is_ok));
    assert_eq!(pool.fetches(), 1);
}

#[tokio::test]
async fn one_who_leaves_does_not_end_the_fetch_for_the_others() {
    let pool = Pool::start().await;
    let free = pool.answers.available_permits();
    let held = pool
        .answers
        .acquire_many(u32::try_from(free).unwrap_or(u32::MAX))
        .await;
    let held = held.expect("open");
    {
        let asked = async {
            while pool.fetches() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = pool.verify("an access token") => panic!("answered without keys"),
            () = asked => {}
        }
    }
    drop(held);
    assert!(pool.verify("an access token").await.is_ok());
    assert_eq!(pool.fetches(), 1);
}

#[tokio::test]
async fn a_new_key_is_fetched_and_a_withdrawn_one_forgotten() {
    let pool = Pool::start().await;
    assert!(pool.verify("an access token").await.is_ok());
    let both = json!({"keys": [pool.table.jwks["keys"][0], renamed(&pool.table.jwks, "another")]});
    pool.jwks.send_replace(both.to_string());
    let unknown = "a key that the pool does not have";
    // Not again so soon.
    assert!(matches!(
        pool.verify(unknown).await,
        Err(JwtError::Refused(Refused::Signature))
    ));
    assert_eq!(pool.fetches(), 1);
    pool.clock.advance_ms(10_000);
    assert!(pool.verify(unknown).await.is_ok());
    assert!(pool.verify("an access token").await.is_ok());
    assert_eq!(pool.fetches(), 2);

    pool.jwks
        .send_replace(json!({"keys": [renamed(&pool.table.jwks, "another")]}).to_string());
    assert!(pool.verify("an access token").await.is_ok());
    assert_eq!(pool.fetches(), 2);
    pool.clock
        .0
        .store((pool.table.now + 3010) * 1000 + 600_000, Ordering::SeqCst);
    pool.clock.advance_ms(3_600_000);
    assert!(matches!(
        pool.verify("an access token").await,
        Err(JwtError::Refused(Refused::Signature))
    ));
    assert_eq!(pool.fetches(), 3);
}

#[tokio::test]
async fn no_keys_is_no_refusal_and_passes() {
    let pool = Pool::start().await;
    pool.status.store(500, Ordering::SeqCst);
    let failed = |verified| matches!(verified, Err(JwtError::Keys(KeysError::Status(_))));
    assert!(failed(pool.verify("an access token").await));
    // Not again so soon.
    assert!(failed(pool.verify("an access token").await));
    assert_eq!(pool.fetches(), 1);
    pool.clock.advance_ms(1_000);
    pool.status.store(200, Ordering::SeqCst);
    assert!(pool.verify("an access token").await.is_ok());

    // The pool is away for longer than its keys are good for: they are taken all the same.
    pool.status.store(500, Ordering::SeqCst);
    pool.clock.advance_ms(2_989_000);
    assert!(pool.verify("an access token").await.is_ok());
    assert_eq!(pool.fetches(), 2);
    pool.clock.advance_ms(10_000);
    assert!(failed(
        pool.verify("a key that the pool does not have").await
    ));
    assert_eq!(pool.fetches(), 3);
}

#[tokio::test]
async fn what_is_no_key_set_is_no_refusal_either() {
    let pool = Pool::start().await;
    for (body, expected) in [
        (
            "<html>".to_owned(),
            "the user pool's keys are not a JSON Web Key Set",
        ),
        (
            "[]".to_owned(),
            "the user pool's keys are not a JSON Web Key Set",
        ),
        (
            " ".repeat(70_000),
            "the user pool's keys are more than 65536 bytes",
        ),
    ] {
        pool.jwks.send_replace(body);
        pool.clock.advance_ms(1_000);
        let Err(JwtError::Keys(error)) = pool.verify("an access token").await else {
            panic!("{expected}")
        };
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn keys_of_another_make_are_passed_over() {
    let pool = Pool::start().await;
    let key = &pool.table.jwks["keys"][0];
    let but = |name: &str, value: Value| {
        let mut key = key.clone();
        key[name] = value;
        key
    };
    for other in [
        but("kty", json!("EC")),
        but("alg", json!("RS384")),
        but("use", json!("enc")),
        but("n", json!("!")),
        but("kid", Value::Null),
    ] {
        pool.jwks.send_replace(json!({"keys": [other]}).to_string());
        pool.clock.advance_ms(10_000);
        let verified = pool.verify("an access token").await;
        assert!(
            matches!(verified, Err(JwtError::Refused(Refused::Signature))),
            "{other}"
        );
    }
    pool.jwks
        .send_replace(json!({"keys": [but("use", Value::Null)]}).to_string());
    pool.clock.advance_ms(10_000);
    assert!(pool.verify("an access token").await.is_ok());
}

#[test]
fn the_issuer_is_read_from_the_environment() {
    let read = |issuer: &str, clients: &str| {
        let lookup = |name: &str| match name {
            "COGNITO_ISSUER" => Some(issuer.to_owned()),
            "COGNITO_CLIENT_ID" => Some(clients.to_owned()),
            _ => None,
        };
        let mut reader = Reader::new(&lookup);
        let issuer = JwtIssuer::read(&mut reader);
        reader.finish(issuer).map_err(|error| error.to_string())
    };
    let issuer = read("https://pool.example/id/", "a, b,,").expect("valid");
    assert_eq!(issuer.url, "https://pool.example/id");
    assert_eq!(issuer.client_ids, ["a", "b"]);
    let error = read("pool", " ").expect_err("refused");
    assert!(error.contains("`COGNITO_ISSUER` is `pool`"), "{error}");
    assert!(error.contains("`COGNITO_CLIENT_ID`"), "{error}");
}

fn renamed(jwks: &Value, key_id: &str) -> Value {
    let mut key = jwks["keys"][0].clone();
    key["kid"] = key_id.into();
    key
}
