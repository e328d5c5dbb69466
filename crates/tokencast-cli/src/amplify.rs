//! `amplify_outputs.json`, as Amplify's Gen 2 back ends write it.
//!
//! The file has no place for a Cognito endpoint that isn't AWS's, and `Amplify.configure` ignores keys that it doesn't
//! know. So the endpoint stands under `custom.tokencast`. A page copies it into the configuration that
//! `parseAmplifyConfig` makes:
//!
//! ```js
//! import { Amplify } from 'aws-amplify';
//! import { parseAmplifyConfig } from 'aws-amplify/utils';
//! const config = parseAmplifyConfig(outputs);
//! config.Auth.Cognito.userPoolEndpoint = outputs.custom.tokencast.user_pool_endpoint;
//! Amplify.configure(config);
//! ```

use local_stack::endpoints::Endpoints;
use serde_json::{Value, json};

/// The file's content for a stack.
pub fn outputs(
    endpoints: &Endpoints,
    pool_id: &str,
    client_id: &str,
    function_url: Option<&str>,
    websocket_url: Option<&str>,
) -> Value {
    let region = &endpoints.region;
    let mut outputs = json!({
        "version": "1.4",
        "auth": {
            "aws_region": region,
            "user_pool_id": pool_id,
            "user_pool_client_id": client_id,
            "mfa_configuration": "NONE",
            "unauthenticated_identities_enabled": false,
        },
        "data": {
            "aws_region": region,
            "url": endpoints.graphql_url(),
            "default_authorization_type": "AMAZON_COGNITO_USER_POOLS",
            "authorization_types": ["AWS_IAM"],
        },
        "custom": {
            "tokencast": {
                "user_pool_endpoint": format!("{}/", endpoints.url()),
            },
        },
    });
    for (name, url) in [("streamUrl", function_url), ("webSocketUrl", websocket_url)] {
        if let Some(url) = url {
            outputs["custom"][name] = url.into();
        }
    }
    outputs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outputs_name_the_stack() {
        let endpoints = Endpoints {
            address: ([127, 0, 0, 1], 4680).into(),
            region: "eu-west-1".into(),
            account_id: "000000000000".into(),
            api_id: "local".into(),
        };
        let (function_url, websocket_url) = (Some("http://there/"), Some("ws://here"));
        let outputs = outputs(
            &endpoints,
            "eu-west-1_Pool",
            "client",
            function_url,
            websocket_url,
        );
        assert_eq!(outputs["version"], "1.4");
        assert_eq!(outputs["auth"]["user_pool_id"], "eu-west-1_Pool");
        assert_eq!(outputs["auth"]["user_pool_client_id"], "client");
        assert_eq!(outputs["custom"]["streamUrl"], "http://there/");
        assert_eq!(outputs["custom"]["webSocketUrl"], "ws://here");
        assert_eq!(outputs["data"]["url"], "http://localhost:4680/graphql");
        assert_eq!(outputs["data"]["authorization_types"], json!(["AWS_IAM"]));
        assert_eq!(
            outputs["custom"]["tokencast"]["user_pool_endpoint"],
            "http://localhost:4680/"
        );
    }
}
