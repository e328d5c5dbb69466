//! A conversation's record as an item. Versions are read as a session's are.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use tokencast_core::assistant::AssistantName;
use tokencast_core::conversation::{Conversation, TitleFrom};
use tokencast_core::id::{ConversationId, Owner, SessionId};
use tokencast_core::ports::{ListPosition, VersionedConversation};
use tokencast_core::time::Timestamp;

use super::{INDEX_KEY, INDEX_SORT_KEY, KEY, RECORD, SORT_KEY};
use crate::sessions::item::{
    ITEM_VERSION, Item, MalformedItem, OWN_ITEM_VERSION, malformed, of_item, to_item,
};
use crate::sessions::unknown;

/// Every attribute of a [`Record`].
const KNOWN: [&str; 18] = [
    "conversationId",
    "item",
    "version",
    ITEM_VERSION,
    "owner",
    "title",
    "titleFrom",
    "titleAsked",
    "lastSession",
    "turnCount",
    "assistant",
    "createdAt",
    "updatedAt",
    "listOwner",
    "listedAt",
    "expiresAt",
    "extendedTo",
    "deletedAt",
];

/// The attributes. Times are in milliseconds since the Unix epoch, but for `expiresAt` and `extendedTo`, which are in
/// seconds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    conversation_id: ConversationId,
    item: String,
    version: u32,
    item_version: u32,
    owner: Owner,
    title: String,
    title_from: TitleFrom,
    #[serde(default)]
    title_asked: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_session: Option<SessionId>,
    turn_count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    assistant: Option<AssistantName>,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    list_owner: Option<Owner>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listed_at: Option<Timestamp>,
    expires_at: i64,
    extended_to: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
}

pub(super) fn write(conversation: &Conversation, version: u32) -> Item {
    let is_listed = conversation.deleted_at.is_none();
    let mut item = unknown::write(&conversation.unknown);
    let written_by = item.get(ITEM_VERSION).cloned();
    item.extend(to_item(&Record {
        conversation_id: conversation.id,
        item: RECORD.to_owned(),
        version,
        item_version: OWN_ITEM_VERSION,
        owner: conversation.owner.clone(),
        title: conversation.title.clone(),
        title_from: conversation.title_from,
        title_asked: conversation.title_asked,
        last_session: conversation.last_session,
        turn_count: conversation.turn_count,
        assistant: conversation.assistant.clone(),
        created_at: conversation.created_at,
        updated_at: conversation.updated_at,
        list_owner: is_listed.then(|| conversation.owner.clone()),
        listed_at: is_listed.then_some(conversation.listed_at),
        expires_at: conversation.expires_at.as_secs(),
        extended_to: conversation.extended_to.as_secs(),
        deleted_at: conversation.deleted_at,
    }));
    // An item of a newer function keeps that function's version.
    if let Some(written_by) = written_by {
        item.insert(ITEM_VERSION.to_owned(), written_by);
    }
    item
}

pub(super) fn read(item: &Item) -> Result<VersionedConversation, MalformedItem> {
    let record: Record = of_item(item)?;
    let known: Vec<_> = match record.item_version.cmp(&OWN_ITEM_VERSION) {
        std::cmp::Ordering::Equal => KNOWN.to_vec(),
        std::cmp::Ordering::Greater if record.item_version == OWN_ITEM_VERSION + 1 => {
            let known = KNOWN.into_iter();
            known.filter(|name| *name != ITEM_VERSION).collect()
        }
        // No version before this one had conversations.
        _ => return Err(malformed(ITEM_VERSION)),
    };
    let conversation = Conversation {
        id: record.conversation_id,
        owner: record.owner,
        title: record.title,
        title_from: record.title_from,
        title_asked: record.title_asked,
        last_session: record.last_session,
        turn_count: record.turn_count,
        assistant: record.assistant,
        created_at: record.created_at,
        updated_at: record.updated_at,
        listed_at: record.listed_at.unwrap_or(record.updated_at),
        expires_at: Timestamp::from_secs(record.expires_at),
        extended_to: Timestamp::from_secs(record.extended_to),
        deleted_at: record.deleted_at,
        unknown: unknown::read(item, &known)?,
    };
    Ok(VersionedConversation {
        conversation,
        version: record.version,
    })
}

