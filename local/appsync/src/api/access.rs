//! Who may access a field, from AWS's authorization directives.

use apollo_compiler::ast::{Directive, Value};

use crate::caller::{Caller, Identity};
use crate::config::AuthMode;

/// The authorization modes and groups that may access one field.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    grants: Vec<Grant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Grant {
    /// Without groups, any user of the pool may.
    UserPools {
        groups: Vec<String>,
    },
    Iam,
    /// API keys, OIDC and Lambda authorizers, which no caller of this stack uses.
    Other,
}

impl Access {
    /// The field's own directives; without any, its type's; without any, the API's default mode.
    pub(crate) fn new<'a>(
        field: impl Iterator<Item = &'a Directive>,
        parent: impl Iterator<Item = &'a Directive>,
        default: AuthMode,
    ) -> Self {
        let mut grants: Vec<_> = field.filter_map(grant).collect();
        if grants.is_empty() {
            grants = parent.filter_map(grant).collect();
        }
        if grants.is_empty() {
            grants.push(match default {
                AuthMode::UserPools => Grant::UserPools { groups: Vec::new() },
                AuthMode::Iam => Grant::Iam,
            });
        }
        Self { grants }
    }

    /// Whether the caller's mode may access the field, and the caller's group if groups are named. Policies aren't
    /// checked here.
    pub(crate) fn admits(&self, caller: &Caller) -> bool {
        self.grants
            .iter()
            .any(|grant| match (grant, &caller.identity) {
                (Grant::UserPools { groups }, Identity::UserPool(user)) => {
                    groups.is_empty()
                        || user
                            .groups
                            .iter()
                            .flatten()
                            .any(|group| groups.contains(group))
                }
                (Grant::Iam, Identity::Iam(_)) => true,
                _ => false,
            })
    }
}

fn grant(directive: &Directive) -> Option<Grant> {
    match directive.name.as_str() {
        "aws_cognito_user_pools" | "aws_auth" => Some(Grant::UserPools {
            groups: strings(directive, "cognito_groups"),
        }),
        "aws_iam" => Some(Grant::Iam),
        "aws_api_key" | "aws_oidc" | "aws_lambda" => Some(Grant::Other),
        _ => None,
    }
}

/// A directive's argument that is a list of strings.
pub(crate) fn strings(directive: &Directive, argument: &str) -> Vec<String> {
    match directive
        .specified_argument_by_name(argument)
        .map(AsRef::as_ref)
    {
        Some(Value::List(items)) => items
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect(),
        Some(Value::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    }
}
