//! A session's record as an item, attribute by attribute. Of a long text, only the end is in it: see [`super::parts`].
//!
//! While a deployment runs, old and new functions read and write the same items. So a reader takes the version of an item
//! that is before its own and the one after it, and writes attributes back that it doesn't know. A version may add
//! attributes at the top, which have a default; one that means something else needs another name.

use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use thiserror::Error;
use tokencast_core::event::{Ending, Usage};
use tokencast_core::failure::{Failure, FailureCode};
use tokencast_core::id::{Attempt, Owner, Sequence};
use tokencast_core::ports::{Sealed, Version, Versioned};
use tokencast_core::session::{Follower, Lease, Lengths, Session, Status};

use super::parts::{self, Part};
use super::{KEY, TTL, unknown};

pub(super) type Item = HashMap<String, AttributeValue>;

/// Counts the writes of an item.
pub(super) const VERSION: &str = "version";

/// Says which version of this code wrote an item. Version 1 wrote none.
const ITEM_VERSION: &str = "itemVersion";

/// The version of the items that this code writes.
const OWN_ITEM_VERSION: u32 = 2;

/// Every attribute that [`write`] may write.
const KNOWN: [&str; 28] = [
    KEY,
    VERSION,
    ITEM_VERSION,
    "owner",
    "status",
    "fingerprint",
    "attempt",
    "sequence",
    "text",
    "lengths",
    "textAttempt",
    "parts",
    "lastAttempt",
    "reopenedAfter",
    "stopRequested",
    "createdAt",
    "updatedAt",
    TTL,
    "followers",
    "leaseUntil",
    "leaseHolder",
    "lastFailure",
    "stopReason",
    "usage",
    "failure",
    "throttledAttempts",
    "throttledSince",
    "startBy",
];

