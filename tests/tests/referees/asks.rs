//! Requests of a referee to the stack that serves it.

use std::num::NonZeroU32;
use std::time::Duration;

use local_stack::bedrock::log::{EndReason, ModelCall};
use local_stack::config::{FaultRule, ModelException, ModelFault, ScriptBlock, ScriptConfig};
use local_stack::faults::FaultPlan;
use local_stack::iam::{Principal, Statement};
use serde::Deserialize;
use serde_json::{Value, json};
use tokencast::stack::RunningStack;
use uuid::Uuid;

/// The line after `@stack `, as JSON.
#[derive(Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "camelCase")]
enum Ask {
    /// Cut every real-time socket, without a close frame.
    DropWebsockets,
    /// Return the open connections.
    Connections,
    /// Return an access key that may publish, as the worker's may.
    AccessKey,
    /// Change what the scripted model says from now on.
    Script(Script),
    /// Return the model's last call, once it has ended.
    LastModelCall,
    /// Replace the fault plan.
    Faults { plan: FaultPlan },
    /// Return how often each rule of the plan has fired.
    Fired,
    /// Move the stack's clock.
    Advance { ms: u64 },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Script {
    /// The tokens; without them, a few paragraphs about the prompt.
    tokens: Option<Vec<String>>,
    /// The answer's blocks, instead of tokens.
    blocks: Option<Vec<ScriptBlock>>,
    ms_between_tokens: u64,
    /// The fault of the next call alone.
    fault: Option<Fault>,
}

#[derive(Debug, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
enum Fault {
    Refuse {
        exception: Exception,
    },
    Fail {
        exception: Exception,
        after_tokens: usize,
    },
    Cut {
        after_tokens: usize,
    },
    Reset {
        after_tokens: usize,
    },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Exception {
    Throttling,
    ModelStreamError,
    ServiceUnavailable,
    Validation,
}

/// Answers a request with one line of JSON.
pub(crate) async fn answer(ask: &str, stack: &RunningStack) -> Value {
    let ask: Ask = match serde_json::from_str(ask) {
        Ok(ask) => ask,
        Err(error) => return json!({ "error": error.to_string() }),
    };
    match ask {
        Ask::DropWebsockets => json!({ "dropped": stack.local.connections().drop_websockets() }),
        Ask::Connections => {
            let open = stack.local.connections().list();
            let described = open
                .iter()
                .map(|it| json!({ "tls": it.tls, "websocket": it.websocket }));
            json!({ "connections": described.collect::<Vec<_>>() })
        }
        Ask::AccessKey => access_key(stack),
        Ask::Script(script) => json!({ "set": stack.local.bedrock().set_script(script.into()) }),
        Ask::Faults { plan } => match stack.local.faults().set(plan) {
            Ok(()) => json!({ "set": true }),
            Err(error) => json!({ "error": error.to_string() }),
        },
        Ask::Fired => {
            let report = stack.local.faults().report();
            let fired: Vec<_> = report.iter().map(|rule| rule.fired).collect();
            json!({ "fired": fired })
        }
        Ask::Advance { ms } => {
            stack.local.clock().advance(Duration::from_millis(ms));
            json!({ "advanced": ms })
        }
        Ask::LastModelCall => {
            let bedrock = stack.local.bedrock();
            bedrock
                .wait_until(|calls| calls.last().is_some_and(|call| call.ended.is_some()))
                .await;
            bedrock
                .calls()
                .last()
                .map_or(Value::Null, |call| describe(call, bedrock.live_streams()))
        }
    }
}

fn access_key(stack: &RunningStack) -> Value {
    let endpoints = &stack.info.endpoints;
    let account_id = &endpoints.account_id;
    let key = Principal {
        access_key_id: "ASIAREFEREE".to_owned(),
        secret_access_key: Uuid::new_v4().to_string(),
        session_token: Some(Uuid::new_v4().to_string()),
        account_id: account_id.clone(),
        arn: format!("arn:aws:sts::{account_id}:assumed-role/referee/session"),
        expires_at_ms: None,
        policy: vec![Statement {
            actions: vec!["appsync:GraphQL".to_owned()],
            resources: vec![endpoints.field_arn("Mutation", "publishToken")],
        }],
    };
    let described = json!({
        "accessKeyId": key.access_key_id,
        "secretAccessKey": key.secret_access_key,
        "sessionToken": key.session_token,
    });
    stack.local.credentials().insert(key);
    described
}

fn describe(call: &ModelCall, live_streams: usize) -> Value {
    let ended = match &call.ended {
        None => "no".to_owned(),
        Some(EndReason::Completed) => "completed".to_owned(),
        Some(EndReason::ClientGone) => "clientGone".to_owned(),
        Some(EndReason::Faulted(what)) => what.clone(),
    };
    json!({
        "id": call.id,
        "modelId": call.model_id,
        "prompt": call.prompt,
        "tokensSent": call.tokens_sent,
        "textSent": call.text_sent,
        "ended": ended,
        "liveStreams": live_streams,
    })
}

impl From<Script> for ScriptConfig {
    fn from(script: Script) -> Self {
        let fault = script
            .fault
            .map(|fault| FaultRule::first(NonZeroU32::MIN, fault.into()));
        Self {
            tokens: script.tokens,
            blocks: script.blocks,
            time_to_first_token: Duration::ZERO,
            time_between_tokens: Duration::from_millis(script.ms_between_tokens),
            faults: fault.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl From<Fault> for ModelFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refuse { exception } => Self::Refuse(exception.into()),
            Fault::Fail {
                exception,
                after_tokens,
            } => Self::Fail {
                after_tokens,
                exception: exception.into(),
            },
            Fault::Cut { after_tokens } => Self::Cut { after_tokens },
            Fault::Reset { after_tokens } => Self::Reset { after_tokens },
        }
    }
}

impl From<Exception> for ModelException {
    fn from(exception: Exception) -> Self {
        match exception {
            Exception::Throttling => Self::Throttling,
            Exception::ModelStreamError => Self::ModelStreamError,
            Exception::ServiceUnavailable => Self::ServiceUnavailable,
            Exception::Validation => Self::Validation,
        }
    }
}
