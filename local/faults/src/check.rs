//! Refuses plans that can't have an effect, instead of accepting rules that never fire.

use thiserror::Error;

use crate::fault::Fault;
use crate::operations::{BEDROCK, EXECUTE_API, FUNCTION_URL, INDEX, REALTIME, WEBSOCKET};
use crate::plan::{FaultPlan, Rule};
use crate::replacement::Replacement;
use crate::service::{FaultService, Point};

/// What is wrong with a plan, and where.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{path}: {message}")]
pub struct PlanError {
    /// The path of the wrong value: `rules[2].fault.delay.ms`.
    pub path: String,
    pub message: String,
}

impl FaultPlan {
    /// Reads a plan from JSON and checks it.
    ///
    /// # Errors
    ///
    /// The text isn't a plan, or the plan can't have an effect.
    pub fn from_json(text: &str) -> Result<Self, PlanError> {
        // Serde would read an array as the fields in their order.
        if !text.trim_start().starts_with('{') {
            return Err(PlanError {
                path: ".".to_owned(),
                message: "expected a JSON object with `seed` and `rules`".to_owned(),
            });
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let plan: Self =
            serde_path_to_error::deserialize(&mut reader).map_err(|error| PlanError {
                path: error.path().to_string(),
                message: error.into_inner().to_string(),
            })?;
        reader.end().map_err(|error| PlanError {
            path: ".".to_owned(),
            message: error.to_string(),
        })?;
        plan.check()?;
        Ok(plan)
    }

    /// Checks the plan.
    ///
    /// # Errors
    ///
    /// A rule can't have an effect; the error names it.
    pub fn check(&self) -> Result<(), PlanError> {
        check(self)
    }
}

fn check(plan: &FaultPlan) -> Result<(), PlanError> {
    for (index, rule) in plan.rules.iter().enumerate() {
        let checked = service(rule)
            .and_then(|()| operation(rule))
            .and_then(|()| when(rule))
            .and_then(|()| values(&rule.fault));
        checked.map_err(|(path, message)| PlanError {
            path: format!("rules[{index}].{path}"),
            message,
        })?;
    }
    Ok(())
}

type Checked = Result<(), (String, String)>;

fn service(rule: &Rule) -> Checked {
    let names = Fault::names_for(rule.service);
    let (service, fault) = (rule.service.name(), rule.fault.name());
    if !names.contains(&fault) {
        let has = names.join(", ");
        return wrong(
            "fault",
            format!("`{service}` has no `{fault}`; it has {has}"),
        );
    }
    let is_signed = !matches!(
        rule.service,
        FaultService::Realtime
            | FaultService::Lambda
            | FaultService::Cognito
            | FaultService::FunctionUrl
            | FaultService::WebSocket
    );
    if rule.caller.is_some() && !(is_signed && rule.fault.fits(Point::Request)) {
        let message =
            format!("`{fault}` of `{service}` is not about a signed request: leave it out");
        return wrong("caller", message);
    }
    Ok(())
}

fn operation(rule: &Rule) -> Checked {
    let (operation, fault) = (rule.operation.as_str(), rule.fault.name());
    if operation.is_empty() {
        return wrong("operation", "is empty; `*` is any".to_owned());
    }
    let known: &[&str] = match rule.service {
        FaultService::Realtime => &REALTIME,
        FaultService::WebSocket => &WEBSOCKET,
        FaultService::FunctionUrl => &FUNCTION_URL,
        FaultService::ExecuteApi => &EXECUTE_API,
        FaultService::Bedrock => &BEDROCK,
        FaultService::Sqs if rule.fault == Fault::Duplicate => &["ReceiveMessage"],
        FaultService::DynamoDb if rule.fault.fits(Point::Index) => &INDEX,
        _ => return Ok(()),
    };
    if operation == "*" {
        return Ok(());
    }
    if !known.contains(&operation) {
        let known = known.join(", ");
        return wrong("operation", format!("`{operation}`; expected {known} or *"));
    }
    if matches!(
        rule.service,
        FaultService::Realtime | FaultService::WebSocket
    ) {
        let fits = |operation: &str| {
            rule.fault.fits(match operation {
                "data" => Point::Frame,
                "start" => Point::Start,
                _ => Point::Request,
            })
        };
        if !fits(operation) {
            let others = known.iter().filter(|other| fits(other));
            let others: Vec<String> = others.map(|other| format!("`{other}`")).collect();
            let others = others.join(" and ");
            let message = format!("`{fault}` is for {others}, not for `{operation}`");
            return wrong("fault", message);
        }
    }
    Ok(())
}

fn when(rule: &Rule) -> Checked {
    match rule.when.probability {
        Some(probability) if !(0.0..=1.0).contains(&probability) => wrong(
            "when.probability",
            format!("`{probability}`; expected 0 to 1"),
        ),
        _ => Ok(()),
    }
}

fn values(fault: &Fault) -> Checked {
    let range = |field: &str, value: u32, least: u32, most: u32| {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        wrong(
            &format!("fault.{}.{field}", fault.name()),
            format!("`{value}`; expected {least} to {most}"),
        )
    };
    match fault {
        Fault::Error {
            status, error_type, ..
        } => {
            error_name("fault.error.type", error_type)?;
            range("status", status.map_or(500, u32::from), 400, 599)
        }
        Fault::GraphqlError { error_type, .. } => {
            error_name("fault.graphqlError.errorType", error_type)
        }
        Fault::SubscriptionError(error) => {
            error_name("fault.subscriptionError.errorType", &error.error_type)
        }
        Fault::Replace(replacement) => replaced(replacement),
        Fault::Repeat { times } => range("times", *times, 1, 1_000),
        Fault::Reorder { window, .. } => range("window", *window, 2, 1_000),
        _ => Ok(()),
    }
}

fn replaced(replacement: &Replacement) -> Checked {
    let Replacement {
        pointer, status, ..
    } = replacement;
    if let Some(pointer) = pointer.as_deref().filter(|it| !it.is_empty())
        && !pointer.starts_with('/')
    {
        return wrong(
            "fault.replace.pointer",
            format!("`{pointer}`; expected a JSON pointer such as `/data/getStream`"),
        );
    }
    match status {
        Some(status) if !(200..=599).contains(status) => wrong(
            "fault.replace.status",
            format!("`{status}`; expected 200 to 599"),
        ),
        _ => Ok(()),
    }
}

/// An error's name becomes a header's value.
fn error_name(path: &str, name: &str) -> Checked {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    if is_name {
        return Ok(());
    }
    wrong(
        path,
        format!("`{name}`; expected a name such as `ThrottlingException`"),
    )
}

fn wrong(path: &str, message: String) -> Checked {
    Err((path.to_owned(), message))
}
