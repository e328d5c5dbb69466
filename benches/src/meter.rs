//! A proxy between the functions and a stack. It counts the functions' requests in the units that AWS bills, and delays
//! AppSync's responses. So the bill follows from what was done.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tokio::time::sleep_until;

use crate::error::{BenchError, Step as _, chain};
use crate::fakes::server::Server;
use crate::spread::to_f64;
use crate::subscriber::http_client;

/// SQS bills each 64 KB of a request as one request.
const SQS_UNIT_BYTES: usize = 64 * 1024;

/// DynamoDB bills each KB of an item that is written, and each 4 KB of an item that is read consistently.
const WRITE_UNIT_BYTES: usize = 1024;
const READ_UNIT_BYTES: usize = 4096;

#[derive(Debug)]
pub struct Meter {
    server: Server,
    shared: Arc<Shared>,
}

/// The requests counted so far.
#[derive(Debug, Default)]
pub struct Seen {
    pub publishes: Vec<Passed>,
    pub sqs_requests: f64,
    /// DynamoDB's units, computed from the sizes of the items.
    write_units: f64,
    read_units: f64,
    read_bytes: f64,
}

impl Seen {
    pub fn write_units(&self) -> f64 {
        self.write_units
    }

    pub fn read_units(&self) -> f64 {
        self.read_units
    }

    /// The size of the items that were read.
    pub fn read_bytes(&self) -> f64 {
        self.read_bytes
    }
}

/// One `publishToken` that passed.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    pub at: Instant,
    pub token_bytes: usize,
}

#[derive(Debug)]
struct Shared {
    client: reqwest::Client,
    /// The stack's URL, which is known once the stack has started.
    target: OnceLock<String>,
    /// The time that AppSync takes on AWS to answer a mutation.
    answer_time: Duration,
    seen: Mutex<Seen>,
}

impl Meter {
    /// Starts the proxy.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn start(answer_time: Duration) -> Result<Self, BenchError> {
        let shared = Arc::new(Shared {
            client: http_client()?,
            target: OnceLock::new(),
            answer_time,
            seen: Mutex::default(),
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let server = Server::start(router).await?;
        Ok(Self { server, shared })
    }

    /// Sets the stack to pass requests on to.
    pub fn aim(&self, url: String) {
        // A meter belongs to one stack, so a second call changes nothing.
        let _ = self.shared.target.set(url);
    }

    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.server.address.port())
    }

    /// Returns the counts since the last call.
    pub fn take(&self) -> Seen {
        std::mem::take(&mut *self.shared.seen())
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let answered = pass(&shared, request).await;
    answered.unwrap_or_else(|error| (StatusCode::BAD_GATEWAY, chain(&error)).into_response())
}

async fn pass(shared: &Shared, request: Request) -> Result<Response, BenchError> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await;
    let body = body.to("read a request")?;
    let came = Instant::now();
    let target = head.headers.get("x-amz-target").map(HeaderValue::to_str);
    let target = target.and_then(Result::ok).unwrap_or_default();
    let (service, operation) = target.split_once('.').unwrap_or_default();
    let url = shared.target.get().map_or("", String::as_str);
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let passed_on = shared
        .client
        .request(head.method, format!("{url}{path}"))
        .headers(without_length(head.headers.clone()))
        .body(body.clone());
    let answer = passed_on.send().await.to("pass a request on")?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let answer = answer.bytes().await.to("read an answer")?;
    if service.starts_with("DynamoDB") {
        let mut seen = shared.seen();
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
        if matches!(operation, "GetItem" | "BatchGetItem" | "Query") {
            let (asked, answer) = (json(&body), json(&answer));
            seen.read_units += read_units(operation, &asked, &answer);
            seen.read_bytes += to_f64(items(&answer).map(item_bytes).sum::<usize>() as u64);
        } else {
            seen.write_units += write_units(operation, &json(&body));
        }
    } else if service == "AmazonSQS" {
        shared.seen().sqs_requests += sqs_requests(body.len());
    } else if let Some(token_bytes) = published(&body) {
        let publish = Passed {
            at: came,
            token_bytes,
        };
        shared.seen().publishes.push(publish);
        sleep_until((came + shared.answer_time).into()).await;
    }
    Ok((status, without_length(headers), answer).into_response())
}

/// Removes the headers about the body's length, which has changed.
fn without_length(mut headers: HeaderMap) -> HeaderMap {
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
    headers
}

/// Returns the units billed for a request that writes items. The proxy can't ask DynamoDB for the consumed capacity,
/// because the request is signed as it is. A transaction takes two units for each.
fn write_units(operation: &str, asked: &Value) -> f64 {
    let units = |item| item_bytes(item).div_ceil(WRITE_UNIT_BYTES).max(1);
    if operation != "TransactWriteItems" {
        return to_f64(units(&asked["Item"]) as u64);
    }
    let actions = asked["TransactItems"].as_array().into_iter().flatten();
    let each = actions.flat_map(|action| action.as_object().into_iter().flat_map(|it| it.values()));
    to_f64(each.map(|action| 2 * units(&action["Item"])).sum::<usize>() as u64)
}

