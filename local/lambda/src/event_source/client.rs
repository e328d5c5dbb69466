//! The SQS client that polls.

use aws_credential_types::Credentials;
use aws_sdk_sqs::config::{BehaviorVersion, Region};
use local_iam::Principal;
use local_kit::endpoints::Endpoints;

/// A client of the stack's own SQS, over plain HTTP.
pub fn sqs_client(endpoints: &Endpoints, principal: &Principal) -> aws_sdk_sqs::Client {
    let credentials = Credentials::new(
        &principal.access_key_id,
        &principal.secret_access_key,
        principal.session_token.clone(),
        None,
        "local-lambda",
    );
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(endpoints.region.clone()))
        .endpoint_url(endpoints.url())
        .credentials_provider(credentials)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}
