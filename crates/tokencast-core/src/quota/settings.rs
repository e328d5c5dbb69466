//! The limits as an administrator writes them, in JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::{Caller, LimitName, Limits};

/// The highest limit: the most that a GraphQL `Int` holds.
const MAX_LIMIT: u64 = i32::MAX as u64;

/// The limits of all callers, by their groups.
///
/// ```
/// use tokencast_core::id::Owner;
/// use tokencast_core::quota::{Caller, Quotas};
///
/// let quotas: Quotas = r#"{"default": {"startsPerDay": 5}, "groups": {"pro": {"startsPerDay": 50}}}"#.parse()?;
/// let owner = Owner::new("me").expect("not empty");
/// let mut caller = Caller::from(owner);
/// assert_eq!(quotas.of(&caller).starts_per_day, Some(5));
/// caller.groups.push("pro".to_owned());
/// assert_eq!(quotas.of(&caller).starts_per_day, Some(50));
/// # Ok::<(), tokencast_core::quota::InvalidQuotas>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    pub default: Limits,
    pub groups: BTreeMap<String, Limits>,
}

/// Everything that is wrong with quotas, each with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidQuotas(pub Vec<String>);

impl Quotas {
    /// The limits of a caller: of their groups' the most generous. A group without limits of its own, and a caller in no
    /// group, have the default ones.
    pub fn of(&self, caller: &Caller) -> Limits {
        let of_groups = caller
            .groups
            .iter()
            .map(|group| self.groups.get(group).copied().unwrap_or(self.default));
        of_groups
            .reduce(Limits::most_generous)
            .unwrap_or(self.default)
    }
}

impl std::str::FromStr for Quotas {
    type Err = InvalidQuotas;

    fn from_str(json: &str) -> Result<Self, Self::Err> {
        let value = serde_json::from_str::<Value>(json).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            InvalidQuotas(vec![format!(
                "no JSON at line {line}, column {column}: expected an object with `default` and `groups`"
            )])
        })?;
        let mut problems = Vec::new();
        let quotas = read(&value, &mut problems);
        if problems.is_empty() {
            Ok(quotas)
        } else {
            Err(InvalidQuotas(problems))
        }
    }
}

fn read(value: &Value, problems: &mut Vec<String>) -> Quotas {
    let mut quotas = Quotas::default();
    let Some(fields) = object("the quotas", value, problems) else {
        return quotas;
    };
    for (name, value) in fields {
        match name.as_str() {
            "default" => quotas.default = limits("default", value, problems),
            "groups" => {
                for (group, value) in object("groups", value, problems).into_iter().flatten() {
                    let place = format!("groups.{group}");
                    let limits = limits(&place, value, problems);
                    quotas.groups.insert(group.clone(), limits);
                }
            }
            unknown => problems.push(format!(
                "{unknown}: is unknown, expected `default` or `groups`"
            )),
        }
    }
    quotas
}

fn limits(place: &str, value: &Value, problems: &mut Vec<String>) -> Limits {
    let mut limits = Limits::default();
    for (field, value) in object(place, value, problems).into_iter().flatten() {
        let Ok(name) = field.parse::<LimitName>() else {
            problems.push(format!(
                "{place}.{field}: is unknown, expected `startsPerMinute`, `startsPerDay`, `tokensPerDay` or `sessionsAtOnce`"
            ));
            continue;
        };
        let limit = value.as_u64().filter(|limit| *limit <= MAX_LIMIT);
        let limit = limit.and_then(|limit| u32::try_from(limit).ok());
        if limit.is_none() {
            problems.push(format!(
                "{place}.{field}: is {value}, expected a whole number from 0 to {MAX_LIMIT}; leave it out for no limit"
            ));
        }
        limits.set(name, limit);
    }
    limits
}

fn object<'a>(
    place: &str,
    value: &'a Value,
    problems: &mut Vec<String>,
) -> Option<&'a Map<String, Value>> {
    let object = value.as_object();
    if object.is_none() {
        problems.push(format!("{place}: is {value}, expected an object"));
    }
    object
}

impl fmt::Display for InvalidQuotas {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for InvalidQuotas {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Owner;

    fn check(groups: &[&str], expected: Option<u32>) {
        let quotas: Quotas = r#"{
            "default": {"startsPerDay": 5, "tokensPerDay": 0},
            "groups": {"small": {"startsPerDay": 1}, "large": {"startsPerDay": 9}, "free": {}}
        }"#
        .parse()
        .expect("quotas");
        let owner = Owner::new("me").expect("not empty");
        let groups = groups.iter().map(|it| (*it).to_owned()).collect();
        let limits = quotas.of(&Caller::new(owner, groups));
        assert_eq!(limits.starts_per_day, expected);
    }

    #[test]
    fn the_most_generous_of_the_callers_groups_counts() {
        check(&[], Some(5));
        check(&["small"], Some(1));
        check(&["small", "large"], Some(9));
        check(&["small", "other"], Some(5));
        check(&["small", "free", "large"], None);
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_place() {
        let refused = r#"{"default": {"startsPerDay": -1, "starts": 1}, "groups": {"pro": {"tokensPerDay": 2147483648, "sessionsAtOnce": "4"}, "x": 3}, "group": {}}"#
            .parse::<Quotas>()
            .expect_err("refused");
        let whole = "expected a whole number from 0 to 2147483647; leave it out for no limit";
        let mut problems = refused.0;
        problems.sort();
        assert_eq!(
            problems,
            [
                "default.starts: is unknown, expected `startsPerMinute`, `startsPerDay`, `tokensPerDay` or `sessionsAtOnce`".to_owned(),
                format!("default.startsPerDay: is -1, {whole}"),
                "group: is unknown, expected `default` or `groups`".to_owned(),
                format!("groups.pro.sessionsAtOnce: is \"4\", {whole}"),
                format!("groups.pro.tokensPerDay: is 2147483648, {whole}"),
                "groups.x: is 3, expected an object".to_owned(),
            ]
        );
        let refused = "{".parse::<Quotas>().expect_err("refused").to_string();
        assert!(
            refused.starts_with("no JSON at line 1, column 1:"),
            "{refused}"
        );
        let refused = "[]".parse::<Quotas>().expect_err("refused").to_string();
        assert_eq!(refused, "the quotas: is [], expected an object");
    }
}
