//! Reads the variables that several functions share. Each has the same meaning and default in all of them.

use std::path::Path;
use std::time::Duration;

use tokencast_core::assistant::{Assistant, Assistants};
use tokencast_core::deliver::Policy;
use tokencast_core::pipeline::{PublishMode, Settings};
use tokencast_core::quota::Quotas;
use tokencast_core::requests::Rules;
use tokencast_core::time::{Deadline, Timestamp};

use crate::assistants;
use crate::bedrock::ModelSettings;
use crate::config::Reader;

/// The variable with the path of the assistants' file.
pub const ASSISTANTS_FILE: &str = "ASSISTANTS_FILE";

/// `ASSISTANTS_FILE`, or else one assistant of `MODEL_ID`, `SYSTEM_PROMPT`, `MAX_TOKENS`, `TEMPERATURE` and
/// `PROMPT_CACHING`; and `LOG_MODEL_ERRORS`.
pub fn model(reader: &mut Reader<'_>) -> ModelSettings {
    let model_id = if reader.is_set(ASSISTANTS_FILE) {
        String::new()
    } else {
        reader.required("MODEL_ID", "the id of a Bedrock model or inference profile")
    };
    let only = Assistant {
        system_prompt: reader.optional("SYSTEM_PROMPT"),
        temperature: reader.optional_number("TEMPERATURE", 0.0..=1.0),
        prompt_caching: reader.choice("PROMPT_CACHING", &[("auto", true), ("off", false)]),
        ..Assistant::only(model_id, max_tokens(reader))
    };
    ModelSettings {
        assistants: assistants_file(reader).unwrap_or_else(|| only.into()),
        log_errors: reader.choice("LOG_MODEL_ERRORS", &[("false", false), ("true", true)]),
    }
}

/// `ASSISTANTS_FILE`, or else one assistant of `MAX_TOKENS` and `CLIENT_SYSTEM_PROMPT`: what a function of starts knows of it.
pub fn assistants(reader: &mut Reader<'_>) -> Assistants {
    let only = Assistant {
        client_system_prompt: reader.choice(
            "CLIENT_SYSTEM_PROMPT",
            &[("refused", false), ("taken", true)],
        ),
        ..Assistant::only(String::new(), max_tokens(reader))
    };
    assistants_file(reader).unwrap_or_else(|| only.into())
}

fn max_tokens(reader: &mut Reader<'_>) -> u32 {
    reader.number("MAX_TOKENS", 1..=200_000, 4096)
}

fn assistants_file(reader: &mut Reader<'_>) -> Option<Assistants> {
    let expected = "the path of an assistants file without errors";
    reader.optional_file("ASSISTANTS_FILE", expected, |path| {
        assistants::read_file(Path::new(path))
    })
}

/// `FLUSH_INTERVAL_MS`, `PUBLISH_MODE`, `CHECKPOINT_INTERVAL_MS`, `LEASE_SECONDS`, `MODEL_FIRST_TOKEN_TIMEOUT_MS`,
/// `MODEL_IDLE_TIMEOUT_MS`, `THROTTLE_PATIENCE_SECONDS`.
pub fn pipeline(reader: &mut Reader<'_>) -> Settings {
    Settings {
        publish_mode: reader.choice(
            "PUBLISH_MODE",
            &[
                ("joined", PublishMode::Joined),
                ("token", PublishMode::Token),
            ],
        ),
        flush_interval: reader.millis("FLUSH_INTERVAL_MS", 0..=1000, 0),
        checkpoint_interval: reader.millis("CHECKPOINT_INTERVAL_MS", 50..=5000, 500),
        lease: lease(reader),
        // The most is the longest time that a function can run. Its deadline may come earlier.
        model_first_token_timeout: reader.millis(
            "MODEL_FIRST_TOKEN_TIMEOUT_MS",
            100..=900_000,
            120_000,
        ),
        model_idle_timeout: reader.millis("MODEL_IDLE_TIMEOUT_MS", 100..=300_000, 30_000),
        throttle_patience: Duration::from_secs(reader.number(
            "THROTTLE_PATIENCE_SECONDS",
            0..=3600,
            300,
        )),
    }
}

