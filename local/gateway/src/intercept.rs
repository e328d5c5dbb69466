//! Faults of a request, at the gateway.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{AUTHORIZATION, UPGRADE};
use http::{Method, Request};
use rustix::process::Signal;
use tokio_util::sync::CancellationToken;

use super::active::{Active, Event, Point};
use super::fault::Fault;
use super::{FaultService, Faults, answers, operations};
use crate::gateway::{Connections, Service};
use crate::iam::EVENT_SOURCE_ACCESS_KEY_ID;
use crate::lambda::Lambda;
use crate::lambda::environment::Environment;
use crate::lambda::process::stopped;

/// More than any service of the stack accepts.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// What stands between a request and its service.
#[derive(Clone, Debug)]
pub struct Interceptor {
    faults: Faults,
    lambda: Lambda,
    connections: Connections,
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Verdict {
    Handle(Request<Body>),
    /// Its effect is done, its answer is lost, and so is the process that waits for it.
    HandleThenCut(Request<Body>, Option<Arc<Environment>>),
    Answer(Response),
    Cut,
}

/// A process that signed a request.
struct Caller {
    function: String,
    /// None: the poller of the queues, which is no process.
    environment: Option<Arc<Environment>>,
}

impl Interceptor {
    pub(crate) fn new(faults: &Faults, lambda: &Lambda, connections: &Connections) -> Self {
        Self {
            faults: faults.clone(),
            lambda: lambda.clone(),
            connections: connections.clone(),
        }
    }

    /// Lets the plan decide about a request. It may take its time over it; `closing` ends that.
    pub(crate) async fn meet(
        &self,
        service: Option<Service>,
        operation: &str,
        request: Request<Body>,
        closing: &CancellationToken,
    ) -> Verdict {
        let Some(service) = service.and_then(|service| service_of(service, &request)) else {
            return Verdict::Handle(request);
        };
        let Some(active) = self.faults.active(service) else {
            return Verdict::Handle(request);
        };
        let met = self.decide(&active, service, operation, request);
        closing
            .run_until_cancelled(met)
            .await
            .unwrap_or(Verdict::Cut)
    }

    async fn decide(
        &self,
        active: &Active,
        service: FaultService,
        target: &str,
        request: Request<Body>,
    ) -> Verdict {
        if active.is_out(service) {
            return Verdict::Cut;
        }
        let reads_body = service == FaultService::AppSync || active.reads_bodies(service);
        let (request, body) = if reads_body {
            let Some(buffered) = buffered(request).await else {
                return Verdict::Cut;
            };
            buffered
        } else {
            (request, Bytes::new())
        };
        let caller = self.caller(&request);
        let names = operations::operations(service, target, request.uri().path(), &body);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let fired = active.fire(&Event {
            point: Point::Request,
            service,
            operations: &names,
            caller: caller.as_ref().map(|caller| caller.function.as_str()),
            has_process: caller
                .as_ref()
                .is_some_and(|caller| caller.environment.is_some()),
            body: &body,
        });
        if !fired.delay.is_zero() {
            tokio::time::sleep(fired.delay).await;
        }
        let Some(strike) = fired.strike else {
            return Verdict::Handle(request);
        };
        let process = caller.and_then(|caller| caller.environment);
        match strike.fault {
            Fault::Error {
                error_type,
                status,
                message,
            } => {
                let message = message.as_deref();
                Verdict::Answer(answers::error(service, error_type, *status, message))
            }
            Fault::GraphqlError {
                error_type,
                message,
            } => {
                let field = names.first().copied();
                Verdict::Answer(answers::graphql_error(
                    field,
                    error_type,
                    message.as_deref(),
                ))
            }
            Fault::Hang => std::future::pending().await,
            Fault::Reset => Verdict::Cut,
            Fault::LostAnswer => Verdict::HandleThenCut(request, None),
            Fault::Unavailable { for_ms } => {
                active.begin_outage(service, *for_ms);
                if matches!(service, FaultService::Realtime | FaultService::WebSocket) {
                    self.connections
                        .drop_connections(|connection| connection.socket_of == Some(service));
                }
                Verdict::Cut
            }
            Fault::KillCaller { handled: true } => Verdict::HandleThenCut(request, process),
            Fault::KillCaller { handled: false } => match process {
                Some(process) => {
                    process.signal(Signal::KILL);
                    Verdict::Cut
                }
                None => Verdict::Handle(request),
            },
            Fault::FreezeCaller { for_ms } => {
                if let Some(process) = process {
                    self.faults
                        .freeze(&process, for_ms.map(Duration::from_millis));
                    // It must not get the answer while it still runs.
                    stopped(process.pid).await;
                }
                Verdict::Handle(request)
            }
            _ => Verdict::Handle(request),
        }
    }

    fn caller(&self, request: &Request<Body>) -> Option<Caller> {
        let access_key_id = access_key_id(request)?;
        if access_key_id == EVENT_SOURCE_ACCESS_KEY_ID {
            return Some(Caller {
                function: "event-source".to_owned(),
                environment: None,
            });
        }
        let (function, environment) = self.lambda.process_with_key(access_key_id)?;
        Some(Caller {
            function,
            environment: Some(environment),
        })
    }
}

/// `Credential=AKID/…`. Whether the signature is right is the service's question.
fn access_key_id(request: &Request<Body>) -> Option<&str> {
    let authorization = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = authorization.split_once("Credential=")?;
    Some(credential.split_once('/')?.0)
}

/// What a request is to a plan, and to whoever counts.
pub(crate) fn service_of(service: Service, request: &Request<Body>) -> Option<FaultService> {
    // A browser's question beforehand is no operation.
    if request.method() == Method::OPTIONS {
        return None;
    }
    match service {
        Service::AppSync if request.headers().contains_key(UPGRADE) => Some(FaultService::Realtime),
        Service::AppSync => Some(FaultService::AppSync),
        Service::Bedrock => Some(FaultService::Bedrock),
        Service::Cognito => Some(FaultService::Cognito),
        Service::DynamoDb => Some(FaultService::DynamoDb),
        Service::ExecuteApi if request.headers().contains_key(UPGRADE) => {
            Some(FaultService::WebSocket)
        }
        Service::ExecuteApi => Some(FaultService::ExecuteApi),
        Service::FunctionUrl => Some(FaultService::FunctionUrl),
        Service::Sqs => Some(FaultService::Sqs),
        // Where it is run, so that every way to invoke it counts.
        Service::Lambda => None,
    }
}

/// The request with its body, or `None` if the client didn't send it whole.
async fn buffered(request: Request<Body>) -> Option<(Request<Body>, Bytes)> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY_BYTES).await.ok()?;
    Some((Request::from_parts(parts, Body::from(body.clone())), body))
}
