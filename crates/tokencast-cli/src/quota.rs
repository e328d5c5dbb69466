//! `tokencast quota`: one user's quota, for an administrator.

use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::{Map, Value, json};
use thiserror::Error;
use tokencast_aws::clock::SystemClock;
use tokencast_aws::quotas::QuotaTable;
use tokencast_core::assistant::Cost;
use tokencast_core::id::Owner;
use tokencast_core::ports::{Clock as _, Standing, StoreError};
use tokencast_core::quota::{Day, LimitName, Override, Overrides};
use tokencast_core::time::Timestamp;

use crate::cli::{GivenLimit, QuotaAction, QuotaArgs, QuotaTarget};
use crate::exit::{Exit, complain, say};
use crate::operator::{NoStack, UNKNOWN_USER, reach, sdk_for};
use crate::stack::QUOTAS_TABLE;

#[derive(Debug, Error)]
enum QuotaError {
    #[error("the user is empty: expected the `sub` of a user")]
    NoUser,
    #[error(transparent)]
    NoStack(#[from] NoStack),
    #[error("the quota could not be read or written")]
    Table(#[from] StoreError),
}

/// Runs `tokencast quota`.
pub async fn run(args: QuotaArgs, lookup: &impl Fn(&str) -> Option<String>) -> Exit {
    match act(&args.action, lookup).await {
        Ok(line) => {
            // A closed stdout changes nothing of what was done.
            let _ = writeln!(crate::stdio::Stdout, "{line}");
            Exit::Success
        }
        Err(error) => {
            complain(&error);
            match error {
                QuotaError::NoUser => Exit::Usage,
                QuotaError::NoStack(_) | QuotaError::Table(_) => Exit::Api,
            }
        }
    }
}

/// Does what is asked. Returns how the user stands then.
async fn act(
    action: &QuotaAction,
    lookup: &impl Fn(&str) -> Option<String>,
) -> Result<String, QuotaError> {
    let (QuotaAction::Show { target }
    | QuotaAction::Set { target, .. }
    | QuotaAction::Reset { target }) = action;
    let owner = Owner::new(target.user.trim()).ok_or(QuotaError::NoUser)?;
    reach(target.local).await?;
    let sdk = sdk_for(target.local, lookup).await;
    let name = target.table.clone();
    let table = QuotaTable::new(&sdk, name.unwrap_or_else(|| QUOTAS_TABLE.to_owned()));
    let now = SystemClock.now();
    let before = table.standing(&owner, Day::of(now)).await?;
    let was_unknown = is_unknown(&before);
    match action {
        QuotaAction::Show { .. } => {}
        QuotaAction::Set { .. } => table.override_limits(&owner, &given(action)).await?,
        QuotaAction::Reset { .. } => {
            table.reset(&owner, Day::of(now)).await?;
        }
    }
    let after = match action {
        QuotaAction::Show { .. } => before,
        QuotaAction::Set { .. } | QuotaAction::Reset { .. } => {
            table.standing(&owner, Day::of(now)).await?
        }
    };
    let shows_that = !target.json && is_unknown(&after);
    if was_unknown && !shows_that {
        say!("{UNKNOWN_USER}");
    }
    Ok(shown(target, &after, now))
}

/// Whether the user has started nothing yet, and nobody has given them a limit.
fn is_unknown(standing: &Standing) -> bool {
    let Standing {
        today,
        before,
        overrides,
    } = standing;
    today.version.is_none() && before.is_none() && *overrides == Overrides::default()
}

fn given(action: &QuotaAction) -> Vec<(LimitName, Option<Override>)> {
    let QuotaAction::Set {
        starts_per_minute,
        starts_per_day,
        tokens_per_day,
        sessions_at_once,
        ..
    } = action
    else {
        return Vec::new();
    };
    let limits = [
        (LimitName::StartsPerMinute, starts_per_minute),
        (LimitName::StartsPerDay, starts_per_day),
        (LimitName::TokensPerDay, tokens_per_day),
        (LimitName::SessionsAtOnce, sessions_at_once),
    ];
    let given = limits.into_iter();
    given
        .filter_map(|(name, limit)| Some((name, limit.map(GivenLimit::as_override)?)))
        .collect()
}

fn shown(target: &QuotaTarget, standing: &Standing, now: Timestamp) -> String {
    let Standing {
        today,
        before,
        overrides,
    } = standing;
    let used = |name| today.ledger.used(name, before.as_ref(), now);
    let cost = today.ledger.spent.cost;
    // Nothing is told where no model has a price.
    let cost = (cost > Cost::default()).then(|| cost.as_dollars());
    if target.json {
        let limits = LimitName::ALL.into_iter().map(|name| {
            let limit = json!({ "used": used(name), "override": override_json(overrides, name) });
            (name.to_string(), limit)
        });
        let mut fields: Map<String, Value> = limits.collect();
        fields.insert("user".to_owned(), json!(target.user.trim()));
        fields.insert("day".to_owned(), json!(today.ledger.day));
        fields.insert("cost".to_owned(), json!(cost));
        return Value::Object(fields).to_string();
    }
    let mut text = format!("{}, {} (UTC)\n", target.user.trim(), today.ledger.day);
    for name in LimitName::ALL {
        let limit = match overrides.get(name) {
            None => "as configured".to_owned(),
            Some(Override::Unlimited) => "no limit".to_owned(),
            Some(Override::Most(limit)) => format!("at most {limit}"),
        };
        // Writing to a string never fails.
        let _ = writeln!(
            text,
            "{:<16} {:>12} used, {limit}",
            name.as_str(),
            used(name)
        );
    }
    if let Some(cost) = cost {
        let _ = writeln!(text, "{:<16} {cost:>12.6} dollars", "cost");
    }
    if is_unknown(standing) {
        text.push_str(UNKNOWN_USER);
    }
    text.truncate(text.trim_end().len());
    text
}

fn override_json(overrides: &Overrides, name: LimitName) -> Value {
    match overrides.get(name) {
        None => json!("configured"),
        Some(Override::Unlimited) => json!("none"),
        Some(Override::Most(limit)) => json!(limit),
    }
}
