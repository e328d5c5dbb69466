//! A proxy in front of a stack, which the functions talk to instead: it counts what they ask for by AWS's own units, and
//! has AppSync take its time. So what is counted is what was done.

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

/// SQS bills each 64 KB of a request.
const SQS_UNIT_BYTES: usize = 64 * 1024;

/// DynamoDB bills each KB of an item that is written, and each 4 KB of one that is read consistently.
const WRITE_UNIT_BYTES: usize = 1024;
const READ_UNIT_BYTES: usize = 4096;

#[derive(Debug)]
pub struct Meter {
    server: Server,
    shared: Arc<Shared>,
}

/// What has passed.
#[derive(Debug, Default)]
pub struct Seen {
    pub publishes: Vec<Passed>,
    pub sqs_requests: f64,
    /// DynamoDB's, by the sizes of the items.
    pub write_units: f64,
    pub read_units: f64,
}

/// One `publishToken`.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    pub at: Instant,
    pub token_bytes: usize,
}

#[derive(Debug)]
struct Shared {
    client: reqwest::Client,
    /// The stack's URL, known once it is started.
    target: OnceLock<String>,
    /// What AppSync's answer to a mutation takes on AWS.
    answer_time: Duration,
    seen: Mutex<Seen>,
}

impl Meter {
    /// # Errors
    ///
    /// There is no port to listen at.
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

    /// Whom to pass everything on to.
    pub fn aim(&self, url: String) {
        // A meter is of one stack.
        let _ = self.shared.target.set(url);
    }

    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.server.address.port())
    }

    /// What was counted since this was last called.
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
        if matches!(operation, "GetItem" | "BatchGetItem") {
            seen.read_units += units(&answer, READ_UNIT_BYTES);
        } else {
            seen.write_units += units(&body, WRITE_UNIT_BYTES);
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

/// The length is of the body as it is now.
fn without_length(mut headers: HeaderMap) -> HeaderMap {
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
    headers
}

/// What a request that writes an item or an answer that has one is billed. The request can't ask the table for that: it is
/// signed as it is.
fn units(json: &[u8], unit_bytes: usize) -> f64 {
    let json: Value = serde_json::from_slice(json).unwrap_or_default();
    let batches = json["Responses"].as_object().into_iter().flatten();
    let items = batches.flat_map(|(_, items)| items.as_array().into_iter().flatten());
    let units = |item| item_bytes(item).div_ceil(unit_bytes).max(1);
    let batch: usize = items.map(units).sum();
    to_f64(batch.max(units(&json["Item"])) as u64)
}

/// DynamoDB's rules: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>.
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
        // Two digits a byte, and one for the sign and the exponent.
        "N" => text.div_ceil(2) + 1,
        // In base64.
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

/// The bytes of a `publishToken`'s token.
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
    fn a_large_request_of_sqs_is_several() {
        for (bytes, expected) in [(1, 1.0), (65_536, 1.0), (65_537, 2.0)] {
            assert!((sqs_requests(bytes) - expected).abs() < 1e-9, "{bytes}");
        }
    }
}
