//! An owner's limits as an item: an attribute for each limit that is not as configured, a number or `none`.

use aws_sdk_dynamodb::types::AttributeValue;
use tokencast_core::quota::{LimitName, Override, Overrides};

use crate::sessions::item::{Item, MalformedItem, malformed};

/// The value of a limit that doesn't exist.
const NONE: &str = "none";

pub(super) fn value(limit: Override) -> AttributeValue {
    match limit {
        Override::Most(limit) => AttributeValue::N(limit.to_string()),
        Override::Unlimited => AttributeValue::S(NONE.to_owned()),
    }
}

pub(super) fn read(item: &Item) -> Result<Overrides, MalformedItem> {
    let mut overrides = Overrides::default();
    for name in LimitName::ALL {
        let limit = match item.get(name.as_str()) {
            None => continue,
            Some(AttributeValue::N(limit)) => limit.parse().ok().map(Override::Most),
            Some(AttributeValue::S(none)) if none == NONE => Some(Override::Unlimited),
            Some(_) => None,
        };
        let limit = limit.ok_or_else(|| malformed(name.as_str()))?;
        overrides.set(name, Some(limit));
    }
    Ok(overrides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_read_back_as_written() {
        let item = Item::from([
            ("owner".to_owned(), AttributeValue::S("me".to_owned())),
            ("startsPerDay".to_owned(), value(Override::Most(7))),
            ("tokensPerDay".to_owned(), value(Override::Unlimited)),
        ]);
        let expected = Overrides {
            starts_per_day: Some(Override::Most(7)),
            tokens_per_day: Some(Override::Unlimited),
            ..Overrides::default()
        };
        assert_eq!(read(&item).expect("reads"), expected);
        for wrong in [
            AttributeValue::S("7".to_owned()),
            AttributeValue::N("-1".to_owned()),
            AttributeValue::Bool(true),
        ] {
            let item = Item::from([("sessionsAtOnce".to_owned(), wrong)]);
            let error = read(&item).expect_err("malformed").to_string();
            assert!(error.contains("sessionsAtOnce"), "{error}");
        }
    }
}
