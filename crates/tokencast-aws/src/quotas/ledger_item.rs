//! A day's ledger as an item. Versions are read as a session's are.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use tokencast_core::assistant::Cost;
use tokencast_core::id::{Owner, SessionId};
use tokencast_core::quota::{Day, Ledger, Live, Spent};
use tokencast_core::time::Timestamp;

use crate::sessions::item::{
    ITEM_VERSION, Item, MalformedItem, OWN_ITEM_VERSION, malformed, of_item, to_item,
};
use crate::sessions::unknown;

/// How long a ledger is kept after its day.
const KEPT: Duration = Duration::from_hours(24 * 35);

/// Every attribute of a [`Record`].
const KNOWN: [&str; 11] = [
    "owner",
    "day",
    "version",
    ITEM_VERSION,
    "starts",
    "tokens",
    "cost",
    "minute",
    "minuteStarts",
    "live",
    "expiresAt",
];

/// The attributes. `cost` is in micro-dollars, `minute` in minutes since the Unix epoch, `expiresAt` in seconds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    owner: Owner,
    day: Day,
    version: u32,
    item_version: u32,
    starts: u32,
    tokens: u64,
    cost: u64,
    minute: i64,
    minute_starts: u32,
    live: BTreeMap<SessionId, LiveRecord>,
    expires_at: i64,
}

/// `until` is in milliseconds since the Unix epoch.
#[derive(Serialize, Deserialize)]
struct LiveRecord {
    tokens: u64,
    until: Timestamp,
}

/// What is reserved for one session, as an attribute.
pub(super) fn live(tokens: u64, until: Timestamp) -> AttributeValue {
    AttributeValue::M(to_item(&LiveRecord { tokens, until }))
}

pub(super) fn write(owner: &Owner, ledger: &Ledger, version: u32) -> Item {
    let mut item = unknown::write(&ledger.unknown);
    let written_by = item.get(ITEM_VERSION).cloned();
    let live = ledger.live.iter().map(|(id, live)| {
        let Live { tokens, until } = *live;
        (*id, LiveRecord { tokens, until })
    });
    item.extend(to_item(&Record {
        owner: owner.clone(),
        day: ledger.day,
        version,
        item_version: OWN_ITEM_VERSION,
        starts: ledger.starts,
        tokens: ledger.spent.tokens,
        cost: ledger.spent.cost.as_micros(),
        minute: ledger.minute,
        minute_starts: ledger.minute_starts,
        live: live.collect(),
        expires_at: (ledger.day.end() + KEPT).as_secs(),
    }));
    // An item of a newer function keeps that function's version.
    if let Some(written_by) = written_by {
        item.insert(ITEM_VERSION.to_owned(), written_by);
    }
    item
}

/// A ledger and its version.
pub(super) fn read(item: &Item) -> Result<(Ledger, u32), MalformedItem> {
    let record: Record = of_item(item)?;
    let known: Vec<_> = match record.item_version.cmp(&OWN_ITEM_VERSION) {
        std::cmp::Ordering::Equal => KNOWN.to_vec(),
        std::cmp::Ordering::Greater if record.item_version == OWN_ITEM_VERSION + 1 => {
            let known = KNOWN.into_iter();
            known.filter(|name| *name != ITEM_VERSION).collect()
        }
        // No version before this one had quotas.
        _ => return Err(malformed(ITEM_VERSION)),
    };
    let live = record.live.into_iter().map(|(id, live)| {
        let LiveRecord { tokens, until } = live;
        (id, Live { tokens, until })
    });
    let ledger = Ledger {
        day: record.day,
        starts: record.starts,
        spent: Spent {
            tokens: record.tokens,
            cost: Cost::of_micros(record.cost),
        },
        minute: record.minute,
        minute_starts: record.minute_starts,
        live: live.collect(),
        unknown: unknown::read(item, &known)?,
    };
    Ok((ledger, record.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner::new("me").expect("not empty")
    }

    fn ledger() -> Ledger {
        let live = Live {
            tokens: 5000,
            until: Timestamp::from_millis(123),
        };
        Ledger {
            starts: 3,
            spent: Spent {
                tokens: 7_000_000_000,
                cost: Cost::of_micros(12),
            },
            minute: 29_000_000,
            minute_starts: 2,
            live: BTreeMap::from([(SessionId::random(), live), (SessionId::random(), live)]),
            ..Ledger::new(Day::of(Timestamp::EPOCH))
        }
    }

    #[test]
    fn a_ledger_reads_back_as_written() {
        for written in [Ledger::new(Day::of(Timestamp::EPOCH)), ledger()] {
            let item = write(&owner(), &written, 7);
            for name in item.keys() {
                assert!(KNOWN.contains(&name.as_str()), "{name}");
            }
            assert_eq!(item["day"], AttributeValue::S("1970-01-01".to_owned()));
            let expires_at = (86_400 * 36).to_string();
            assert_eq!(item["expiresAt"], AttributeValue::N(expires_at));
            assert_eq!(read(&item).expect("reads"), (written, 7));
        }
    }

    #[test]
    fn what_a_newer_function_wrote_is_kept() {
        let mut item = write(&owner(), &ledger(), 1);
        let newer = AttributeValue::N((OWN_ITEM_VERSION + 1).to_string());
        item.insert(ITEM_VERSION.to_owned(), newer.clone());
        item.insert("images".to_owned(), AttributeValue::N("2".to_owned()));
        let (read, _) = read(&item).expect("reads");
        let again = write(&owner(), &read, 2);
        assert_eq!(again.get(ITEM_VERSION), Some(&newer));
        assert_eq!(again.get("images"), item.get("images"));
        item.insert(ITEM_VERSION.to_owned(), AttributeValue::N("1".to_owned()));
        super::read(&item).expect_err("not read");
    }
}
