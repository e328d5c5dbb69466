//! The parts of API Gateway's event that this function reads, and its response.

use serde::{Deserialize, Serialize};
use tokencast_core::id::Owner;
use tokencast_core::quota::Caller;

/// An event of a connection. The function doesn't read a connect's headers and query string, which hold the token.
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

/// The context that the authorizer returned when the client connected.
#[derive(Deserialize)]
struct Authorizer {
    #[serde(default)]
    owner: Option<String>,
    /// A JSON array.
    #[serde(default)]
    groups: Option<String>,
}

impl RequestContext {
    /// The user who connected. Groups that can't be read count as none, which have the default limits.
    pub fn caller(&self) -> Option<Caller> {
        let authorizer = self.authorizer.as_ref()?;
        let owner = Owner::new(authorizer.owner.as_deref()?)?;
        let groups = authorizer.groups.as_deref();
        let groups = groups.and_then(|groups| serde_json::from_str(groups).ok());
        Some(Caller::new(owner, groups.unwrap_or_default()))
    }
}

/// The response. API Gateway sends `body` to the client as a frame.
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
                "authorizer": {
                    "principalId": "me", "owner": "me", "groups": "[\"pro\"]", "integrationLatency": 1,
                },
            },
            "body": "{}",
            "isBase64Encoded": false,
        });
        let event: RouteEvent = serde_json::from_value(event).expect("an event");
        let owner = Owner::new("me").expect("not empty");
        let groups = vec!["pro".to_owned()];
        let expected = Some(Caller::new(owner, groups));
        assert_eq!(event.request_context.caller(), expected);
        assert_eq!(event.body.as_deref(), Some("{}"));
    }
}
