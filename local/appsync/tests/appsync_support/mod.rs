//! The project's API with a fake of Lambda behind it, and callers of every kind.

#![allow(dead_code, reason = "each test program uses a part")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use local_appsync::api::{Api, GraphqlRequest};
use local_appsync::caller::{Caller, Identity, UserPoolIdentity};
use local_appsync::config::{ApiConfig, ApiLimits, AuthMode, DataSource, ResolverConfig};
use local_appsync::errors::ApiConfigError;
use local_iam::{Principal, Statement};
use local_kit::clock::Clock;
use local_kit::endpoints::Endpoints;
use local_kit::invoke::{Invoke, InvokeError};
use serde_json::{Map, Value, json};

pub(crate) const SCHEMA: &str = include_str!("../../../../schema.graphql");
pub(crate) const PUBLISH: &str = include_str!("../../../../cdk/resolvers/publish.js");
pub(crate) const ASK_REQUEST_FUNCTION: &str =
    include_str!("../../../../cdk/resolvers/requestFunction.js");

/// What the fake Lambda does with an event.
pub(crate) type FakeFunction =
    dyn Fn(&Value) -> BoxFuture<'static, Result<Bytes, InvokeError>> + Send + Sync;

/// An API, and what it sent to Lambda and to its subscribers.
pub(crate) struct Stack {
    pub(crate) api: Api,
    pub(crate) events: Arc<Mutex<Vec<Value>>>,
    pub(crate) published: Arc<Mutex<Vec<(String, Value)>>>,
}

struct Fake {
    answer: Arc<FakeFunction>,
    events: Arc<Mutex<Vec<Value>>>,
}

impl std::fmt::Debug for Fake {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Fake").finish_non_exhaustive()
    }
}

impl Invoke for Fake {
    fn has(&self, _function: &str) -> bool {
        true
    }

    fn invoke<'a>(
        &'a self,
        _function: &'a str,
        event: Bytes,
    ) -> BoxFuture<'a, Result<Bytes, InvokeError>> {
        let event: Value = serde_json::from_slice(&event).expect("the event is JSON");
        let answer = (self.answer)(&event);
        self.events.lock().expect("not poisoned").push(event);
        answer
    }
}

impl Stack {
    pub(crate) fn new(config: &ApiConfig, answer: Arc<FakeFunction>) -> Self {
        Self::try_new(config, answer).expect("a valid configuration")
    }

    pub(crate) fn try_new(
        config: &ApiConfig,
        answer: Arc<FakeFunction>,
    ) -> Result<Self, ApiConfigError> {
        let events = Arc::new(Mutex::new(Vec::new()));
        let published = Arc::new(Mutex::new(Vec::new()));
        let invoke = Arc::new(Fake {
            answer,
            events: Arc::clone(&events),
        });
        let heard = Arc::clone(&published);
        let publish = move |field: &str, result: &Value| {
            heard
                .lock()
                .expect("not poisoned")
                .push((field.to_owned(), result.clone()));
        };
        let api = Api::new(
            config,
            &endpoints(),
            invoke,
            Arc::new(publish),
            Clock::system(),
        )?;
        Ok(Self {
            api,
            events,
            published,
        })
    }

    pub(crate) async fn send(&self, request: &Value, caller: &Caller) -> Value {
        self.api.execute(request_from(request), caller).await.body
    }

    pub(crate) fn published(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.published.lock().expect("not poisoned"))
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        std::mem::take(&mut self.events.lock().expect("not poisoned"))
    }
}

pub(crate) fn request_from(request: &Value) -> GraphqlRequest {
    serde_json::from_value(request.clone()).expect("a GraphQL request")
}

/// The project's schema, with direct resolvers on the request function.
pub(crate) fn project() -> ApiConfig {
    let lambda = |type_name: &str, field_name: &str| ResolverConfig {
        type_name: type_name.to_owned(),
        field_name: field_name.to_owned(),
        data_source: DataSource::Lambda {
            function: "request".to_owned(),
        },
    };
    ApiConfig {
        schema: SCHEMA.to_owned(),
        default_auth: AuthMode::UserPools,
        additional_auth: vec![AuthMode::Iam],
        introspection: true,
        limits: ApiLimits::default(),
        resolvers: vec![
            lambda("Query", "getStream"),
            lambda("Mutation", "startStream"),
            lambda("Mutation", "stopStream"),
            lambda("Subscription", "onTokenReceived"),
            lambda("Subscription", "onConversationUpdated"),
            lambda("Subscription", "onConversationsUpdated"),
            script("Mutation", "publishToken", PUBLISH),
            script("Mutation", "publishConversation", PUBLISH),
        ],
    }
}

