//! A message, the checks of its content, and the digests that SDKs verify.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::{ApiError, Kind};

pub(crate) const MAX_ATTRIBUTES: usize = 10;

/// A message as it was sent, and what happened to it since.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Message {
    pub id: Uuid,
    pub body: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, MessageAttribute>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_header: Option<String>,
    pub sent_ms: i64,
    #[serde(default)]
    pub receive_count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_received_ms: Option<i64>,
    /// When the message becomes or became visible: in the future while it is delayed or in flight.
    pub visible_ms: i64,
    /// Whether a receiver holds the message, unless its visibility timeout has ended since.
    #[serde(default)]
    pub in_flight: bool,
    /// In a dead-letter queue, the ARN of the queue that the message was moved from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter_source: Option<String>,
}

/// A message attribute in the API's shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MessageAttribute {
    pub data_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// The value in Base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

impl MessageAttribute {
    fn is_binary(&self) -> bool {
        self.data_type == "Binary" || self.data_type.starts_with("Binary.")
    }

    fn value(&self) -> Vec<u8> {
        match &self.binary_value {
            Some(base64) if self.is_binary() => STANDARD.decode(base64).unwrap_or_default(),
            _ => self.string_value.clone().unwrap_or_default().into_bytes(),
        }
    }

    fn check(&self, name: &str) -> Result<(), ApiError> {
        let refuse = |reason: &str| {
            Kind::InvalidParameterValue.with(format!("The message attribute '{name}' {reason}"))
        };
        let base = self.data_type.split('.').next().unwrap_or_default();
        if !matches!(base, "String" | "Number" | "Binary") || self.data_type.len() > 256 {
            return Err(refuse(
                "has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.",
            ));
        }
        if self.is_binary() {
            let base64 = self.binary_value.as_deref().unwrap_or_default();
            if STANDARD.decode(base64).is_err() {
                return Err(
                    Kind::Serialization.with("Start of structure or map found where not expected.")
                );
            }
        }
        let value = self.value();
        if value.is_empty() {
            return Err(refuse("must contain a non-empty message attribute value."));
        }
        if base == "Number"
            && self
                .string_value
                .as_deref()
                .is_none_or(|text| text.parse::<f64>().is_err())
        {
            return Err(refuse("must contain a valid number."));
        }
        if !self.is_binary() {
            check_characters(&String::from_utf8_lossy(&value))?;
        }
        Ok(())
    }
}

/// The bytes that count towards a message's limit: its body, and its attributes' names, types and values.
pub(crate) fn size_bytes(body: &str, attributes: &BTreeMap<String, MessageAttribute>) -> usize {
    let of_attributes: usize = attributes
        .iter()
        .map(|(name, it)| name.len() + it.data_type.len() + it.value().len())
        .sum();
    body.len() + of_attributes
}

/// Checks a message's body.
///
/// # Errors
///
/// `SendMessage` refuses this body.
pub(crate) fn check_body(body: &str) -> Result<(), ApiError> {
    if body.is_empty() {
        return Err(ApiError::missing("MessageBody"));
    }
    check_characters(body)
}

/// Checks a message's attributes.
///
/// # Errors
///
/// `SendMessage` refuses one of them.
pub(crate) fn check_attributes(
    attributes: &BTreeMap<String, MessageAttribute>,
) -> Result<(), ApiError> {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(Kind::InvalidParameterValue.with(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MAX_ATTRIBUTES}].",
            attributes.len()
        )));
    }
    for (name, attribute) in attributes {
        check_attribute_name(name)?;
        attribute.check(name)?;
    }
    Ok(())
}

fn check_attribute_name(name: &str) -> Result<(), ApiError> {
    let lower = name.to_ascii_lowercase();
    let well_formed = (1..=256).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..");
    if !well_formed {
        return Err(Kind::InvalidParameterValue.with(format!(
            "The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters."
        )));
    }
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return Err(Kind::InvalidParameterValue.with(format!(
            "The message attribute name '{name}' is invalid because it starts with a reserved prefix."
        )));
    }
    Ok(())
}

fn check_characters(text: &str) -> Result<(), ApiError> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    if text.chars().all(allowed) {
        return Ok(());
    }
    Err(Kind::InvalidMessageContents.with(
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
    ))
}

/// `MD5OfMessageBody`
pub(crate) fn md5_of_body(body: &str) -> String {
    hex(&Md5::digest(body.as_bytes()))
}

/// `MD5OfMessageAttributes`, by the developer guide's algorithm: the names in order, and name, type and value each
/// after its length, with a byte for the kind of value. `None` without attributes.
pub(crate) fn md5_of_attributes(attributes: &BTreeMap<String, MessageAttribute>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    for (name, attribute) in attributes {
        put(&mut digest, name.as_bytes());
        put(&mut digest, attribute.data_type.as_bytes());
        digest.update([if attribute.is_binary() { 2 } else { 1 }]);
        put(&mut digest, &attribute.value());
    }
    Some(hex(&digest.finalize()))
}

fn put(digest: &mut Md5, bytes: &[u8]) {
    digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    digest.update(bytes);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}
