//! What API Gateway sends, as far as it is read here, and what it gets.

use serde::{Deserialize, Serialize};
use tokencast_core::id::Owner;

/// Something happens on a connection. A connect's headers and query string, which hold the token, are not read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteEvent {
    pub request_context: RequestContext,
    #[serde(default)]
    pub body: Option<String>,
    #[serde(default)]
    pub is_base64_encoded: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestContext {
    pub route_key: String,
    pub connection_id: String,
    #[serde(default)]
    authorizer: Option<Authorizer>,
}

/// The context that the authorizer gave when the client connected.
#[derive(Deserialize)]
struct Authorizer {
    #[serde(default)]
    owner: Option<String>,
}

impl RequestContext {
    pub fn owner(&self) -> Option<Owner> {
        Owner::new(self.authorizer.as_ref()?.owner.as_deref()?)
    }
}

/// `body` goes to the client as a frame.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteAnswer {
    pub status_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_routes_event_has_the_owner_that_the_authorizer_gave() {
        let event = json!({
            "requestContext": {
                "routeKey": "stream",
                "connectionId": "a=",
                "authorizer": { "principalId": "me", "owner": "me", "integrationLatency": 1 },
            },
            "body": "{}",
            "isBase64Encoded": false,
        });
        let event: RouteEvent = serde_json::from_value(event).expect("an event");
        assert_eq!(event.request_context.owner(), Owner::new("me"));
        assert_eq!(event.body.as_deref(), Some("{}"));
    }
}
