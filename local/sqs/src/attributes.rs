//! A queue's attributes. Ranges and defaults are those of `SetQueueAttributes` in the API reference.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{ApiError, Kind};

/// The attributes that can be set: parsed if they have an effect here, else kept as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub visibility_timeout_s: u32,
    pub retention_s: u32,
    pub delay_s: u32,
    pub maximum_message_bytes: u32,
    pub wait_time_s: u32,
    pub redrive: Option<Redrive>,
    /// `Policy`, `RedriveAllowPolicy` and the encryption settings, which are returned but have no effect.
    pub echoed: BTreeMap<String, String>,
}

/// `RedrivePolicy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Redrive {
    #[serde(rename = "deadLetterTargetArn")]
    pub target_arn: String,
    #[serde(rename = "maxReceiveCount")]
    pub max_receive_count: NonZeroU32,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            visibility_timeout_s: 30,
            retention_s: 345_600,
            delay_s: 0,
            maximum_message_bytes: 1_048_576,
            wait_time_s: 0,
            redrive: None,
            echoed: BTreeMap::from([("SqsManagedSseEnabled".to_owned(), "true".to_owned())]),
        }
    }
}

impl Attributes {
    /// Sets one attribute from its text.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        match name {
            "VisibilityTimeout" => self.visibility_timeout_s = number(name, value, 0, 43_200)?,
            "MessageRetentionPeriod" => self.retention_s = number(name, value, 60, 1_209_600)?,
            "DelaySeconds" => self.delay_s = number(name, value, 0, 900)?,
            "MaximumMessageSize" => {
                self.maximum_message_bytes = number(name, value, 1_024, 1_048_576)?;
            }
            "ReceiveMessageWaitTimeSeconds" => self.wait_time_s = number(name, value, 0, 20)?,
            "RedrivePolicy" if value.is_empty() => self.redrive = None,
            "RedrivePolicy" => self.redrive = Some(redrive(value)?),
            "Policy"
            | "RedriveAllowPolicy"
            | "KmsMasterKeyId"
            | "KmsDataKeyReusePeriodSeconds"
            | "SqsManagedSseEnabled" => {
                if matches!(name, "Policy" | "RedriveAllowPolicy") && !value.is_empty() {
                    serde_json::from_str::<Value>(value).map_err(|_| invalid(name))?;
                }
                match value {
                    "" => drop(self.echoed.remove(name)),
                    _ => drop(self.echoed.insert(name.to_owned(), value.to_owned())),
                }
            }
            "FifoQueue"
            | "ContentBasedDeduplication"
            | "DeduplicationScope"
            | "FifoThroughputLimit" => {
                return Err(Kind::UnsupportedOperation
                    .with(format!("{name}: this SQS has standard queues only.")));
            }
            _ => return Err(Kind::InvalidAttributeName.with(format!("Unknown Attribute {name}."))),
        }
        Ok(())
    }

    /// The attributes that were set, by AWS's names.
    pub(crate) fn pairs(&self) -> BTreeMap<String, String> {
        let mut pairs = self.echoed.clone();
        for (name, value) in [
            ("VisibilityTimeout", self.visibility_timeout_s),
            ("MessageRetentionPeriod", self.retention_s),
            ("DelaySeconds", self.delay_s),
            ("MaximumMessageSize", self.maximum_message_bytes),
            ("ReceiveMessageWaitTimeSeconds", self.wait_time_s),
        ] {
            pairs.insert(name.to_owned(), value.to_string());
        }
        if let Some(redrive) = &self.redrive {
            let text = serde_json::to_string(redrive).unwrap_or_default();
            pairs.insert("RedrivePolicy".to_owned(), text);
        }
        pairs
    }
}

fn number(name: &str, value: &str, least: u32, most: u32) -> Result<u32, ApiError> {
    value
        .parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| invalid(name))
}

fn invalid(name: &str) -> ApiError {
    Kind::InvalidAttributeValue.with(format!("Invalid value for the parameter {name}."))
}

/// `maxReceiveCount` is a number or a text, 1 to 1,000.
fn redrive(text: &str) -> Result<Redrive, ApiError> {
    let refuse = |reason: &str| ApiError::invalid_value(text, "RedrivePolicy", reason);
    let policy: Value = serde_json::from_str(text)
        .map_err(|_| refuse("Redrive policy is not a valid JSON map."))?;
    let target_arn = policy["deadLetterTargetArn"].as_str();
    let target_arn = target_arn.ok_or_else(|| {
        refuse("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
    })?;
    let count = match &policy["maxReceiveCount"] {
        Value::Null => {
            return Err(refuse(
                "Redrive policy does not contain mandatory attribute: maxReceiveCount.",
            ));
        }
        Value::String(count) => count.parse().ok(),
        count => count.as_u64().and_then(|count| u32::try_from(count).ok()),
    };
    let max_receive_count = count
        .filter(|count| *count <= 1_000)
        .and_then(NonZeroU32::new)
        .ok_or_else(|| refuse("Invalid value for maxReceiveCount: must be between 1 and 1000."))?;
    Ok(Redrive {
        target_arn: target_arn.to_owned(),
        max_receive_count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str, expected: Result<(), Kind>) {
        let result = Attributes::default()
            .set(name, value)
            .map_err(|error| error.kind);
        assert_eq!(result, expected, "{name}={value}");
    }

    #[test]
    fn attributes_have_ranges() {
        check("VisibilityTimeout", "0", Ok(()));
        check("VisibilityTimeout", "43200", Ok(()));
        check(
            "VisibilityTimeout",
            "43201",
            Err(Kind::InvalidAttributeValue),
        );
        check("VisibilityTimeout", "-1", Err(Kind::InvalidAttributeValue));
        check(
            "VisibilityTimeout",
            "soon",
            Err(Kind::InvalidAttributeValue),
        );
        check(
            "MessageRetentionPeriod",
            "59",
            Err(Kind::InvalidAttributeValue),
        );
        check(
            "ReceiveMessageWaitTimeSeconds",
            "21",
            Err(Kind::InvalidAttributeValue),
        );
        check("Policy", "{", Err(Kind::InvalidAttributeValue));
        check("Colour", "red", Err(Kind::InvalidAttributeName));
        check("FifoQueue", "true", Err(Kind::UnsupportedOperation));
        check(
            "RedrivePolicy",
            r#"{"deadLetterTargetArn":"arn:x","maxReceiveCount":"3"}"#,
            Ok(()),
        );
        check(
            "RedrivePolicy",
            r#"{"deadLetterTargetArn":"arn:x","maxReceiveCount":3}"#,
            Ok(()),
        );
        check(
            "RedrivePolicy",
            r#"{"deadLetterTargetArn":"arn:x","maxReceiveCount":0}"#,
            Err(Kind::InvalidParameterValue),
        );
        check(
            "RedrivePolicy",
            r#"{"maxReceiveCount":1}"#,
            Err(Kind::InvalidParameterValue),
        );
        check("RedrivePolicy", "", Ok(()));
    }
}
