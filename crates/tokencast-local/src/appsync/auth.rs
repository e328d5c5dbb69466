//! Cognito's tokens and SigV4 signatures.

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};

/// What is checked: an HTTP request as it came, or the request that a real-time message stands for.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}
