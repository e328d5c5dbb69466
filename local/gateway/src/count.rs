//! Counts a request and the bytes of both bodies, once its response has ended.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use http::{Request, StatusCode};
use hyper::body::{Frame, SizeHint};
use local_faults::FaultService;
use local_kit::usage::{Count, OperationName, Tally, Usage};

/// One request that will be counted.
pub(super) struct Counting {
    usage: Usage,
    service: FaultService,
    unit_bytes: u64,
    operation: String,
    bytes_in: Arc<Tally>,
}

impl Counting {
    pub(super) fn begin(
        usage: &Usage,
        service: FaultService,
        unit_bytes: u64,
        operation: String,
    ) -> Self {
        Self {
            usage: usage.clone(),
            service,
            unit_bytes,
            operation,
            bytes_in: Arc::default(),
        }
    }

    pub(super) fn request(&self, request: Request<Body>) -> Request<Body> {
        let tally = Arc::clone(&self.bytes_in);
        request.map(|body| {
            Body::new(Counted {
                body,
                tally,
                until: None,
            })
        })
    }

    pub(super) fn response(self, mut response: Response) -> Response {
        let operation = match response.extensions_mut().remove::<OperationName>() {
            Some(OperationName(name)) => name,
            None => self.operation,
        };
        let ended = Ended {
            usage: self.usage,
            service: self.service,
            unit_bytes: self.unit_bytes,
            operation,
            bytes_in: self.bytes_in,
            bytes_out: Arc::default(),
        };
        // A WebSocket has no response body to wait for.
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return response;
        }
        response.map(|body| {
            Body::new(Counted {
                body,
                tally: Arc::clone(&ended.bytes_out),
                until: Some(ended),
            })
        })
    }
}

/// Counts the request when it is dropped.
struct Ended {
    usage: Usage,
    service: FaultService,
    unit_bytes: u64,
    operation: String,
    bytes_in: Arc<Tally>,
    bytes_out: Arc<Tally>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        let (bytes_in, bytes_out) = (self.bytes_in.bytes(), self.bytes_out.bytes());
        let count = Count::metered(bytes_in, bytes_out, self.unit_bytes);
        self.usage.add(self.service.name(), &self.operation, count);
    }
}

struct Counted {
    body: Body,
    tally: Arc<Tally>,
    until: Option<Ended>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.tally.add(data.len());
        }
        // Counted now, not when the body is dropped, so that a client that has read the last byte finds it counted.
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.until = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
