//! A deployed stack's outputs, from the file that `cdk deploy --outputs-file` writes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use thiserror::Error;

use crate::cli::ApiArgs;

/// Each stack's outputs by name.
type Outputs = BTreeMap<String, BTreeMap<String, String>>;

#[derive(Debug, Error)]
pub(super) enum OutputsError {
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
    #[error("the stack `{stack}` has no output `{output}`, so that it is none with an API")]
    NoOutput { stack: String, output: &'static str },
}

/// The options, with those that are not given taken from the stack of `--stack`.
pub(super) fn complete(mut api: ApiArgs) -> Result<ApiArgs, OutputsError> {
    let Some(stack) = api.stack.take() else {
        return Ok(api);
    };
    let path = api.outputs_file.clone();
    let text = std::fs::read_to_string(&path).map_err(|source| OutputsError::Read {
        path: path.clone(),
        source,
    })?;
    let outputs: Outputs = serde_json::from_str(&text).map_err(|source| OutputsError::Json {
        path: path.clone(),
        source,
    })?;
    let Some(values) = outputs.get(&stack) else {
        let known: Vec<_> = outputs.keys().map(|name| format!("`{name}`")).collect();
        return Err(OutputsError::NoStack {
            stack,
            path,
            known: known.join(", "),
        });
    };
    let Some(url) = values.get("GraphqlUrl") else {
        let output = "GraphqlUrl";
        return Err(OutputsError::NoOutput { stack, output });
    };
    // One in the environment may be another deployment's.
    api.api_url = Some(url.clone());
    // A pool of the deployer's own may have no output; then its options are asked for as without a stack.
    let output = |name: &str| values.get(name).cloned();
    api.user_pool_id = api.user_pool_id.or_else(|| output("UserPoolId"));
    api.user_pool_client_id = api
        .user_pool_client_id
        .or_else(|| output("UserPoolClientId"));
    Ok(api)
}
