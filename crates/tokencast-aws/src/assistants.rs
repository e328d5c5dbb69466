//! The assistants' file: JSON, as `docs/ASSISTANTS.md` describes it. All its errors are told at once, each with its place.
//!
//! `cdk/assistants.schema.json` says the same as far as a JSON Schema can. The files in `tests/fixtures/assistants` check
//! both.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde_json::Value;
use thiserror::Error;
use tokencast_core::assistant::{
    Assistant, AssistantName, Assistants, GuardrailSettings, InvalidAssistantName, Price,
    Reasoning, StreamProcessing,
};

mod fields;
mod repeated;

use fields::{Fields, Range};
use repeated::repeated;

/// The most assistants of a file.
const MAX_ASSISTANTS: usize = 100;

/// Of an answer, in tokens.
const MAX_TOKENS: Range<u32> = Range(1, 200_000);

/// How long an answer may be whose assistant doesn't say.
const DEFAULT_MAX_TOKENS: u32 = 4096;

/// The fewest tokens of reasoning that a model takes, by Anthropic's documentation of extended thinking.
const REASONING_TOKENS: Range<u32> = Range(1024, 200_000);

/// Of a million tokens, in dollars.
const DOLLARS: Range<f64> = Range(0.0, 10_000.0);

/// Everything that is wrong with a file.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidAssistants {
    #[error("the file can't be read: {0}")]
    Unreadable(String),
    #[error("the file is not JSON: line {line}, column {column}")]
    NotJson { line: usize, column: usize },
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Fields(Vec<FieldError>),
}

/// What is wrong at one place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The names of the fields that lead there, such as `assistants.general.maxTokens`. Empty for the file itself.
    pub place: String,
    pub problem: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, problem } = self;
        let place = if place.is_empty() { "the file" } else { place };
        write!(formatter, "{place}: {problem}")
    }
}

/// Reads the file at `path`.
///
/// # Errors
///
/// [`InvalidAssistants`] has all that is wrong.
pub fn read_file(path: &Path) -> Result<Assistants, InvalidAssistants> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| InvalidAssistants::Unreadable(error.to_string()))?;
    read(&text)
}

/// Reads a file's text.
///
/// ```
/// use tokencast_aws::assistants::read;
///
/// let assistants = read(r#"{"version": 1, "default": "a", "assistants": {"a": {"model": "amazon.nova-lite-v1:0"}}}"#)?;
/// assert_eq!(assistants.default_assistant().max_tokens, 4096);
/// let error = read(r#"{"version": 1, "default": "a", "assistants": {"a": {}}}"#).unwrap_err();
/// assert_eq!(error.to_string(), "assistants.a.model: is missing, expected the id of a model or inference profile");
/// # Ok::<(), tokencast_aws::assistants::InvalidAssistants>(())
/// ```
///
/// # Errors
///
/// [`InvalidAssistants`] has all that is wrong.
pub fn read(text: &str) -> Result<Assistants, InvalidAssistants> {
    // Some editors begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file: Value = serde_json::from_str(text).map_err(|error| InvalidAssistants::NotJson {
        line: error.line(),
        column: error.column(),
    })?;
    let twice = repeated(text).into_iter().map(|place| FieldError {
        place,
        problem: "is there twice, expected once".to_owned(),
    });
    let mut errors: Vec<_> = twice.collect();
    let read = read_value(&file, &mut errors);
    match read {
        Some(assistants) if errors.is_empty() => Ok(assistants),
        _ => Err(InvalidAssistants::Fields(errors)),
    }
}

/// `None` only if there are errors.
fn read_value(file: &Value, errors: &mut Vec<FieldError>) -> Option<Assistants> {
    let mut fields = Fields::of_file(file, errors)?;
    fields.text("$schema", 0..=2048, "the address of a JSON Schema");
    let is_version_1 = fields
        .get("version")
        .is_some_and(|it| it.as_u64() == Some(1));
    if !is_version_1 {
        fields.wrong("version", "1");
    }
    let default = fields.required("default", "the name of an assistant");
    let default = default.and_then(|it| it.as_str().map(str::to_owned));
    if default.is_none() && fields.get("default").is_some() {
        fields.wrong("default", "the name of an assistant");
    }
    let assistants_expected = format!("1 to {MAX_ASSISTANTS} assistants by name");
    let count = fields.required("assistants", &assistants_expected);
    let count = count.and_then(Value::as_object).map(serde_json::Map::len);
    if count.is_some_and(|count| !(1..=MAX_ASSISTANTS).contains(&count)) {
        let found = count.unwrap_or_default();
        fields.error(
            "assistants",
            format!("has {found}, expected {assistants_expected}"),
        );
    }
    let mut assistants = Vec::new();
    fields.each("assistants", |name, fields| {
        assistants.extend(assistant(name, fields));
    });
    let mut prices = BTreeMap::new();
    fields.each("prices", |model_id, fields| {
        if model_id.is_empty() || model_id.contains(char::is_whitespace) {
            fields.error(
                "",
                "is no id of a model, expected one without spaces".to_owned(),
            );
        }
        prices.extend(price(fields).map(|price| (model_id.to_owned(), price)));
    });
    let default = default?;
    let is_named = fields
        .get("assistants")
        .is_some_and(|all| all.get(&default).is_some());
    if !is_named && fields.get("assistants").is_some_and(Value::is_object) {
        fields.error(
            "default",
            format!("is `{default}`, expected one of `assistants`"),
        );
    }
    fields.end();
    Assistants::new(&default.parse().ok()?, assistants, prices).ok()
}