pub(crate) fn script(type_name: &str, field_name: &str, code: &str) -> ResolverConfig {
    ResolverConfig {
        type_name: type_name.to_owned(),
        field_name: field_name.to_owned(),
        data_source: DataSource::None {
            code: code.to_owned(),
        },
    }
}

/// A resolver with code on the function `request`.
pub(crate) fn function_script(type_name: &str, field_name: &str, code: &str) -> ResolverConfig {
    ResolverConfig {
        type_name: type_name.to_owned(),
        field_name: field_name.to_owned(),
        data_source: DataSource::LambdaWithCode {
            function: "request".to_owned(),
            code: code.to_owned(),
        },
    }
}

/// Responds to every event with `answer(event)` at once.
pub(crate) fn at_once(
    answer: impl Fn(&Value) -> Result<Value, InvokeError> + Send + Sync + 'static,
) -> Arc<FakeFunction> {
    Arc::new(move |event| {
        let answer = answer(event).map(|value| Bytes::from(value.to_string()));
        Box::pin(std::future::ready(answer))
    })
}

pub(crate) fn endpoints() -> Endpoints {
    Endpoints {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, 4566)),
        region: "us-east-1".to_owned(),
        account_id: "000000000000".to_owned(),
        api_id: "local".to_owned(),
    }
}

pub(crate) fn user(sub: &str) -> Caller {
    user_in(sub, None)
}

pub(crate) fn user_in(sub: &str, groups: Option<&[&str]>) -> Caller {
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), json!(sub));
    let mut headers = HeaderMap::new();
    headers.insert("x-test", HeaderValue::from_static("1"));
    Caller {
        identity: Identity::UserPool(UserPoolIdentity {
            sub: sub.to_owned(),
            issuer: "http://localhost/pool".to_owned(),
            username: sub.to_owned(),
            groups: groups.map(|groups| groups.iter().map(|group| (*group).to_owned()).collect()),
            claims,
        }),
        source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        headers,
    }
}

/// A caller that signs, and that the policy allows these resources.
pub(crate) fn signer(resources: &[&str]) -> Caller {
    let policy = vec![Statement {
        actions: vec!["appsync:GraphQL".to_owned()],
        resources: resources
            .iter()
            .map(|resource| (*resource).to_owned())
            .collect(),
    }];
    Caller {
        identity: Identity::Iam(Arc::new(Principal {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: None,
            account_id: "000000000000".to_owned(),
            arn: "arn:aws:sts::000000000000:assumed-role/worker/worker".to_owned(),
            expires_at_ms: None,
            policy,
        })),
        source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        headers: HeaderMap::new(),
    }
}

pub(crate) fn worker() -> Caller {
    signer(&[
        "arn:aws:appsync:us-east-1:000000000000:apis/local/types/Mutation/fields/publishToken",
    ])
}

/// A function that starts sessions.
pub(crate) fn starter() -> Caller {
    signer(&[
        "arn:aws:appsync:us-east-1:000000000000:apis/local/types/Mutation/fields/publishConversation",
    ])
}

/// The last part of a path into a JSON value, or null.
pub(crate) fn message(body: &Value) -> &str {
    body["errors"][0]["message"].as_str().unwrap_or_default()
}

/// Responds with the arguments, in the types of the schema.
pub(crate) fn echo() -> Arc<FakeFunction> {
    at_once(|event| {
        let arguments = &event["arguments"];
        Ok(match event["info"]["fieldName"].as_str() {
            Some("getStream") => json!({
                "sessionId": arguments["sessionId"], "status": "STREAMING", "text": "abc", "sequence": 3, "attempt": 1,
                "usage": {"inputTokens": 1, "outputTokens": "2", "totalTokens": 3.0},
                "createdAt": "c", "updatedAt": "u", "unknown": true,
            }),
            _ => json!({
                "sessionId": arguments["sessionId"], "status": arguments["prompt"], "timestamp": "t", "message": 5,
            }),
        })
    })
}
