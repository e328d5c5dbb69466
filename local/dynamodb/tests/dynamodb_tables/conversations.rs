//! Tables with a sort key and an index, and transactions over two tables.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, KeySchemaElement,
    KeysAndAttributes, ProjectionType, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    Update,
};
use local_dynamodb::config::{IndexConfig, KeyAttribute, KeyAttributeType, TableConfig};
use local_kit::clock::Clock;

use super::{Local, TABLE, number, start, text};

pub(super) const CONVERSATIONS: &str = "conversations";
pub(super) const BY_OWNER: &str = "byOwner";

pub(super) fn table() -> TableConfig {
    let attribute = |name: &str, key_type| KeyAttribute {
        name: name.into(),
        key_type,
    };
    TableConfig {
        sort_key: Some(attribute("item", KeyAttributeType::String)),
        indexes: vec![IndexConfig {
            name: BY_OWNER.into(),
            partition_key: attribute("listOwner", KeyAttributeType::String),
            sort_key: Some(attribute("listedAt", KeyAttributeType::Number)),
        }],
        ..TableConfig::new(CONVERSATIONS, "conversationId")
    }
}

type Item = HashMap<String, AttributeValue>;

pub(super) fn head(id: &str, owner: &str, listed_at: i64) -> PutBuilder {
    Put::builder()
        .table_name(CONVERSATIONS)
        .item("conversationId", text(id))
        .item("item", text("conversation"))
        .item("listOwner", text(owner))
        .item("listedAt", number(listed_at))
        .item("version", number(1))
}

fn turn(conversation: &str, session: &str) -> PutBuilder {
    Put::builder()
        .table_name(CONVERSATIONS)
        .item("conversationId", text(conversation))
        .item("item", text(&format!("turn#{session}")))
}

fn session(id: &str) -> PutBuilder {
    Put::builder()
        .table_name(TABLE)
        .item("sessionId", text(id))
        .item("version", number(1))
}

fn put(put: PutBuilder) -> TransactWriteItem {
    let put = put.build().expect("a put");
    TransactWriteItem::builder().put(put).build()
}

fn new(put: PutBuilder) -> TransactWriteItem {
    let put = put
        .condition_expression("attribute_not_exists(version)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    self::put(put)
}

impl Local {
    pub(super) async fn transact(
        &self,
        actions: Vec<TransactWriteItem>,
    ) -> Result<(), SdkError<TransactWriteItemsError>> {
        let request = self.client.transact_write_items();
        let sent = request.set_transact_items(Some(actions)).send().await;
        sent.map(drop)
    }

    pub(super) fn of_owner(&self, owner: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(CONVERSATIONS)
            .index_name(BY_OWNER)
            .key_condition_expression("listOwner = :owner")
            .expression_attribute_values(":owner", text(owner))
            .scan_index_forward(false)
    }

    async fn items_of(&self, conversation: &str, beginning: &str) -> Vec<Item> {
        let found = self
            .client
            .query()
            .table_name(CONVERSATIONS)
            .key_condition_expression("conversationId = :id AND begins_with(#item, :beginning)")
            .expression_attribute_names("#item", "item")
            .expression_attribute_values(":id", text(conversation))
            .expression_attribute_values(":beginning", text(beginning))
            .consistent_read(true)
            .send();
        found.await.expect("found").items.unwrap_or_default()
    }
}

pub(super) fn ids(items: &[Item]) -> Vec<&str> {
    let ids = items.iter().map(|item| &item["conversationId"]);
    ids.map(|id| id.as_s().expect("a text").as_str()).collect()
}

fn reasons(failed: SdkError<TransactWriteItemsError>) -> Vec<CancellationReason> {
    match failed.into_service_error() {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            cancelled.cancellation_reasons.unwrap_or_default()
        }
        other => panic!("unexpected {other:?}"),
    }
}

fn codes(reasons: &[CancellationReason]) -> Vec<&str> {
    let codes = reasons.iter().map(|reason| reason.code());
    codes.map(Option::unwrap_or_default).collect()
}

#[tokio::test]
async fn a_transaction_writes_both_tables_or_neither() {
    let local = start(None, &Clock::system()).await;
    let begin = || {
        vec![
            new(session("s1")),
            new(head("c1", "ada", 1)),
            put(turn("c1", "s1")),
        ]
    };
    local.transact(begin()).await.expect("written");
    assert!(local.get("s1").await.is_some());
    assert_eq!(local.items_of("c1", "turn#").await.len(), 1);

    let mut again = begin();
    again[0] = new(session("s2"));
    let failed = local.transact(again).await.expect_err("cancelled");
    let reasons = reasons(failed);
    assert_eq!(codes(&reasons), ["None", "ConditionalCheckFailed", "None"]);
    let old = reasons[1].item().expect("the item as it is");
    assert_eq!(old["version"], number(1));
    assert!(local.get("s2").await.is_none());
    local.db.shutdown().await;
}

