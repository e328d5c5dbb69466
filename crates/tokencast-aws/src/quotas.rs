//! The quota table in DynamoDB. An owner's items have one partition: a ledger for each day, and what an administrator has
//! given them in place of the configured limits. A ledger is written in one transaction with a session's record: for a start
//! by compare and set on its `version`, for an end by adding to it, so that ends never wait for each other.
//!
//! | module | what |
//! | --- | --- |
//! | `ledger_item` | a day's ledger as an item |
//! | `overrides_item` | an owner's limits as an item |

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use tokencast_core::id::Owner;
use tokencast_core::ports::{Standing, StoreError, VersionedLedger};
use tokencast_core::quota::change::ChangeKind;
use tokencast_core::quota::{Day, Ledger, LimitName, Override, QuotaChange};

mod ledger_item;
mod overrides_item;

use crate::batch::{self, Key};
use crate::sessions::failed;
use crate::sessions::item::{self, Item};
use crate::sessions::turns::{Cancelled, if_unchanged, transact};

/// The partition key.
pub const KEY: &str = "owner";

/// The sort key: a day such as `2026-11-28`, or [`OVERRIDES`].
pub const SORT_KEY: &str = "day";

/// The sort key of an owner's limits.
const OVERRIDES: &str = "limits";

/// How often a reset is tried while sessions begin and end.
const MAX_CONFLICTS: usize = 20;

/// The condition of a ledger that is there.
const THERE: &str = "attribute_exists(#owner)";

/// The table of quotas.
#[derive(Clone, Debug)]
pub struct QuotaTable {
    client: Client,
    name: String,
}

impl QuotaTable {
    pub fn new(sdk: &SdkConfig, name: String) -> Self {
        let client = Client::new(sdk);
        Self { client, name }
    }

    /// Reads an owner's ledger of a day; an empty one if there is none.
    async fn ledger(&self, owner: &Owner, day: Day) -> Result<VersionedLedger, StoreError> {
        const OPERATION: &str = "GetItem of a ledger";
        let get = self
            .client
            .get_item()
            .table_name(&self.name)
            .consistent_read(true)
            .set_key(Some(self.key(owner, &day.to_string()).item()));
        let got = get.send().await;
        let got = got.map_err(|source| failed(OPERATION, source))?;
        read_ledger(OPERATION, owner, day, got.item.as_ref())
    }

    /// Reads what decides about a start on a day.
    ///
    /// # Errors
    ///
    /// DynamoDB does not answer, or an item is malformed.
    pub async fn standing(&self, owner: &Owner, day: Day) -> Result<Standing, StoreError> {
        const OPERATION: &str = "BatchGetItem of ledgers";
        let days = [day.to_string(), day.before().to_string()];
        let sorts = days.iter().map(String::as_str).chain([OVERRIDES]);
        let keys: Vec<_> = sorts.map(|sort| self.key(owner, sort)).collect();
        let items = batch::get(&self.client, &keys, None).await?;
        let read = |item: &Item| ledger_item::read(item).map_err(|it| failed(OPERATION, it));
        let before = items[1].as_ref().map(read).transpose()?;
        let overrides = items[2].as_ref().map(overrides_item::read).transpose();
        Ok(Standing {
            today: read_ledger(OPERATION, owner, day, items[0].as_ref())?,
            before: before.map(|(ledger, _)| ledger),
            overrides: overrides
                .map_err(|source| failed(OPERATION, source))?
                .unwrap_or_default(),
        })
    }