/// An item that isn't a session, by the attribute that says so.
#[derive(Debug, Error)]
#[error("the item's attribute `{0}` is missing or malformed")]
pub(super) struct MalformedItem(pub(super) &'static str);

pub(super) fn write(session: &Session, version: Version, rest: &Part) -> Item {
    let mut item = unknown::write(&session.unknown);
    // What a newer function wrote stays marked as its own.
    item.entry(ITEM_VERSION.to_owned())
        .or_insert_with(|| number(OWN_ITEM_VERSION));
    let mut put = |name: &str, value: AttributeValue| {
        item.insert(name.to_owned(), value);
    };
    put(KEY, text(session.id));
    put(VERSION, number(version.number));
    put("owner", text(session.owner.as_str()));
    put("status", text(session.status.as_str()));
    put("attempt", number(session.attempt.0));
    put("sequence", number(session.sequence.0));
    put("text", text(&*rest.text));
    put("lengths", parts::lengths(&rest.lengths));
    put("textAttempt", number(session.text_attempt.0));
    put("parts", number(version.sealed.parts));
    put("lastAttempt", number(session.last_attempt.0));
    put("reopenedAfter", number(session.reopened_after.0));
    put("throttledAttempts", number(session.throttled_attempts));
    let times = [
        ("throttledSince", session.throttled_since_ms),
        ("startBy", session.start_by_ms),
    ];
    for (name, at_ms) in times {
        if let Some(at_ms) = at_ms {
            put(name, number(at_ms));
        }
    }
    put(
        "stopRequested",
        AttributeValue::Bool(session.stop_requested),
    );
    put("createdAt", number(session.created_at_ms));
    put("updatedAt", number(session.updated_at_ms));
    put(TTL, number(session.expires_at_s));
    if let Some(fingerprint) = session.fingerprint {
        put("fingerprint", text(fingerprint.to_string()));
    }
    if !session.followers.is_empty() {
        let followers = session.followers.iter().map(follower_map);
        put("followers", AttributeValue::L(followers.collect()));
    }
    if let Some(lease) = session.lease {
        put("leaseUntil", number(lease.until_ms));
        put("leaseHolder", text(lease.holder.to_string()));
    }
    if let Some(failure) = &session.last_failure {
        put("lastFailure", failure_map(failure));
    }
    let Ending {
        stop_reason,
        usage,
        failure,
    } = &session.ending;
    if let Some(stop_reason) = stop_reason {
        put("stopReason", text(&**stop_reason));
    }
    if let Some(usage) = usage {
        let counts = [
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
            ("total", usage.total_tokens),
        ];
        put(
            "usage",
            AttributeValue::M(
                counts
                    .map(|(name, count)| (name.to_owned(), number(count)))
                    .into(),
            ),
        );
    }
    if let Some(failure) = failure {
        put("failure", failure_map(failure));
    }
    item
}

/// Reads a record; its text is only what is behind its parts.
pub(super) fn read(item: &Item) -> Result<Versioned, MalformedItem> {
    let unknown = unknown::read(item, &known_in(item)?)?;
    let fingerprint = item.contains_key("fingerprint");
    let lease = match item.get("leaseUntil") {
        None => None,
        Some(_) => Some(Lease {
            until_ms: get_number(item, "leaseUntil")?,
            holder: parse(item, "leaseHolder")?,
        }),
    };
    let status = get_text(item, "status")?;
    let status = Status::ALL
        .into_iter()
        .find(|known| known.as_str() == status);
    let stop_reason = item
        .contains_key("stopReason")
        .then(|| get_text(item, "stopReason"));
    let rest = get_text(item, "text")?;
    let text_attempt = Attempt(get_number(item, "textAttempt")?);
    let followers = match item.get("followers") {
        None => Vec::new(),
        Some(AttributeValue::L(followers)) => followers
            .iter()
            .map(read_follower)
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(MalformedItem("followers")),
    };
    let session = Session {
        id: parse(item, KEY)?,
        owner: Owner::new(get_text(item, "owner")?).ok_or(MalformedItem("owner"))?,
        status: status.ok_or(MalformedItem("status"))?,
        fingerprint: fingerprint
            .then(|| parse(item, "fingerprint"))
            .transpose()?,
        attempt: Attempt(get_number(item, "attempt")?),
        sequence: Sequence(get_number(item, "sequence")?),
        text: rest.to_owned(),
        lengths: get_lengths(item, rest)?,
        text_attempt,
        ending: Ending {
            stop_reason: stop_reason.transpose()?.map(str::to_owned),
            usage: get_map(item, "usage")?.map(read_usage).transpose()?,
            failure: get_map(item, "failure")?.map(read_failure).transpose()?,
        },
        last_attempt: Attempt(get_number(item, "lastAttempt")?),
        reopened_after: Attempt(get_number(item, "reopenedAfter")?),
        throttled_attempts: get_optional_number(item, "throttledAttempts")?.unwrap_or(0),
        throttled_since_ms: get_optional_number(item, "throttledSince")?,
        start_by_ms: get_optional_number(item, "startBy")?,
        lease,
        stop_requested: matches!(item.get("stopRequested"), Some(AttributeValue::Bool(true))),
        followers,
        last_failure: get_map(item, "lastFailure")?
            .map(read_failure)
            .transpose()?,
        created_at_ms: get_number(item, "createdAt")?,
        updated_at_ms: get_number(item, "updatedAt")?,
        expires_at_s: get_number(item, TTL)?,
        unknown,
    };
    Ok(Versioned {
        session,
        version: Version {
            number: get_number(item, VERSION)?,
            sealed: Sealed {
                attempt: text_attempt,
                parts: get_number(item, "parts")?,
            },
        },
    })
}

/// What this code knows of an item, if it can read its version. The version after its own is not its to change.
fn known_in(item: &Item) -> Result<Vec<&'static str>, MalformedItem> {
    let written_by = match item.get(ITEM_VERSION) {
        None => OWN_ITEM_VERSION - 1,
        Some(_) => get_number(item, ITEM_VERSION)?,
    };
    match written_by.checked_sub(OWN_ITEM_VERSION - 1) {
        Some(0 | 1) => Ok(KNOWN.to_vec()),
        Some(2) => Ok(KNOWN
            .into_iter()
            .filter(|name| *name != ITEM_VERSION)
            .collect()),
        _ => Err(MalformedItem("itemVersion")),
    }
}

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

