//! The fault `indexLag`.

use std::time::Duration;

use local_faults::{Fault, FaultPlan, FaultService, Faults, Rule};
use local_kit::clock::Clock;
use tokio::time::timeout;

use super::conversations::{CONVERSATIONS, head, ids};
use super::{Local, number, start_with_faults, text};

/// Longer than any test.
const LONG_MS: u64 = 600_000;

async fn start(ms: u64) -> (Local, Faults) {
    let faults = Faults::default();
    let local = start_with_faults(None, &Clock::system(), faults.clone()).await;
    set(&faults, ms);
    (local, faults)
}

fn set(faults: &Faults, ms: u64) {
    let rule = Rule::new(FaultService::DynamoDb, "Query", Fault::IndexLag { ms });
    let plan = FaultPlan::default().with(rule);
    faults.set(plan).expect("a plan");
}

impl Local {
    async fn begin(&self, id: &str) {
        let head = head(id, "ada", 1).build().expect("a put");
        let request = self.client.put_item().table_name(CONVERSATIONS);
        let sent = request.set_item(Some(head.item)).send();
        sent.await.expect("written");
    }

    async fn listed(&self) -> Vec<String> {
        let listed = self.of_owner("ada").send().await.expect("listed");
        assert_eq!(
            listed.count(),
            i32::try_from(listed.items().len()).expect("few")
        );
        ids(listed.items()).into_iter().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn an_index_lags_behind_and_its_table_does_not() {
    let (local, faults) = start(LONG_MS).await;
    faults.clear();
    local.begin("before").await;
    set(&faults, LONG_MS);
    local.begin("after").await;
    assert_eq!(local.listed().await, ["before"]);
    assert_eq!(faults.report()[0].fired, 1);

    let read = local
        .client
        .get_item()
        .table_name(CONVERSATIONS)
        .key("conversationId", text("after"))
        .key("item", text("conversation"))
        .consistent_read(true)
        .send();
    assert!(read.await.expect("read").item.is_some());
    let query = local
        .client
        .query()
        .table_name(CONVERSATIONS)
        .key_condition_expression("conversationId = :id")
        .expression_attribute_values(":id", text("after"))
        .send();
    assert_eq!(query.await.expect("read").count(), 1);
    // A query of the table itself is none of the rule's events.
    assert_eq!(faults.report()[0].matched, 1);
    local.db.shutdown().await;
}

#[tokio::test]
async fn every_kind_of_write_is_late() {
    let (local, faults) = start(LONG_MS).await;
    faults.clear();
    local.begin("updated").await;
    assert_eq!(local.listed().await, ["updated"]);
    set(&faults, LONG_MS);
    let put = head("transacted", "ada", 2).build().expect("a put");
    let put = aws_sdk_dynamodb::types::TransactWriteItem::builder().put(put);
    local.transact(vec![put.build()]).await.expect("written");
    let update = local
        .client
        .update_item()
        .table_name(CONVERSATIONS)
        .key("conversationId", text("updated"))
        .key("item", text("conversation"))
        .update_expression("SET version = :two")
        .expression_attribute_values(":two", number(2))
        .send();
    update.await.expect("written");
    assert!(local.listed().await.is_empty());
    faults.clear();
    assert_eq!(local.listed().await.len(), 2);
    local.db.shutdown().await;
}

#[tokio::test]
async fn an_index_catches_up() {
    let (local, _faults) = start(20).await;
    local.begin("c1").await;
    let caught_up = async { while local.listed().await.is_empty() {} };
    timeout(Duration::from_secs(10), caught_up)
        .await
        .expect("the index catches up");
    local.db.shutdown().await;
}