#[tokio::test]
async fn a_transaction_checks_updates_and_deletes() {
    let local = start(None, &Clock::system()).await;
    let begin = vec![
        new(session("s1")),
        new(head("c1", "ada", 1)),
        put(turn("c1", "s1")),
    ];
    local.transact(begin).await.expect("written");
    let end = |version: i64| {
        let check = ConditionCheck::builder()
            .table_name(TABLE)
            .key("sessionId", text("s1"))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(version))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        // A tombstone leaves the owner's list.
        let update = Update::builder()
            .table_name(CONVERSATIONS)
            .key("conversationId", text("c1"))
            .key("item", text("conversation"))
            .update_expression("SET version = :two REMOVE listOwner, listedAt")
            .expression_attribute_values(":two", number(2));
        let delete = Delete::builder()
            .table_name(CONVERSATIONS)
            .key("conversationId", text("c1"))
            .key("item", text("turn#s1"));
        vec![
            TransactWriteItem::builder()
                .condition_check(check.build().expect("a check"))
                .build(),
            TransactWriteItem::builder()
                .update(update.build().expect("an update"))
                .build(),
            TransactWriteItem::builder()
                .delete(delete.build().expect("a delete"))
                .build(),
        ]
    };
    let failed = local.transact(end(7)).await.expect_err("cancelled");
    let reasons = reasons(failed);
    assert_eq!(codes(&reasons), ["ConditionalCheckFailed", "None", "None"]);
    assert_eq!(reasons[0].item().expect("the item")["version"], number(1));
    assert_eq!(local.items_of("c1", "turn#").await.len(), 1);
    let listed = local.of_owner("ada").send().await.expect("listed");
    assert_eq!(ids(listed.items()), ["c1"]);

    local.transact(end(1)).await.expect("written");
    assert!(local.items_of("c1", "turn#").await.is_empty());
    let listed = local.of_owner("ada").send().await.expect("listed");
    assert!(listed.items().is_empty());
    local.db.shutdown().await;
}

#[tokio::test]
async fn an_index_has_an_owners_items_newest_first_in_pages() {
    let local = start(None, &Clock::system()).await;
    for (id, owner, listed_at) in [
        ("old", "ada", 9),
        ("new", "ada", 1_000),
        ("others", "bob", 5),
        ("middle", "ada", 50),
    ] {
        let written = local.transact(vec![
            put(head(id, owner, listed_at)),
            // Items without the index's attributes aren't in it.
            put(turn(id, "s1")),
        ]);
        written.await.expect("written");
    }
    let first = local.of_owner("ada").limit(2).send().await.expect("listed");
    assert_eq!(ids(first.items()), ["new", "middle"]);
    let key = first.last_evaluated_key.expect("more");
    let next = local.of_owner("ada").set_exclusive_start_key(Some(key));
    let next = next.send().await.expect("listed");
    assert_eq!(ids(next.items()), ["old"]);
    assert_eq!(next.last_evaluated_key, None);
    local.db.shutdown().await;
}

#[tokio::test]
async fn one_call_reads_from_both_tables() {
    let local = start(None, &Clock::system()).await;
    let written = local.transact(vec![new(session("s1")), new(head("c1", "ada", 1))]);
    written.await.expect("written");
    let keys = |key: &[(&str, &str)]| {
        let key = key
            .iter()
            .map(|(name, value)| ((*name).to_owned(), text(value)));
        let keys = KeysAndAttributes::builder()
            .keys(key.collect())
            .consistent_read(true);
        keys.build().expect("keys")
    };
    let read = local
        .client
        .batch_get_item()
        .request_items(TABLE, keys(&[("sessionId", "s1")]))
        .request_items(
            CONVERSATIONS,
            keys(&[("conversationId", "c1"), ("item", "conversation")]),
        )
        .send();
    let read = read.await.expect("read");
    let responses = read.responses.expect("responses");
    assert_eq!(responses[TABLE][0]["version"], number(1));
    assert_eq!(ids(&responses[CONVERSATIONS]), ["c1"]);
    local.db.shutdown().await;
}

#[tokio::test]
async fn a_sort_key_and_an_index_are_described() {
    let local = start(None, &Clock::system()).await;
    let described = local
        .client
        .describe_table()
        .table_name(CONVERSATIONS)
        .send();
    let table = described.await.expect("described").table.expect("a table");
    let names: Vec<_> = table
        .key_schema()
        .iter()
        .map(KeySchemaElement::attribute_name)
        .collect();
    assert_eq!(names, ["conversationId", "item"]);
    let [index] = table.global_secondary_indexes() else {
        panic!("one index")
    };
    assert_eq!(index.index_name(), Some(BY_OWNER));
    let projection = index.projection().and_then(|it| it.projection_type());
    assert_eq!(projection, Some(&ProjectionType::All));
    local.db.shutdown().await;
}
