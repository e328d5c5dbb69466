//! Reads of many items at once, of one table or several.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokencast_core::backoff::Backoff;
use tokencast_core::ports::StoreError;

use crate::sessions::failed;
use crate::sessions::item::{self, Item};

/// DynamoDB's limit for one batch.
const MAX_BATCH: usize = 100;

/// How many batches are read at a time: the history of 200 turns has four.
const BATCHES_AT_ONCE: usize = 4;

/// How often DynamoDB may leave items for the next request.
const MAX_REQUESTS: u32 = 10;

const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(20),
    cap: Duration::from_secs(1),
};

/// An item's table and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    table: String,
    attributes: Vec<(&'static str, String)>,
}

impl Key {
    pub(crate) fn new(
        table: &str,
        attributes: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        Self {
            table: table.to_owned(),
            attributes: attributes.into_iter().collect(),
        }
    }

    pub(crate) fn item(&self) -> Item {
        let attributes = self.attributes.iter();
        attributes
            .map(|(name, value)| ((*name).to_owned(), AttributeValue::S(value.clone())))
            .collect()
    }

    fn is_of(&self, table: &str, item: &Item) -> bool {
        let mut attributes = self.attributes.iter();
        self.table == table
            && attributes
                .all(|(name, value)| item.get(*name).and_then(|it| it.as_s().ok()) == Some(value))
    }
}

/// Reads the items with these keys consistently, in their order; `None` for one that is not there. With `only`, reads
/// only these attributes.
///
/// # Errors
///
/// DynamoDB does not answer, or keeps leaving items out.
pub(crate) async fn get(
    client: &Client,
    keys: &[Key],
    only: Option<&str>,
) -> Result<Vec<Option<Item>>, StoreError> {
    let batches = keys.chunks(MAX_BATCH);
    let batches: Vec<_> = batches.map(|keys| get_batch(client, keys, only)).collect();
    let found = stream::iter(batches).buffered(BATCHES_AT_ONCE);
    found.try_concat().await
}

async fn get_batch(
    client: &Client,
    keys: &[Key],
    only: Option<&str>,
) -> Result<Vec<Option<Item>>, StoreError> {
    const OPERATION: &str = "BatchGetItem";
    let mut found: Vec<Option<Item>> = vec![None; keys.len()];
    let mut wanted = request(keys, only)?;
    let mut requests = 0;
    while !wanted.is_empty() {
        requests += 1;
        if requests > MAX_REQUESTS {
            return Err(failed(OPERATION, item::malformed("unprocessed")));
        }
        if requests > 1 {
            tokio::time::sleep(BACKOFF.delay(requests - 1)).await;
        }
        let batch = client.batch_get_item().set_request_items(Some(wanted));
        let got = batch.send().await;
        let got = got.map_err(|source| failed(OPERATION, source))?;
        for (table, items) in got.responses.unwrap_or_default() {
            for item in items {
                if let Some(at) = keys.iter().position(|key| key.is_of(&table, &item)) {
                    found[at] = Some(item);
                }
            }
        }
        wanted = got.unprocessed_keys.unwrap_or_default();
    }
    Ok(found)
}

fn request(
    keys: &[Key],
    only: Option<&str>,
) -> Result<HashMap<String, KeysAndAttributes>, StoreError> {
    let mut tables: HashMap<&str, Vec<Item>> = HashMap::new();
    for key in keys {
        tables.entry(&key.table).or_default().push(key.item());
    }
    let tables = tables.into_iter().map(|(table, keys)| {
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .set_projection_expression(only.map(|_| "#only".to_owned()))
            .set_expression_attribute_names(
                only.map(|only| HashMap::from([("#only".to_owned(), only.to_owned())])),
            )
            .build()
            .map_err(|source| failed("BatchGetItem", source))?;
        Ok((table.to_owned(), wanted))
    });
    tables.collect()
}