fn failure_map(failure: &Failure) -> AttributeValue {
    let fields = [
        ("code", text(failure.code.as_str())),
        ("message", text(&*failure.message)),
    ];
    AttributeValue::M(fields.map(|(name, value)| (name.to_owned(), value)).into())
}

fn read_failure(map: &Item) -> Result<Failure, MalformedItem> {
    // A newer function may know one more.
    let code = get_text(map, "code")?
        .parse()
        .unwrap_or(FailureCode::Internal);
    Ok(Failure::new(code, get_text(map, "message")?))
}

fn follower_map(follower: &Follower) -> AttributeValue {
    let fields = [
        ("address", text(&*follower.address)),
        ("attempt", number(follower.attempt.0)),
        ("sequence", number(follower.sequence.0)),
    ];
    AttributeValue::M(fields.map(|(name, value)| (name.to_owned(), value)).into())
}

fn read_follower(value: &AttributeValue) -> Result<Follower, MalformedItem> {
    let map = value.as_m().map_err(|_| MalformedItem("followers"))?;
    Ok(Follower {
        address: get_text(map, "address")?.to_owned(),
        attempt: Attempt(get_number(map, "attempt")?),
        sequence: Sequence(get_number(map, "sequence")?),
    })
}

fn read_usage(map: &Item) -> Result<Usage, MalformedItem> {
    Ok(Usage {
        input_tokens: get_number(map, "input")?,
        output_tokens: get_number(map, "output")?,
        total_tokens: get_number(map, "total")?,
    })
}

pub(super) fn get_text<'a>(item: &'a Item, name: &'static str) -> Result<&'a str, MalformedItem> {
    match item.get(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(MalformedItem(name)),
    }
}

pub(super) fn get_lengths(item: &Item, text: &str) -> Result<Lengths, MalformedItem> {
    match item.get("lengths") {
        Some(AttributeValue::B(bytes)) => Lengths::of(bytes.as_ref().to_vec(), text),
        _ => None,
    }
    .ok_or(MalformedItem("lengths"))
}

fn parse<T: FromStr>(item: &Item, name: &'static str) -> Result<T, MalformedItem> {
    get_text(item, name)?
        .parse()
        .map_err(|_| MalformedItem(name))
}

fn get_number<T: FromStr>(item: &Item, name: &'static str) -> Result<T, MalformedItem> {
    match item.get(name) {
        Some(AttributeValue::N(number)) => number.parse().map_err(|_| MalformedItem(name)),
        _ => Err(MalformedItem(name)),
    }
}

fn get_optional_number<T: FromStr>(
    item: &Item,
    name: &'static str,
) -> Result<Option<T>, MalformedItem> {
    let number = item.contains_key(name).then(|| get_number(item, name));
    number.transpose()
}

