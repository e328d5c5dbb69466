//! Attributes of a record that only a newer function knows. They are written back unchanged.
//!
//! Each is kept as the JSON that DynamoDB's own protocol has for it, such as `{"S":"text"}`.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::item::{self, Item, MalformedItem};

/// The attributes of an item that are not among the known.
pub(crate) fn read(item: &Item, known: &[&str]) -> Result<BTreeMap<String, String>, MalformedItem> {
    let unknown = item
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()));
    let kept = unknown.map(|(name, value)| {
        let json = to_json(value).ok_or(item::malformed(name))?;
        Ok((name.clone(), json.to_string()))
    });
    kept.collect()
}

pub(crate) fn write(unknown: &BTreeMap<String, String>) -> Item {
    let attributes = unknown.iter().filter_map(|(name, json)| {
        let value = serde_json::from_str(json).ok()?;
        Some((name.clone(), of_json(&value)?))
    });
    attributes.collect()
}

/// `None` for a type that DynamoDB has not had yet.
fn to_json(value: &AttributeValue) -> Option<Value> {
    let encode = |bytes: &Blob| STANDARD.encode(bytes);
    Some(match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::B(bytes) => json!({ "B": encode(bytes) }),
        AttributeValue::Bool(bool) => json!({ "BOOL": bool }),
        AttributeValue::Null(is_null) => json!({ "NULL": is_null }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::Bs(all) => json!({ "BS": all.iter().map(encode).collect::<Vec<_>>() }),
        AttributeValue::L(values) => {
            json!({ "L": values.iter().map(to_json).collect::<Option<Vec<_>>>()? })
        }
        AttributeValue::M(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| Some((name.clone(), to_json(value)?)));
            json!({ "M": fields.collect::<Option<Map<_, _>>>()? })
        }
        _ => return None,
    })
}

pub(super) fn of_json(json: &Value) -> Option<AttributeValue> {
    let (kind, value) = json.as_object()?.iter().next()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let blob = |value: &Value| Some(Blob::new(STANDARD.decode(value.as_str()?).ok()?));
    Some(match kind.as_str() {
        "S" => AttributeValue::S(text(value)?),
        "N" => AttributeValue::N(text(value)?),
        "B" => AttributeValue::B(blob(value)?),
        "BOOL" => AttributeValue::Bool(value.as_bool()?),
        "NULL" => AttributeValue::Null(value.as_bool()?),
        "SS" => AttributeValue::Ss(all(value, text)?),
        "NS" => AttributeValue::Ns(all(value, text)?),
        "BS" => AttributeValue::Bs(all(value, blob)?),
        "L" => AttributeValue::L(all(value, of_json)?),
        "M" => {
            let fields = value.as_object()?.iter();
            let fields = fields.map(|(name, value)| Some((name.clone(), of_json(value)?)));
            AttributeValue::M(fields.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn all<T>(values: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    values.as_array()?.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_kept_as_it_is() {
        let kept = json!({
            "M": {
                "text": { "S": "é\u{0}" },
                "number": { "N": "1.50" },
                "bytes": { "B": "AP8=" },
                "yes": { "BOOL": true },
                "nothing": { "NULL": true },
                "texts": { "SS": ["a", "b"] },
                "numbers": { "NS": ["1", "2"] },
                "blobs": { "BS": ["AA==", "AQ=="] },
                "list": { "L": [{ "S": "a" }, { "M": {} }] },
            }
        });
        let value = of_json(&kept).expect("reads");
        assert_eq!(to_json(&value), Some(kept));
        let item = Item::from([
            ("new".to_owned(), value),
            ("old".to_owned(), AttributeValue::Null(true)),
        ]);
        let unknown = read(&item, &["old"]).expect("reads");
        assert_eq!(unknown.keys().collect::<Vec<_>>(), ["new"]);
        assert_eq!(write(&unknown).get("new"), item.get("new"));
    }
}
