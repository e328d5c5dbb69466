//! `ReportBatchItemFailures`: the messages that a function's response reports as failed.

use std::collections::HashSet;

use serde_json::Value;

/// Why the whole batch failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    Json,
    Shape,
    Identifier,
}

/// The failed ids, by the rules of Lambda's guide. An empty response, `null`, and a missing, null or empty list mean
/// success. An identifier that is missing, null, empty or unknown fails the whole batch.
pub(super) fn failures(answer: &[u8], sent: &HashSet<&str>) -> Result<HashSet<String>, Unusable> {
    if answer.trim_ascii().is_empty() {
        return Ok(HashSet::new());
    }
    let answer: Value = serde_json::from_slice(answer).map_err(|_| Unusable::Json)?;
    let list = match &answer {
        Value::Null => return Ok(HashSet::new()),
        Value::Object(answer) => answer.get("batchItemFailures").unwrap_or(&Value::Null),
        _ => return Err(Unusable::Shape),
    };
    let list = match list {
        Value::Null => return Ok(HashSet::new()),
        Value::Array(list) => list,
        _ => return Err(Unusable::Shape),
    };
    let id = |failure: &Value| {
        let id = failure.get("itemIdentifier").and_then(Value::as_str);
        id.filter(|id| sent.contains(id))
            .map(str::to_owned)
            .ok_or(Unusable::Identifier)
    };
    list.iter().map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, expected: Result<&[&str], Unusable>) {
        let found = failures(answer.as_bytes(), &HashSet::from(["a", "b"]));
        let expected = expected.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
        assert_eq!(found, expected, "{answer}");
    }

    #[test]
    fn an_answer_says_what_failed() {
        check("", Ok(&[]));
        check("null", Ok(&[]));
        check("{}", Ok(&[]));
        check(r#"{"other":1}"#, Ok(&[]));
        check(r#"{"batchItemFailures":null}"#, Ok(&[]));
        check(r#"{"batchItemFailures":[]}"#, Ok(&[]));
        check(
            r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#,
            Ok(&["a"]),
        );
        check(
            r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}"#,
            Ok(&["a", "b"]),
        );
        check(
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            Err(Unusable::Identifier),
        );
        check(
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            Err(Unusable::Identifier),
        );
        check(
            r#"{"batchItemFailures":[{"itemIdentifier":"c"}]}"#,
            Err(Unusable::Identifier),
        );
        check(
            r#"{"batchItemFailures":[{"id":"a"}]}"#,
            Err(Unusable::Identifier),
        );
        check(r#"{"batchItemFailures":["a"]}"#, Err(Unusable::Identifier));
        check(r#"{"batchItemFailures":"a"}"#, Err(Unusable::Shape));
        check(r#""done""#, Err(Unusable::Shape));
        check("{", Err(Unusable::Json));
    }
}