fn get_map<'a>(item: &'a Item, name: &'static str) -> Result<Option<&'a Item>, MalformedItem> {
    match item.get(name) {
        None => Ok(None),
        Some(AttributeValue::M(map)) => Ok(Some(map)),
        Some(_) => Err(MalformedItem(name)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;
    use tokencast_core::id::SessionId;
    use tokencast_core::session::Fingerprint;
    use uuid::Uuid;

    use super::*;

    fn session() -> Session {
        Session {
            id: SessionId::random(),
            owner: Owner::new("owner").expect("not empty"),
            status: Status::Failed,
            fingerprint: Some(Fingerprint::of("A prompt", &[])),
            attempt: Attempt(2),
            sequence: Sequence(31),
            text: "So far so good ü".to_owned(),
            lengths: [3, 14].into_iter().collect(),
            text_attempt: Attempt(1),
            ending: Ending {
                stop_reason: Some("end_turn".to_owned()),
                usage: Some(Usage {
                    input_tokens: 1,
                    output_tokens: 2,
                    total_tokens: 3,
                }),
                failure: Some(Failure::new(FailureCode::ModelError, "It failed.")),
            },
            last_attempt: Attempt(3),
            reopened_after: Attempt(1),
            throttled_attempts: 2,
            throttled_since_ms: Some(1_700_000_000_500),
            start_by_ms: Some(1_700_003_600_000),
            lease: Some(Lease {
                until_ms: 1_700_000_030_000,
                holder: Uuid::new_v4(),
            }),
            stop_requested: true,
            followers: vec![Follower {
                address: "L0SM9cOFvHcCIhw=".to_owned(),
                attempt: Attempt(1),
                sequence: Sequence(9),
            }],
            last_failure: Some(Failure::new(FailureCode::Throttled, "Busy.")),
            created_at_ms: 1_700_000_000_000,
            updated_at_ms: 1_700_000_001_000,
            expires_at_s: 1_700_086_400,
            unknown: BTreeMap::new(),
        }
    }

    const VERSION_7: Version = Version {
        number: 7,
        sealed: Sealed {
            attempt: Attempt(1),
            parts: 3,
        },
    };

    #[test]
    fn a_session_reads_back_as_written() {
        let full = session();
        let bare = Session {
            ending: Ending::default(),
            lease: None,
            fingerprint: None,
            stop_requested: false,
            last_failure: None,
            throttled_since_ms: None,
            start_by_ms: None,
            text: String::new(),
            lengths: Lengths::default(),
            followers: Vec::new(),
            ..session()
        };
        for session in [full, bare] {
            let rest = Part {
                text: session.text.clone(),
                lengths: session.lengths.clone(),
            };
            let found = read(&write(&session, VERSION_7, &rest)).expect("reads");
            assert_eq!((found.session, found.version), (session, VERSION_7));
        }
    }

    #[test]
    fn an_item_without_a_needed_attribute_is_refused_by_its_name() {
        let item = write(&session(), VERSION_7, &Part::default());
        for name in [
            KEY,
            VERSION,
            TTL,
            "owner",
            "status",
            "attempt",
            "sequence",
            "text",
            "lengths",
            "textAttempt",
            "reopenedAfter",
            "parts",
            "leaseHolder",
        ] {
            let mut item = item.clone();
            item.remove(name);
            let error = read(&item).expect_err("refused").to_string();
            assert!(error.contains(&format!("`{name}`")), "{error}");
        }
    }

    #[test]
    fn each_attribute_that_is_written_is_known() {
        let item = write(&session(), VERSION_7, &Part::default());
        let mut written: Vec<_> = item.keys().map(String::as_str).collect();
        let mut known = KNOWN.to_vec();
        written.sort_unstable();
        known.sort_unstable();
        assert_eq!(written, known);
    }

    /// `tests/fixtures/items.json`: what an older and a newer function write.
    #[test]
    fn items_of_the_versions_beside_this_one_are_read_and_written_back() {
        let items = include_str!("../../../../tests/fixtures/items.json");
        let items: Vec<Value> = serde_json::from_str(items).expect("the fixture");
        for case in &items {
            let name = &case["name"];
            let fields = case["item"].as_object().expect("an item").iter();
            let item: Item = fields
                .map(|(name, value)| (name.clone(), unknown::of_json(value).expect("a value")))
                .collect();
            let found = read(&item);
            let expected = &case["expected"];
            let Some(status) = expected["status"].as_str() else {
                let error = found.expect_err("refused").to_string();
                assert_eq!(Value::from(error), expected["refused"], "{name}");
                continue;
            };
            let Versioned { session, version } = found.expect("reads");
            assert_eq!(session.status.as_str(), status, "{name}");
            assert_eq!(session.text, expected["text"], "{name}");
            let fingerprint = session.fingerprint.map(|it| it.to_string());
            assert_eq!(
                serde_json::json!(fingerprint),
                expected["fingerprint"],
                "{name}"
            );
            let failure = session.last_failure.as_ref().map(|it| it.code.as_str());
            assert_eq!(
                serde_json::json!(failure),
                expected["lastFailure"],
                "{name}"
            );

            let rest = Part {
                text: session.text.clone(),
                lengths: session.lengths.clone(),
            };
            let written = write(&session, version, &rest);
            for kept in expected["kept"].as_array().expect("names") {
                let kept = kept.as_str().expect("a name");
                assert_eq!(written.get(kept), item.get(kept), "{name}: {kept}");
            }
            assert_eq!(
                written[ITEM_VERSION],
                AttributeValue::N(expected["writtenBackAs"].to_string()),
                "{name}"
            );
        }
        assert_eq!(items.len(), 4);
    }
}