/// The place in the list that an item of the index has. The index may be behind the table.
pub(super) fn list_position(item: &Item) -> Result<ListPosition, MalformedItem> {
    let record: Record = of_item(item)?;
    Ok(ListPosition {
        listed_at: record.listed_at.ok_or_else(|| malformed("listedAt"))?,
        conversation_id: record.conversation_id,
    })
}

/// The key of an item of the index, from where a list goes on.
pub(super) fn index_key(owner: &Owner, at: ListPosition) -> Item {
    let millis = at.listed_at.as_millis().to_string();
    Item::from([
        (
            KEY.to_owned(),
            AttributeValue::S(at.conversation_id.to_string()),
        ),
        (SORT_KEY.to_owned(), AttributeValue::S(RECORD.to_owned())),
        (
            INDEX_KEY.to_owned(),
            AttributeValue::S(owner.as_str().to_owned()),
        ),
        (INDEX_SORT_KEY.to_owned(), AttributeValue::N(millis)),
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn conversation() -> Conversation {
        Conversation {
            id: ConversationId::random(),
            owner: Owner::new("me").expect("not empty"),
            title: "Rivers".to_owned(),
            title_from: TitleFrom::Model,
            title_asked: true,
            last_session: Some(SessionId::random()),
            turn_count: 3,
            assistant: Some("law".parse().expect("a name")),
            created_at: Timestamp::from_millis(1),
            updated_at: Timestamp::from_millis(2),
            listed_at: Timestamp::from_millis(3),
            expires_at: Timestamp::from_secs(4),
            extended_to: Timestamp::from_secs(5),
            deleted_at: None,
            unknown: BTreeMap::new(),
        }
    }

    #[test]
    fn a_conversation_reads_back_as_written() {
        let written = conversation();
        let item = write(&written, 7);
        for name in item.keys() {
            assert!(KNOWN.contains(&name.as_str()), "{name}");
        }
        let read = read(&item).expect("reads");
        assert_eq!((read.conversation, read.version), (written.clone(), 7));
        let listed = list_position(&item).expect("listed");
        assert_eq!(listed.conversation_id, written.id);
        assert_eq!(listed.listed_at, written.listed_at);
    }

    #[test]
    fn a_tombstone_is_in_no_list() {
        let owner = Owner::new("me").expect("not empty");
        let now = Timestamp::EPOCH;
        let tombstone = Conversation::delete(Some(conversation()), &owner, now).expect("mine");
        let item = write(&tombstone, 8);
        assert!(!item.contains_key("listOwner") && !item.contains_key("listedAt"));
        list_position(&item).expect_err("not listed");
        let read = read(&item).expect("reads").conversation;
        assert_eq!((read.deleted_at, read.title.as_str()), (Some(now), ""));
    }

    #[test]
    fn what_a_newer_function_wrote_is_kept() {
        let mut item = write(&conversation(), 1);
        let newer = AttributeValue::N((OWN_ITEM_VERSION + 1).to_string());
        item.insert(ITEM_VERSION.to_owned(), newer.clone());
        item.insert("folder".to_owned(), AttributeValue::S("work".to_owned()));
        let read = read(&item).expect("reads").conversation;
        let again = write(&read, 2);
        assert_eq!(again.get(ITEM_VERSION), Some(&newer));
        assert_eq!(again.get("folder"), item.get("folder"));
        for version in [OWN_ITEM_VERSION - 1, OWN_ITEM_VERSION + 2] {
            let version = AttributeValue::N(version.to_string());
            item.insert(ITEM_VERSION.to_owned(), version);
            super::read(&item).expect_err("not read");
        }
    }
}
