//! Sessions of other days, so that the table is as large as one that is used.

use futures_util::StreamExt as _;
use futures_util::stream::{self, TryStreamExt as _};
use serde_json::{Value, json};
use tokencast::stack::TABLE;
use tokencast_core::id::SessionId;

use crate::error::{BenchError, Step as _};
use crate::metered::Metered;

/// DynamoDB's limit for one batch.
const BATCH: usize = 25;
const AT_ONCE: usize = 4;

/// Adds sessions until there are so many.
pub(super) async fn fill(bench: &Metered, there: usize, wanted: usize) -> Result<(), BenchError> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .to("make an HTTP client")?;
    let url = bench.stack.info.endpoints.url();
    let batches = (there..wanted)
        .step_by(BATCH)
        .map(|first| BATCH.min(wanted - first));
    let writes = batches.map(|size| write(&client, &url, size));
    let written = stream::iter(writes).buffer_unordered(AT_ONCE);
    written.try_collect::<Vec<()>>().await.map(drop)
}

async fn write(client: &reqwest::Client, url: &str, size: usize) -> Result<(), BenchError> {
    let puts: Vec<Value> = (0..size)
        .map(|_| json!({ "PutRequest": { "Item": item() } }))
        .collect();
    let request = client
        .post(url)
        .header("x-amz-target", "DynamoDB_20120810.BatchWriteItem")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-date", "20260101T000000Z")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
        )
        .body(json!({ "RequestItems": { TABLE: puts } }).to_string());
    let answer = request.send().await.to("fill the table")?;
    let status = answer.status();
    let body: Value = answer.json().await.to("fill the table")?;
    let is_done = body["UnprocessedItems"]
        .as_object()
        .is_none_or(serde_json::Map::is_empty);
    if status.is_success() && is_done {
        return Ok(());
    }
    Err(BenchError::Wrong(format!(
        "the table answered {status}: {body}"
    )))
}

/// As large as a short answer's.
fn item() -> Value {
    json!({
        "sessionId": { "S": SessionId::random().to_string() },
        "owner": { "S": SessionId::random().to_string() },
        "status": { "S": "COMPLETED" },
        "text": { "S": "An answer of some length. ".repeat(16) },
        "expiresAt": { "N": "4000000000" },
    })
}
