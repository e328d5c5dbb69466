//! The event of a direct Lambda resolver, which is also most of a script's `ctx`.

use http::HeaderMap;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::Call;

#[derive(Serialize)]
struct Event<'a> {
    arguments: &'a Map<String, Value>,
    identity: Value,
    source: Option<&'a Value>,
    request: Request<'a>,
    prev: (),
    info: Info<'a>,
    stash: Empty,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    headers: Headers<'a>,
    domain_name: (),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    selection_set_list: &'a [String],
    #[serde(rename = "selectionSetGraphQL")]
    selection_set_graphql: &'a str,
    field_name: &'a str,
    parent_type_name: &'a str,
    variables: &'a Map<String, Value>,
}

#[derive(Serialize)]
struct Empty {}

/// The headers, with the last value of each name.
struct Headers<'a>(&'a HeaderMap);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.keys_len()))?;
        for name in self.0.keys() {
            if let Some(value) = self.0.get_all(name).iter().next_back() {
                let value = String::from_utf8_lossy(value.as_bytes());
                map.serialize_entry(name.as_str(), &value)?;
            }
        }
        map.end()
    }
}

/// Serialized directly from what the call borrows, because each mutation passes here.
pub(super) fn event(call: &Call<'_>) -> serde_json::Result<String> {
    serde_json::to_string(&Event {
        arguments: &call.arguments,
        identity: call.caller.identity_json(),
        source: call.source,
        request: Request {
            headers: Headers(&call.caller.headers),
            domain_name: (),
        },
        prev: (),
        info: Info {
            selection_set_list: &call.selected.list,
            selection_set_graphql: &call.selected.graphql,
            field_name: call.field_name,
            parent_type_name: call.type_name,
            variables: call.variables,
        },
        stash: Empty {},
    })
}