fn assistant(name: &str, fields: &mut Fields<'_, '_>) -> Option<Assistant> {
    let name: Result<AssistantName, InvalidAssistantName> = name.parse();
    if let Err(invalid) = name {
        fields.error("", format!("is no name of an assistant, {invalid}"));
    }
    let model = "the id of a model or inference profile";
    let model_id = fields.required("model", model);
    let model_id = model_id.and_then(|_| fields.word("model", 2048, model));
    let max_tokens = fields.number("maxTokens", &MAX_TOKENS);
    let reasoning = fields.object("reasoning").and_then(|mut fields| {
        let budget = fields.required("budgetTokens", &REASONING_TOKENS.to_string());
        let budget = budget.and_then(|_| fields.number("budgetTokens", &REASONING_TOKENS));
        fields.end();
        budget
    });
    let max_tokens = max_tokens.unwrap_or(DEFAULT_MAX_TOKENS);
    if let Some(budget) = reasoning.filter(|budget| *budget >= max_tokens) {
        let problem = format!(
            "is {budget}, expected less than maxTokens, which is {max_tokens}: reasoning is a part of the answer"
        );
        fields.error("reasoning.budgetTokens", problem);
    }
    let guardrail = fields.object("guardrail").and_then(|mut fields| {
        let guardrail = guardrail(&mut fields);
        fields.end();
        guardrail
    });
    let temperature = fields.number("temperature", &Range(0.0, 1.0));
    Some(Assistant {
        title: fields.text("title", 1..=100, "a text of 1 to 100 characters"),
        description: fields.text("description", 1..=1000, "a text of 1 to 1000 characters"),
        system_prompt: fields.text(
            "systemPrompt",
            1..=100_000,
            "a text of 1 to 100000 characters",
        ),
        max_tokens,
        temperature: temperature.map(f64_to_f32),
        reasoning: reasoning.map(|budget_tokens| Reasoning { budget_tokens }),
        prompt_caching: fields.boolean("promptCaching", true),
        client_system_prompt: fields.boolean("clientSystemPrompt", false),
        guardrail,
        name: name.ok()?,
        model_id: model_id?,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "0 to 1")]
fn f64_to_f32(number: f64) -> f32 {
    number as f32
}

fn guardrail(fields: &mut Fields<'_, '_>) -> Option<GuardrailSettings> {
    let (an_id, a_version) = ("the id or ARN of a guardrail", "a number, or `DRAFT`");
    let id = fields.required("id", an_id);
    let id = id.and_then(|_| fields.matching("id", is_guardrail, an_id));
    let version = fields.required("version", a_version);
    let version = version.and_then(|_| fields.matching("version", is_version, a_version));
    let modes = [
        ("sync", StreamProcessing::Sync),
        ("async", StreamProcessing::Async),
    ];
    let stream_processing = fields.choice("streamProcessing", &modes);
    Some(GuardrailSettings {
        id: id?,
        version: version?,
        stream_processing,
    })
}

fn is_guardrail(text: &str) -> bool {
    let is_id = |id: &str| {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9');
        !id.is_empty() && id.bytes().all(allowed)
    };
    // The file decides what is permitted, so that a wildcard is no part of an ARN.
    let is_word = |word: &str| {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        !word.is_empty() && word.bytes().all(allowed)
    };
    match text.strip_prefix("arn:") {
        None => is_id(text),
        Some(arn) => {
            // The partition, service, region, account and resource.
            let parts: Vec<_> = arn.split(':').collect();
            let [partition, "bedrock", region, account, resource] = parts[..] else {
                return false;
            };
            is_word(partition)
                && partition.starts_with("aws")
                && !partition.bytes().any(|byte| byte.is_ascii_digit())
                && is_word(region)
                && account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit())
                && resource.strip_prefix("guardrail/").is_some_and(is_id)
        }
    }
}

fn is_version(text: &str) -> bool {
    let is_number = (1..=8).contains(&text.len())
        && !text.starts_with('0')
        && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number || text == "DRAFT"
}

fn price(fields: &mut Fields<'_, '_>) -> Option<Price> {
    let mut required = |name| {
        let price = fields.required(name, &DOLLARS.to_string());
        price.and_then(|_| fields.number(name, &DOLLARS))
    };
    let (input, output) = (required("inputPerMillion"), required("outputPerMillion"));
    let cache_read = fields.number("cacheReadPerMillion", &DOLLARS);
    let cache_write = fields.number("cacheWritePerMillion", &DOLLARS);
    Price::of_dollars(input?, output?, cache_read, cache_write).ok()
}

#[cfg(test)]
mod tests;
