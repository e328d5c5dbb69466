//! Faults of requests, applied before a service sees the request or in place of its response.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::Stream;
use http::header::CONTENT_LENGTH;
use http::{Method, Request, StatusCode};
use local_faults::{
    ActivePlan, Event, Fault, FaultService, Faults, Point, Replacement, RequestInfo,
    ServiceEndpoint,
};
use local_iam::EVENT_SOURCE_ACCESS_KEY_ID;
use local_iam::sigv4::Credential;
use local_kit::process::{Callers, Process, stopped};
use rustix::process::Signal;
use tokio_util::sync::CancellationToken;

use crate::connections::Connections;

/// More than any service of the stack accepts.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Applies the fault plan to requests before their service gets them.
#[derive(Clone, Debug)]
pub struct Interceptor {
    faults: Faults,
    callers: Arc<dyn Callers>,
    connections: Connections,
}

/// What happens to a request.
#[derive(Debug)]
pub(crate) enum Interception {
    Handle(Request<Body>),
    /// Handles the request, with its effect, then discards the response and kills the process that waits for it, if
    /// there is one.
    HandleThenCut(Request<Body>, Option<Arc<dyn Process>>),
    /// Handles the request, and changes the response, which is sent once it is whole.
    HandleThenReplace(Request<Body>, Replacement),
    Respond(Response),
    Cut,
}

/// The function that signed a request.
struct Caller {
    function: String,
    /// `None` for the queues' poller, which is no process.
    process: Option<Arc<dyn Process>>,
}

impl Interceptor {
    /// `callers` finds the processes that a plan may kill or freeze because of their requests.
    pub fn new(faults: &Faults, callers: Arc<dyn Callers>, connections: &Connections) -> Self {
        Self {
            faults: faults.clone(),
            callers,
            connections: connections.clone(),
        }
    }

    /// Applies the plan to a request, which may take time. `closing` ends a delay or a hang.
    pub(crate) async fn intercept(
        &self,
        endpoint: Option<&'static ServiceEndpoint>,
        operation: &str,
        request: Request<Body>,
        closing: &CancellationToken,
    ) -> Interception {
        let Some((endpoint, service)) = endpoint.zip(counted_as(endpoint, &request)) else {
            return Interception::Handle(request);
        };
        let Some(active) = self.faults.active(service) else {
            return Interception::Handle(request);
        };
        let decided = self.decide(&active, endpoint, service, operation, request);
        closing
            .run_until_cancelled(decided)
            .await
            .unwrap_or(Interception::Cut)
    }

    async fn decide(
        &self,
        active: &ActivePlan,
        endpoint: &ServiceEndpoint,
        service: FaultService,
        target: &str,
        request: Request<Body>,
    ) -> Interception {
        if active.is_out(service) {
            return Interception::Cut;
        }
        let reads_body = (endpoint.names_are_in_body)(service) || active.reads_bodies(service);
        let (request, body) = if reads_body {
            let Some(buffered) = buffered(request).await else {
                return Interception::Cut;
            };
            buffered
        } else {
            (request, Bytes::new())
        };
        let caller = self.caller(&request);
        let request_info = RequestInfo {
            target,
            path: request.uri().path(),
            body: &body,
        };
        let operations = (endpoint.operations)(service, &request_info);
        let names: Vec<&str> = operations.iter().map(String::as_str).collect();
        let fired = active.fire(&Event {
            point: Point::Request,
            service,
            operations: &names,
            caller: caller.as_ref().map(|caller| caller.function.as_str()),
            has_process: caller
                .as_ref()
                .is_some_and(|caller| caller.process.is_some()),
            body: &body,
        });
        if !fired.delay.is_zero() {
            tokio::time::sleep(fired.delay).await;
        }
        let Some(fired) = fired.fault else {
            return Interception::Handle(request);
        };
        if let Some(response) = (endpoint.error_response)(service, fired.fault, &names) {
            return Interception::Respond(response);
        }
        let process = caller.and_then(|caller| caller.process);
        match fired.fault {
            Fault::Hang => std::future::pending().await,
            Fault::Reset => Interception::Cut,
            Fault::Replace(replacement) => {
                Interception::HandleThenReplace(request, replacement.clone())
            }
            Fault::LostAnswer => Interception::HandleThenCut(request, None),
            Fault::Unavailable { for_ms } => {
                active.begin_outage(service, *for_ms);
                if matches!(service, FaultService::Realtime | FaultService::WebSocket) {
                    self.connections
                        .drop_connections(|connection| connection.socket_of == Some(service));
                }
                Interception::Cut
            }
            Fault::KillCaller { handled: true } => Interception::HandleThenCut(request, process),
            Fault::KillCaller { handled: false } => match process {
                Some(process) => {
                    process.signal(Signal::KILL);
                    Interception::Cut
                }
                None => Interception::Handle(request),
            },
            Fault::FreezeCaller { for_ms } => {
                if let Some(process) = process {
                    self.faults
                        .freeze(&process, for_ms.map(Duration::from_millis));
                    // The process must be stopped before it gets the response.
                    stopped(process.pid()).await;
                }
                Interception::Handle(request)
            }
            _ => Interception::Handle(request),
        }
    }

    fn caller(&self, request: &Request<Body>) -> Option<Caller> {
        let access_key_id = Credential::of(request.headers())?.access_key_id;
        if access_key_id == EVENT_SOURCE_ACCESS_KEY_ID {
            return Some(Caller {
                function: "event-source".to_owned(),
                process: None,
            });
        }
        let (function, process) = self.callers.process_with_key(access_key_id)?;
        Some(Caller {
            function,
            process: Some(process),
        })
    }
}

/// The service that a request counts for, in fault plans and usage counts.
pub(crate) fn counted_as(
    endpoint: Option<&ServiceEndpoint>,
    request: &Request<Body>,
) -> Option<FaultService> {
    // A preflight request is no operation.
    if request.method() == Method::OPTIONS {
        return None;
    }
    (endpoint?.counted_as)(request)
}

/// The response with the replacement in it. A body that isn't the JSON that it is about stays as it is.
pub(crate) async fn replaced(response: Response, replacement: &Replacement) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(status) = replacement
        .status
        .and_then(|status| StatusCode::from_u16(status).ok())
    {
        parts.status = status;
    }
    // A body that breaks off breaks off here as well.
    let body = match axum::body::to_bytes(body, MAX_BODY_BYTES).await {
        Ok(body) => body,
        Err(error) => return Response::from_parts(parts, Body::from_stream(broken(error))),
    };
    parts.headers.remove(CONTENT_LENGTH);
    let changed = replacement.apply(&body);
    Response::from_parts(parts, changed.map_or_else(|| body.into(), Body::from))
}

fn broken(error: axum::Error) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send {
    futures_util::stream::once(std::future::ready(Err(error)))
}

/// The request with its body, or `None` if the client didn't send it whole.
async fn buffered(request: Request<Body>) -> Option<(Request<Body>, Bytes)> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY_BYTES).await.ok()?;
    Some((Request::from_parts(parts, Body::from(body.clone())), body))
}