/// `MAX_ATTEMPTS`, `SESSION_TTL_HOURS`, `MAX_HISTORY_TOKENS`.
pub fn policy(reader: &mut Reader<'_>) -> Policy {
    Policy {
        max_attempts: reader.number("MAX_ATTEMPTS", 1..=100, 3),
        session_ttl: session_ttl(reader),
        max_history_tokens: max_history_tokens(reader),
    }
}

/// `MAX_PROMPT_BYTES`, `SESSION_TTL_HOURS`, `START_WITHIN_SECONDS`, `CONVERSATION_TTL_DAYS`, `LEASE_SECONDS`,
/// `MAX_HISTORY_TOKENS`.
pub fn rules(reader: &mut Reader<'_>) -> Rules {
    Rules {
        // SQS takes 1 MiB in all.
        max_prompt_bytes: reader.number("MAX_PROMPT_BYTES", 1..=500_000, 100_000),
        session_ttl: session_ttl(reader),
        start_within: Duration::from_secs(reader.number("START_WITHIN_SECONDS", 60..=86_400, 3600)),
        conversation_ttl: conversation_ttl(reader),
        purge_delay: lease(reader),
        max_history_tokens: max_history_tokens(reader),
    }
}

/// `QUOTAS`: the limits of callers, as JSON; there are none without it. `QUOTAS_TABLE`: the DynamoDB table in which they
/// are counted.
pub fn quotas(reader: &mut Reader<'_>) -> Option<Quotas> {
    let quotas = reader.optional_parsed::<Quotas>("QUOTAS");
    if quotas.is_some() {
        reader.required(
            "QUOTAS_TABLE",
            "the name of a DynamoDB table, because there are `QUOTAS`",
        );
    }
    quotas
}

/// `QUOTAS_TABLE`: the DynamoDB table of quotas, if there is one.
pub fn quotas_table(reader: &mut Reader<'_>) -> Option<String> {
    reader.optional("QUOTAS_TABLE")
}

fn max_history_tokens(reader: &mut Reader<'_>) -> u32 {
    reader.number("MAX_HISTORY_TOKENS", 0..=1_000_000, 32_000)
}

/// `CONVERSATIONS_TABLE`: the DynamoDB table of conversations.
pub fn conversations_table(reader: &mut Reader<'_>) -> String {
    reader.required("CONVERSATIONS_TABLE", "the name of a DynamoDB table")
}

/// `CONVERSATION_TTL_DAYS`: how long a conversation is kept after its last turn.
pub fn conversation_ttl(reader: &mut Reader<'_>) -> Duration {
    Duration::from_hours(24 * reader.number("CONVERSATION_TTL_DAYS", 1..=3650, 90))
}

fn lease(reader: &mut Reader<'_>) -> Duration {
    Duration::from_secs(reader.number("LEASE_SECONDS", 1..=900, 30))
}

/// `DEADLINE_RESERVE_MS`: how long before Lambda's deadline an answer is ended, to end it properly.
pub fn deadline_reserve(reader: &mut Reader<'_>) -> Duration {
    reader.millis("DEADLINE_RESERVE_MS", 100..=60_000, 10_000)
}

/// When an answer must end in a process that is killed at `killed_at`. At most a third of the time that is left is kept
/// in reserve.
pub fn deadline(killed_at: Timestamp, now: Timestamp, reserve: Duration) -> Deadline {
    let left = killed_at.since(now);
    Deadline::at(killed_at - reserve.min(left / 3))
}

fn session_ttl(reader: &mut Reader<'_>) -> Duration {
    Duration::from_hours(reader.number("SESSION_TTL_HOURS", 1..=8760, 24))
}
