//! Which service a request is for.

use axum::Router;
use axum::body::Body;
use http::Request;
use local_faults::{Claims, ServiceEndpoint};
use local_iam::sigv4::Credential;
use local_kit::usage::Usage;

use crate::config::AccessConfig;
use crate::intercept::Interceptor;
use crate::refusal::nothing_here;

/// The path prefix of the stack's control endpoint, if the stack has one.
pub const CONTROL_PATH: &str = "/_tokencast/";

/// A service's description and its router.
#[derive(Clone, Debug)]
pub struct ServiceRoute {
    pub endpoint: &'static ServiceEndpoint,
    pub router: Router,
}

/// The routers of all services.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// If two services claim a request alike, the first one gets it.
    pub services: Vec<ServiceRoute>,
    /// For requests of no service, such as a web page's.
    pub fallback: Option<Router>,
    /// For paths below [`CONTROL_PATH`], whatever else the request says.
    pub control: Option<Router>,
    /// Who may use the stack besides this machine.
    pub access: AccessConfig,
    /// Applies the fault plan.
    pub interceptor: Option<Interceptor>,
    /// Where requests are counted.
    pub usage: Option<Usage>,
}

/// The service and operation of a request.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) service: Option<&'static ServiceEndpoint>,
    router: Option<Router>,
    /// The operation that the request names, such as `SendMessage`, or else method and path.
    pub(crate) operation: String,
}

impl Routes {
    /// The name of the service that a request is for.
    pub fn service_of(&self, request: &Request<Body>) -> Option<&'static str> {
        let route = find(&self.services, request)?;
        Some(route.endpoint.name)
    }

    /// The control endpoint's router, if the request is for it. It has a stricter guard of its own.
    pub(crate) fn control(&self, request: &Request<Body>) -> Option<&Router> {
        let is_control = request.uri().path().starts_with(CONTROL_PATH);
        self.control.as_ref().filter(|_| is_control)
    }

    pub(crate) fn router(&self, target: &Target, request: &Request<Body>) -> Router {
        let service = target.router.as_ref().or(self.fallback.as_ref());
        let router = self.control(request).or(service);
        router
            .cloned()
            .unwrap_or_else(|| Router::new().fallback(nothing_here))
    }

    pub(crate) fn target(&self, request: &Request<Body>) -> Target {
        let named = amz_target(request).and_then(|target| target.split_once('.'));
        let operation = match named {
            Some((_, operation)) => operation.to_owned(),
            None => format!("{} {}", request.method(), request.uri().path()),
        };
        let route = find(&self.services, request);
        Target {
            service: route.map(|route| route.endpoint),
            router: route.map(|route| route.router.clone()),
            operation,
        }
    }
}

impl Target {
    /// The service's name, for logs.
    pub(crate) fn name(&self) -> Option<&'static str> {
        self.service.map(|service| service.name)
    }
}

/// Finds a request's service, in the order that [`Claims`] describes.
fn find<'a>(services: &'a [ServiceRoute], request: &Request<Body>) -> Option<&'a ServiceRoute> {
    let by = |claims: &dyn Fn(&Claims) -> bool| {
        services.iter().find(|route| claims(&route.endpoint.claims))
    };
    if let Some(found) = by(&|claims| (claims.address)(request)) {
        return Some(found);
    }
    if let Some(target) = amz_target(request) {
        return by(&|claims| claims.has_target(target));
    }
    let path = request.uri().path();
    let scope = Credential::of(request.headers()).and_then(|credential| credential.service);
    by(&|claims| (claims.path)(path))
        .or_else(|| by(&|claims| (claims.hint)(request)))
        .or_else(|| by(&|claims| scope.is_some() && claims.scope == scope))
}

fn amz_target(request: &Request<Body>) -> Option<&str> {
    request.headers().get("x-amz-target")?.to_str().ok()
}