/// Returns the units billed for a response that contains items. A read that isn't consistent takes half. A query is
/// billed for all of its items together.
fn read_units(operation: &str, asked: &Value, answer: &Value) -> f64 {
    let units = |bytes: usize| to_f64(bytes.div_ceil(READ_UNIT_BYTES).max(1) as u64);
    let tables = asked["RequestItems"].as_object().into_iter().flatten();
    let is_consistent = asked["ConsistentRead"] == true
        || tables
            .clone()
            .any(|(_, table)| table["ConsistentRead"] == true);
    let whole = match operation {
        "Query" => units(items(answer).map(item_bytes).sum()),
        _ => items(answer)
            .map(|item| units(item_bytes(item)))
            .sum::<f64>()
            .max(1.0),
    };
    if is_consistent { whole } else { whole / 2.0 }
}

/// The items of a response: of a `GetItem`, a `BatchGetItem` or a `Query`.
fn items(answer: &Value) -> impl Iterator<Item = &Value> {
    let batches = answer["Responses"].as_object().into_iter().flatten();
    let batch = batches.flat_map(|(_, items)| items.as_array().into_iter().flatten());
    let query = answer["Items"].as_array().into_iter().flatten();
    answer.get("Item").into_iter().chain(batch).chain(query)
}

/// Returns an item's size by DynamoDB's rules:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>.
fn item_bytes(item: &Value) -> usize {
    let attributes = item.as_object().into_iter().flatten();
    attributes
        .map(|(name, value)| name.len() + value_bytes(value))
        .sum()
}

fn value_bytes(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else {
        return 0;
    };
    let text = value.as_str().unwrap_or_default().len();
    match kind.as_str() {
        "S" => text,
        // A number takes a byte for two digits, and one for the sign and the exponent.
        "N" => text.div_ceil(2) + 1,
        // The bytes are in base64.
        "B" => text / 4 * 3,
        "M" => 3 + item_bytes(value) + value.as_object().map_or(0, serde_json::Map::len),
        "L" => {
            let values = value.as_array().into_iter().flatten();
            3 + values.map(|value| 1 + value_bytes(value)).sum::<usize>()
        }
        _ => 1,
    }
}

fn sqs_requests(bytes: usize) -> f64 {
    to_f64(bytes.div_ceil(SQS_UNIT_BYTES).max(1) as u64)
}

/// Returns the size of the token in a `publishToken`.
fn published(body: &[u8]) -> Option<usize> {
    let body: Value = serde_json::from_slice(body).ok()?;
    Some(body["variables"]["token"].as_str()?.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_size_of_an_item_is_dynamodbs() {
        for (item, expected) in [
            (json!({"id": {"S": "abc"}}), 5),
            (json!({"n": {"N": "1234"}}), 4),
            (json!({"b": {"BOOL": true}}), 2),
            (json!({"b": {"B": "AAAA"}}), 4),
            (json!({"m": {"M": {"a": {"S": "x"}}}}), 1 + 3 + 2 + 1),
            (json!({"l": {"L": [{"S": "x"}, {"N": "1"}]}}), 1 + 3 + 2 + 3),
        ] {
            assert_eq!(item_bytes(&item), expected, "{item}");
        }
    }

    #[test]
    fn units_are_dynamodbs() {
        let item = |bytes: usize| json!({ "a": { "S": "x".repeat(bytes - 1) } });
        for (operation, asked, answer, expected) in [
            ("GetItem", json!({}), json!({ "Item": item(4_097) }), 1.0),
            (
                "GetItem",
                json!({ "ConsistentRead": true }),
                json!({ "Item": item(4_097) }),
                2.0,
            ),
            ("GetItem", json!({ "ConsistentRead": true }), json!({}), 1.0),
            (
                "Query",
                json!({ "ConsistentRead": true }),
                json!({ "Items": [item(100), item(4_000)] }),
                2.0,
            ),
            (
                "BatchGetItem",
                json!({ "RequestItems": { "t": { "ConsistentRead": true } } }),
                json!({ "Responses": { "t": [item(100), item(4_097)] } }),
                3.0,
            ),
        ] {
            let units = read_units(operation, &asked, &answer);
            assert!(
                (units - expected).abs() < 1e-9,
                "{operation} {asked}: {units}"
            );
        }
        let put = json!({ "Put": { "Item": item(1_025) } });
        for (operation, asked, expected) in [
            ("PutItem", json!({ "Item": item(1_025) }), 2.0),
            ("DeleteItem", json!({ "Key": {} }), 1.0),
            (
                "TransactWriteItems",
                json!({ "TransactItems": [put, { "ConditionCheck": { "Key": {} } }] }),
                6.0,
            ),
        ] {
            let units = write_units(operation, &asked);
            assert!((units - expected).abs() < 1e-9, "{operation}: {units}");
        }
    }

    #[test]
    fn a_large_request_of_sqs_is_several() {
        for (bytes, expected) in [(1, 1.0), (65_536, 1.0), (65_537, 2.0)] {
            assert!((sqs_requests(bytes) - expected).abs() < 1e-9, "{bytes}");
        }
    }
}
