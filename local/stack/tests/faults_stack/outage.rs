//! An outage of a service.

use local_faults::{Fault, FaultService};

use crate::stack::{Stack, eventually, rule};

#[tokio::test]
async fn an_outage_is_of_one_whole_service_and_ends() {
    let fault = Fault::Unavailable { for_ms: Some(300) };
    let stack = Stack::with(rule(FaultService::DynamoDb, "PutItem", fault).times(1)).await;
    let tables = async || stack.dynamodb().list_tables().send().await;
    tables().await.expect("before it");
    let put = stack.dynamodb().put_item().table_name("things");
    put.send().await.expect_err("it begins");
    tables().await.expect_err("another operation is out, too");
    stack.send("a").await.expect("another service is not");
    eventually(async || tables().await.ok()).await;
    stack.stop().await;
}

#[tokio::test]
async fn without_an_end_it_lasts_until_the_plan_is_cleared() {
    let fault = Fault::Unavailable { for_ms: None };
    let stack = Stack::with(rule(FaultService::Sqs, "*", fault)).await;
    for _ in 0..3 {
        stack.send("a").await.expect_err("out");
    }
    assert_eq!(stack.counts(), [1, 1]);
    stack.local.faults().clear();
    stack.send("a").await.expect("back");
    stack.stop().await;
}
