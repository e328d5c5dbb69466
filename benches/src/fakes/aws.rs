//! A DynamoDB and an SQS that agree to everything at once and keep nothing: every session is a new one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response, header};

use super::server::{Answer, Server};
use crate::error::BenchError;

#[derive(Debug)]
pub struct Aws {
    server: Server,
    calls: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Aws {
    pub async fn start() -> Result<Self, BenchError> {
        let calls = Arc::<Mutex<BTreeMap<String, u64>>>::default();
        let counted = Arc::clone(&calls);
        let server = Server::start(Arc::new(move |request| {
            let operation = operation(&request);
            *counted
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(operation)
                .or_default() += 1;
            agree(request).boxed()
        }))
        .await?;
        Ok(Self { server, calls })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// How often each operation was called so far.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn operation(request: &Request<Incoming>) -> String {
    let target = request.headers().get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok());
    let name = target.and_then(|target| target.rsplit('.').next());
    name.unwrap_or("unknown").to_owned()
}

async fn agree(request: Request<Incoming>) -> Answer {
    // What a client that hangs up had to say does not matter.
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Full::new(Bytes::from_static(b"{}")).boxed_unsync());
    let json = header::HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