    /// The write of a ledger by compare and set, within a transaction.
    pub(crate) fn put(&self, written: &VersionedLedger) -> Result<TransactWriteItem, StoreError> {
        let version = written.version.unwrap_or_default() + 1;
        let item = ledger_item::write(&written.owner, &written.ledger, version);
        let put = Put::builder().table_name(&self.name).set_item(Some(item));
        let put = if_unchanged(put, KEY, written.version).build();
        let put = put.map_err(|source| failed("Put", source))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// A change of a ledger that nothing refuses, within a transaction, as [`Ledger::changed`] has it. It needs no read, and
    /// fails only if there is no ledger.
    pub(crate) fn change(&self, change: &QuotaChange) -> Result<TransactWriteItem, StoreError> {
        let number = |number: u64| AttributeValue::N(number.to_string());
        let update = Update::builder()
            .table_name(&self.name)
            .set_key(Some(
                self.key(&change.owner, &change.day.to_string()).item(),
            ))
            .condition_expression(THERE)
            .expression_attribute_names("#owner", KEY)
            .expression_attribute_names("#version", item::VERSION)
            .expression_attribute_names("#live", "live")
            .expression_attribute_names("#session", change.session_id.as_str())
            .expression_attribute_values(":one", number(1));
        let update = match change.kind {
            ChangeKind::Reserve { tokens, until } => update
                .update_expression("SET #live.#session = :live, #version = #version + :one")
                .expression_attribute_values(":live", ledger_item::live(tokens, until)),
            ChangeKind::Settle(spent) => update
                .update_expression(
                    "SET #tokens = #tokens + :tokens, #cost = #cost + :cost, \
                     #version = #version + :one REMOVE #live.#session",
                )
                .expression_attribute_names("#tokens", "tokens")
                .expression_attribute_names("#cost", "cost")
                .expression_attribute_values(":tokens", number(spent.tokens))
                .expression_attribute_values(":cost", number(spent.cost.as_micros())),
        };
        let update = update.build().map_err(|source| failed("Update", source))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Makes the ledger of a day on which the owner has started nothing, for a change. Does nothing if there is one.
    ///
    /// # Errors
    ///
    /// DynamoDB does not answer.
    pub(crate) async fn begin(&self, owner: &Owner, day: Day) -> Result<(), StoreError> {
        const OPERATION: &str = "PutItem of a ledger";
        let empty = VersionedLedger {
            owner: owner.clone(),
            ledger: Ledger::new(day),
            version: None,
        };
        match transact(&self.client, OPERATION, &[self.put(&empty)?]).await {
            Ok(()) | Err(Cancelled::Condition { .. }) => Ok(()),
            Err(Cancelled::Failed(error)) => Err(error),
        }
    }

    /// Gives an owner limits in place of the configured ones, for those that are named. `None`: as configured again.
    ///
    /// # Errors
    ///
    /// DynamoDB does not answer.
    pub async fn override_limits(
        &self,
        owner: &Owner,
        limits: &[(LimitName, Option<Override>)],
    ) -> Result<(), StoreError> {
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        let mut update = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(self.key(owner, OVERRIDES).item()));
        for (at, (name, limit)) in limits.iter().enumerate() {
            update = update.expression_attribute_names(format!("#n{at}"), name.as_str());
            match limit {
                Some(limit) => {
                    set.push(format!("#n{at} = :v{at}"));
                    let value = overrides_item::value(*limit);
                    update = update.expression_attribute_values(format!(":v{at}"), value);
                }
                None => remove.push(format!("#n{at}")),
            }
        }
        let parts = [("SET", set), ("REMOVE", remove)].into_iter();
        let parts = parts.filter(|(_, all)| !all.is_empty());
        let parts: Vec<_> = parts
            .map(|(verb, all)| format!("{verb} {}", all.join(", ")))
            .collect();
        if parts.is_empty() {
            return Ok(());
        }
        let updated = update.update_expression(parts.join(" ")).send().await;
        updated
            .map(drop)
            .map_err(|source| failed("UpdateItem", source))
    }

    /// Forgets what an owner has used on a day, but for what it cost. What is reserved stays. Returns the ledger.
    ///
    /// # Errors
    ///
    /// DynamoDB does not answer, or the ledger keeps changing.
    pub async fn reset(&self, owner: &Owner, day: Day) -> Result<Ledger, StoreError> {
        const OPERATION: &str = "TransactWriteItems";
        for _ in 0..MAX_CONFLICTS {
            let current = self.ledger(owner, day).await?;
            if current.version.is_none() {
                return Ok(current.ledger);
            }
            let reset = VersionedLedger {
                ledger: current.ledger.reset(),
                ..current
            };
            match transact(&self.client, OPERATION, &[self.put(&reset)?]).await {
                Ok(()) => return Ok(reset.ledger),
                Err(Cancelled::Condition { .. }) => {}
                Err(Cancelled::Failed(error)) => return Err(error),
            }
        }
        let source = "the owner's sessions kept changing it: try again";
        Err(failed(OPERATION, source))
    }

    fn key(&self, owner: &Owner, sort: &str) -> Key {
        let keys = [
            (KEY, owner.as_str().to_owned()),
            (SORT_KEY, sort.to_owned()),
        ];
        Key::new(&self.name, keys)
    }
}

fn read_ledger(
    operation: &'static str,
    owner: &Owner,
    day: Day,
    item: Option<&Item>,
) -> Result<VersionedLedger, StoreError> {
    let read = item.map(ledger_item::read).transpose();
    let read = read.map_err(|source| failed(operation, source))?;
    let (ledger, version) = read.map_or_else(
        || (Ledger::new(day), None),
        |(ledger, version)| (ledger, Some(version)),
    );
    Ok(VersionedLedger {
        owner: owner.clone(),
        ledger,
        version,
    })
}
