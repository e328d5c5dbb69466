//! A deployed API's outputs, from the file that `cdk deploy --outputs-file` writes, or from Amplify's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

use crate::cli::{ApiArgs, Channel};

/// Each stack's outputs by name.
type Outputs = BTreeMap<String, BTreeMap<String, String>>;

#[derive(Debug, Error)]
pub enum OutputsError {
    #[error("cannot read the stacks' outputs in {}; `npm run deploy` in cdk/ writes them", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{} is not what `cdk deploy --outputs-file` writes", path.display())]
    Json {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("there is no stack `{stack}` in {}, only {known}", path.display())]
    NoStack {
        stack: String,
        path: PathBuf,
        known: String,
    },
    #[error("the stack `{stack}` has no output `{output}`, so that it has nothing for --via {via}")]
    NoOutput {
        stack: String,
        output: &'static str,
        via: &'static str,
    },
    #[error("cannot read the API's outputs in {}; `tokencast dev` and `npm run outputs` in cdk/ write them", path.display())]
    ReadAmplify {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{} is not what Amplify writes: expected a JSON object", path.display())]
    Amplify { path: PathBuf },
    #[error("{} has no `{name}`, so that there is nothing for --via {via}", path.display())]
    NoValue {
        path: PathBuf,
        name: &'static str,
        via: &'static str,
    },
}

/// Fills in the options that are not given, from the stack of `--stack` or from `--amplify-outputs`.
pub(super) fn complete(mut api: ApiArgs, via: Channel) -> Result<ApiArgs, OutputsError> {
    if let Some(stack) = api.outputs.stack.take() {
        return of_stack(api, stack, via);
    }
    match api.outputs.amplify_outputs.take() {
        Some(path) => of_amplify(api, &path, via),
        None => Ok(api),
    }
}

/// The outputs of a stack by name.
pub(crate) fn stack_values(
    path: &Path,
    stack: &str,
) -> Result<BTreeMap<String, String>, OutputsError> {
    let text = std::fs::read_to_string(path).map_err(|source| OutputsError::Read {
        path: path.to_owned(),
        source,
    })?;
    let outputs: Outputs = serde_json::from_str(&text).map_err(|source| OutputsError::Json {
        path: path.to_owned(),
        source,
    })?;
    outputs.get(stack).cloned().ok_or_else(|| {
        let known: Vec<_> = outputs.keys().map(|name| format!("`{name}`")).collect();
        OutputsError::NoStack {
            stack: stack.to_owned(),
            path: path.to_owned(),
            known: known.join(", "),
        }
    })
}

/// Amplify's outputs.
pub(crate) fn amplify_values(path: &Path) -> Result<Value, OutputsError> {
    let text = std::fs::read_to_string(path).map_err(|source| OutputsError::ReadAmplify {
        path: path.to_owned(),
        source,
    })?;
    let outputs = serde_json::from_str(&text).ok().filter(Value::is_object);
    outputs.ok_or_else(|| OutputsError::Amplify {
        path: path.to_owned(),
    })
}

fn of_stack(mut api: ApiArgs, stack: String, via: Channel) -> Result<ApiArgs, OutputsError> {
    let values = stack_values(&api.outputs.outputs_file, &stack)?;
    let output = |name: &str| values.get(name).cloned();
    let name = match via {
        Channel::Appsync => "GraphqlUrl",
        Channel::Url => "StreamUrl",
        Channel::Websocket => "WebSocketUrl",
    };
    let url = output(name).ok_or(OutputsError::NoOutput {
        stack,
        output: name,
        via: via.name(),
    })?;
    set_url(&mut api, via, url);
    // A deployer's own user pool may have no output. Then the command asks for its options, as it does without a stack.
    api.user_pool_id = api.user_pool_id.or_else(|| output("UserPoolId"));
    let client_id = || output("UserPoolClientId");
    api.sign_in.user_pool_client_id = api.sign_in.user_pool_client_id.or_else(client_id);
    Ok(api)
}

fn of_amplify(mut api: ApiArgs, path: &Path, via: Channel) -> Result<ApiArgs, OutputsError> {
    let outputs = amplify_values(path)?;
    let value = |pointer: &str| outputs.pointer(pointer)?.as_str().map(str::to_owned);
    let (pointer, name) = match via {
        Channel::Appsync => ("/data/url", "data.url"),
        Channel::Url => ("/custom/streamUrl", "custom.streamUrl"),
        Channel::Websocket => ("/custom/webSocketUrl", "custom.webSocketUrl"),
    };
    let url = value(pointer).ok_or_else(|| OutputsError::NoValue {
        path: path.to_owned(),
        name,
        via: via.name(),
    })?;
    set_url(&mut api, via, url);
    api.user_pool_id = api.user_pool_id.or_else(|| value("/auth/user_pool_id"));
    let client_id = || value("/auth/user_pool_client_id");
    api.sign_in.user_pool_client_id = api.sign_in.user_pool_client_id.or_else(client_id);
    let endpoint = || value("/custom/tokencast/user_pool_endpoint");
    api.cognito_endpoint = api.cognito_endpoint.or_else(endpoint);
    Ok(api)
}

/// Replaces a URL that is given, because one in the environment may be another deployment's.
fn set_url(api: &mut ApiArgs, via: Channel, url: String) {
    let place = match via {
        Channel::Appsync => &mut api.api_url,
        Channel::Url => &mut api.function_url,
        Channel::Websocket => &mut api.websocket_url,
    };
    *place = Some(url);
}
