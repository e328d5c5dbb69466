//! The official SDK against the local tables, for what sessions, leases and conversations rely on.

mod conversations;
mod index_lag;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TimeToLiveStatus,
};
use local_dynamodb::DynamoDb;
use local_dynamodb::config::TableConfig;
use local_faults::Faults;
use local_kit::clock::Clock;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const TABLE: &str = "sessions";

struct Local {
    db: DynamoDb,
    client: Client,
}

async fn start(state: Option<&Path>, clock: &Clock) -> Local {
    start_with_faults(state, clock, Faults::default()).await
}

async fn start_with_faults(state: Option<&Path>, clock: &Clock, faults: Faults) -> Local {
    let tables = [
        TableConfig {
            ttl_attribute: Some("expiresAt".into()),
            ..TableConfig::new(TABLE, "sessionId")
        },
        conversations::table(),
    ];
    let db = DynamoDb::start(&tables, state, clock).expect("started");
    let db = db.with_faults(faults);
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let router = db.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("AKIDLOCAL", "secret", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(url)
        .build();
    Local {
        db,
        client: Client::from_conf(config),
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

impl Local {
    async fn put(&self, id: &str, attributes: &[(&str, AttributeValue)]) {
        let mut request = self
            .client
            .put_item()
            .table_name(TABLE)
            .item("sessionId", text(id));
        for (name, value) in attributes {
            request = request.item(*name, value.clone());
        }
        request.send().await.expect("put");
    }

    async fn get(&self, id: &str) -> Option<HashMap<String, AttributeValue>> {
        let request = self
            .client
            .get_item()
            .table_name(TABLE)
            .key("sessionId", text(id))
            .consistent_read(true);
        request.send().await.expect("got").item
    }

    /// Takes the lease: raises `attempt` by one, which only one caller can.
    async fn take_lease(
        &self,
        id: &str,
        attempt: i64,
    ) -> Result<HashMap<String, AttributeValue>, aws_sdk_dynamodb::Error> {
        let updated = self
            .client
            .update_item()
            .table_name(TABLE)
            .key("sessionId", text(id))
            .update_expression("SET #status = :streaming ADD attempt :one")
            .condition_expression("attempt = :attempt AND #status IN (:queued, :streaming)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":streaming", text("STREAMING"))
            .expression_attribute_values(":queued", text("QUEUED"))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":attempt", number(attempt))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await?;
        Ok(updated.attributes.unwrap_or_default())
    }
}

#[tokio::test]
async fn a_failed_condition_returns_the_item() {
    let local = start(None, &Clock::system()).await;
    local
        .put("a", &[("status", text("QUEUED")), ("attempt", number(0))])
        .await;
    let taken = local.take_lease("a", 0).await.expect("the first");
    assert_eq!(
        (&taken["attempt"], &taken["status"]),
        (&number(1), &text("STREAMING"))
    );
    match local.take_lease("a", 0).await.expect_err("the second") {
        aws_sdk_dynamodb::Error::ConditionalCheckFailedException(failed) => {
            assert_eq!(failed.item().expect("the item")["attempt"], number(1));
        }
        other => panic!("unexpected {other:?}"),
    }
    local.db.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_at_once_one_wins() {
    let local = std::sync::Arc::new(start(None, &Clock::system()).await);
    local
        .put("a", &[("status", text("QUEUED")), ("attempt", number(0))])
        .await;
    let mut racers = JoinSet::new();
    for _ in 0..100 {
        let local = std::sync::Arc::clone(&local);
        racers.spawn(async move { local.take_lease("a", 0).await.is_ok() });
    }
    let won = racers
        .join_all()
        .await
        .into_iter()
        .filter(|won| *won)
        .count();
    assert_eq!(won, 1);
    assert_eq!(local.get("a").await.expect("an item")["attempt"], number(1));
}

#[tokio::test]
async fn tables_are_as_configured() {
    let local = start(None, &Clock::system()).await;
    let table = local
        .client
        .describe_table()
        .table_name(TABLE)
        .send()
        .await
        .expect("described")
        .table
        .expect("a table");
    assert_eq!(table.key_schema()[0].attribute_name(), "sessionId");
    let ttl = local
        .client
        .describe_time_to_live()
        .table_name(TABLE)
        .send()
        .await
        .expect("described");
    let ttl = ttl.time_to_live_description.expect("a description");
    assert_eq!(ttl.attribute_name(), Some("expiresAt"));
    assert_eq!(ttl.time_to_live_status(), Some(&TimeToLiveStatus::Enabled));
    let missing = local
        .client
        .get_item()
        .table_name("other")
        .key("sessionId", text("a"))
        .send()
        .await;
    assert!(
        missing
            .expect_err("no table")
            .into_service_error()
            .is_resource_not_found_exception()
    );
}

#[tokio::test]
async fn items_expire_by_the_injected_clock() {
    let clock = Clock::system();
    let local = start(None, &clock).await;
    let expires_at = clock.now_ms() / 1_000 + 3_600;
    local.put("old", &[("expiresAt", number(expires_at))]).await;
    local
        .put("new", &[("expiresAt", number(expires_at + 7_200))])
        .await;
    assert_eq!(local.db.expire_now().await, 0);
    clock.advance(Duration::from_secs(3_700));
    local.db.expire_now().await;
    assert_eq!(local.get("old").await, None);
    assert!(local.get("new").await.is_some());
}

#[tokio::test]
async fn a_kept_database_survives_a_restart() {
    let state = tempfile::tempdir().expect("a directory");
    let state = state.path().join("deep");
    let first = start(Some(&state), &Clock::system()).await;
    first.put("a", &[("text", text("🌊"))]).await;
    first.db.shutdown().await;
    let second = start(Some(&state), &Clock::system()).await;
    assert_eq!(second.get("a").await.expect("kept")["text"], text("🌊"));
    second.db.shutdown().await;
}

#[tokio::test]
async fn a_database_that_is_shut_down_says_so() {
    let local = start(None, &Clock::system()).await;
    local.db.shutdown().await;
    let failed = local
        .client
        .get_item()
        .table_name(TABLE)
        .key("sessionId", text("a"))
        .send()
        .await;
    assert!(
        failed
            .expect_err("not running")
            .into_service_error()
            .is_internal_server_error()
    );
}
