//! The GraphQL endpoint over HTTP.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use local_kit::usage::OperationName;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::api::{Api, GraphqlRequest, GraphqlResponse};
use super::auth::{Authenticator, SignedRequest};
use super::caller::{Caller, Identity};

/// The endpoint's path.
pub const GRAPHQL_PATH: &str = "/graphql";
/// AppSync's limit on a request's body.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Authenticates requests.
pub trait Authenticate: Send + Sync {
    fn authenticate<'a>(
        &'a self,
        request: &'a SignedRequest,
    ) -> BoxFuture<'a, Result<Identity, Refusal>>;
}

impl Authenticate for Authenticator {
    fn authenticate<'a>(
        &'a self,
        request: &'a SignedRequest,
    ) -> BoxFuture<'a, Result<Identity, Refusal>> {
        Box::pin(async move {
            let identity = Authenticator::authenticate(self, request).await;
            identity.map_err(|error| Refusal {
                status: error.status().as_u16(),
                error_type: error.error_type.to_owned(),
                message: error.message,
            })
        })
    }
}

impl<F> Authenticate for F
where
    F: Fn(&SignedRequest) -> Result<Identity, Refusal> + Send + Sync,
{
    fn authenticate<'a>(
        &'a self,
        request: &'a SignedRequest,
    ) -> BoxFuture<'a, Result<Identity, Refusal>> {
        Box::pin(std::future::ready(self(request)))
    }
}

/// Why a request isn't admitted. The response is `{"errors":[{"errorType":…,"message":…}]}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub error_type: String,
    pub message: String,
}

impl Refusal {
    /// 401 `UnauthorizedException`.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self {
            status: 401,
            error_type: "UnauthorizedException".to_owned(),
            message: message.into(),
        }
    }
}

/// What [`GRAPHQL_PATH`] is served with.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) api: Api,
    pub(super) authenticate: Arc<dyn Authenticate>,
}

/// Serves `POST /graphql` and browsers' preflight requests. The sender's address comes from axum's [`ConnectInfo`], if
/// the server provides it.
pub fn router(api: Api, authenticate: Arc<dyn Authenticate>) -> Router {
    Router::new()
        .route(GRAPHQL_PATH, any(answer))
        .with_state(Endpoint { api, authenticate })
}

pub(super) async fn answer(State(endpoint): State<Endpoint>, request: Request) -> Response {
    match *request.method() {
        Method::POST => respond(&endpoint.post(request).await),
        Method::OPTIONS => preflight(request.headers()),
        Method::GET | Method::HEAD => respond(&malformed("Request body is empty.")),
        _ => {
            let message = "The method is not allowed: send POST.";
            let mut response = respond(&GraphqlResponse::refused(
                405,
                "MethodNotAllowedException",
                message,
            ));
            response
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
            response
        }
    }
}

impl Endpoint {
    async fn post(&self, request: Request) -> GraphqlResponse {
        let source_ip = source_ip(&request);
        let (parts, body) = request.into_parts();
        let body = match read(body).await {
            Ok(body) => body,
            Err(response) => return response,
        };
        let signed = SignedRequest {
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body,
        };
        let identity = match self.authenticate.authenticate(&signed).await {
            Ok(identity) => identity,
            Err(refusal) => {
                return GraphqlResponse::refused(
                    refusal.status,
                    &refusal.error_type,
                    &refusal.message,
                );
            }
        };
        let request = match parse(&signed.body) {
            Ok(request) => request,
            Err(response) => return response,
        };
        self.api
            .execute(
                request,
                &Caller {
                    identity,
                    source_ip,
                    headers: signed.headers,
                },
            )
            .await
    }
}

async fn read(body: Body) -> Result<Bytes, GraphqlResponse> {
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("Request body is larger than {MAX_BODY_BYTES} bytes.");
            Err(GraphqlResponse::refused(
                413,
                "RequestEntityTooLargeException",
                &message,
            ))
        }
        Err(_) => Err(malformed("Unable to read the request body.")),
    }
}

/// Parses the body by its content, as AppSync does, whatever its content type is.
fn parse(body: &[u8]) -> Result<GraphqlRequest, GraphqlResponse> {
    if body.trim_ascii().is_empty() {
        return Err(malformed("Request body is empty."));
    }
    let unparsable = || malformed("Unable to parse GraphQL query.");
    let Ok(Value::Object(mut fields)) = serde_json::from_slice::<Value>(body) else {
        return Err(cut_variable(body).map_or_else(unparsable, |name| {
            malformed(&format!(
                "Unable to parse GraphQL query: the variable '{name}' is no Unicode text, it has half of a surrogate pair."
            ))
        }));
    };
    let Some(Value::String(query)) = fields.remove("query") else {
        return Err(unparsable());
    };
    let operation_name = match fields.remove("operationName") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name),
        Some(_) => return Err(malformed("The value of 'operationName' must be a string.")),
    };
    let variables = match fields.remove("variables") {
        None | Some(Value::Null) => None,
        Some(Value::Object(variables)) => Some(variables),
        Some(_) => return Err(malformed("The value of 'variables' must be an object.")),
    };
    Ok(GraphqlRequest {
        query,
        operation_name,
        variables,
    })
}

/// The variable that contains half of a surrogate pair, which JSON's grammar allows. AppSync's response isn't known,
/// but the query isn't at fault.
fn cut_variable(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Request<'a> {
        #[serde(borrow)]
        variables: BTreeMap<String, &'a RawValue>,
    }
    let request: Request<'_> = serde_json::from_slice(body).ok()?;
    let is_cut = |value: &RawValue| {
        serde_json::from_str::<Value>(value.get())
            .is_err_and(|error| error.to_string().contains("hex escape"))
    };
    let mut variables = request.variables.into_iter();
    let (name, _) = variables.find(|(_, value)| is_cut(value))?;
    Some(name)
}

fn malformed(message: &str) -> GraphqlResponse {
    GraphqlResponse::refused(400, "MalformedHttpRequestException", message)
}

/// The address in `ctx.identity.sourceIp`.
fn source_ip(request: &Request) -> IpAddr {
    let connected = request.extensions().get::<ConnectInfo<SocketAddr>>();
    connected.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(address)| {
        address.ip()
    })
}

fn respond(answer: &GraphqlResponse) -> Response {
    let mut response = Response::new(Body::from(answer.body.to_string()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_REQUEST);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json;charset=UTF-8"),
    );
    if answer.status >= 400
        && let Some(error_type) = answer.body["errors"][0]["errorType"].as_str()
        && let Ok(error_type) = HeaderValue::from_str(error_type)
    {
        headers.insert("x-amzn-errortype", error_type);
    }
    open_to_browsers(headers);
    if let Value::Object(data) = &answer.body["data"] {
        let fields: Vec<&str> = data.keys().map(String::as_str).collect();
        let name = OperationName(fields.join(","));
        response.extensions_mut().insert(name);
    }
    response
}

/// AppSync's response to a preflight request.
fn preflight(asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    let any_header = HeaderValue::from_static("*");
    // `*` doesn't cover `authorization`, so the requested headers are named.
    let allowed = asked
        .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
        .cloned()
        .unwrap_or(any_header);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, OPTIONS"),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("172800"),
    );
    open_to_browsers(headers);
    response
}

fn open_to_browsers(headers: &mut HeaderMap) {
    const EXPOSED: &str = "x-amzn-RequestId,x-amzn-ErrorType,x-amz-user-agent,x-amzn-ErrorMessage,Date,x-amz-schema-version";
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
}
