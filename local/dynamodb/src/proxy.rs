//! Passes requests on to the database's own server.

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use local_kit::write_failures::WriteFailures;

use crate::index_lag::IndexLag;

/// `SQLite`'s errors for a file that can't be written.
const UNWRITABLE: [&str; 3] = [
    "database or disk is full",
    "disk I/O error",
    "attempt to write a readonly database",
];

/// Passes requests on unchanged, over connections that stay open.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    url: String,
    client: reqwest::Client,
    /// The database's file, if it has one, and where a failed write is reported.
    file: Option<(PathBuf, WriteFailures)>,
    pub(crate) index_lag: IndexLag,
}

/// Headers that belong to one connection, or that the client writes itself.
const CONNECTION_HEADERS: [http::HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    // With this header the server would open its responses to any page.
    header::ORIGIN,
    header::TRANSFER_ENCODING,
];

/// The header with the answer's checksum.
const CHECKSUM: &str = "x-amz-crc32";

impl Proxy {
    pub(crate) fn new(
        address: SocketAddr,
        file: Option<(PathBuf, WriteFailures)>,
        index_lag: IndexLag,
    ) -> Result<Self, reqwest::Error> {
        // Another part of the process may have installed a provider already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .tcp_nodelay(true)
            .build()?;
        Ok(Self {
            url: format!("http://{address}/"),
            client,
            file,
            index_lag,
        })
    }

    async fn send(
        &self,
        method: Method,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> reqwest::Result<Response> {
        for name in CONNECTION_HEADERS {
            headers.remove(name);
        }
        let operation = operation(&headers);
        let writes = self.index_lag.writes(&operation, &body);
        let response = self
            .client
            .request(method, &self.url)
            .headers(headers)
            .body(body.clone())
            .send()
            .await?;
        let status = response.status();
        let mut headers = response.headers().clone();
        for name in CONNECTION_HEADERS {
            headers.remove(name);
        }
        let mut answer = response.bytes().await?;
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            self.report_if_unwritable(&answer);
        }
        if status.is_success() {
            if let Some(writes) = writes {
                self.index_lag.note(writes);
            }
            if let Some(filtered) = self.index_lag.filtered(&operation, &body, &answer) {
                headers.remove(CHECKSUM);
                answer = filtered;
            }
        }
        Ok((status, headers, Body::from(answer)).into_response())
    }

    /// Reports the failure if it is the disk's.
    fn report_if_unwritable(&self, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        let why = UNWRITABLE.into_iter().find(|why| text.contains(why));
        if let (Some(why), Some((file, failures))) = (why, &self.file) {
            failures.report(file, why);
        }
    }
}

/// The part of `X-Amz-Target` after the dot.
fn operation(headers: &HeaderMap) -> String {
    let target = headers.get("x-amz-target").and_then(|it| it.to_str().ok());
    let operation = target.and_then(|target| target.split_once('.'));
    operation.map_or_else(String::new, |(_, operation)| operation.to_owned())
}

pub(crate) async fn forward(
    State(proxy): State<Proxy>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    proxy.send(method, headers, body).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the database's server can't be reached");
        let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"The database is not running."}"#;
        let mut response = (StatusCode::INTERNAL_SERVER_ERROR, body).into_response();
        let json = HeaderValue::from_static("application/x-amz-json-1.0");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    })
}
