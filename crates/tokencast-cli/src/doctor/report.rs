//! The report: one line for each probe, or JSON. It can be attached to an issue.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::deployment::Deployment;
use super::evidence::Evidence;
use super::probe::Verdict;
use super::probes::{UNSEEN, all};
use super::selection::Selection;

/// The variables of the worker that are worth knowing. Instructions to the model aren't among them.
const SETTINGS: [&str; 17] = [
    "MODEL_ID",
    "MAX_TOKENS",
    "FLUSH_INTERVAL_MS",
    "PUBLISH_MODE",
    "MAX_ATTEMPTS",
    "LEASE_SECONDS",
    "START_WITHIN_SECONDS",
    "THROTTLE_PATIENCE_SECONDS",
    "MODEL_IDLE_TIMEOUT_MS",
    "MODEL_FIRST_TOKEN_TIMEOUT_MS",
    "SESSION_TTL_HOURS",
    "CONVERSATION_TTL_DAYS",
    "MAX_HISTORY_TOKENS",
    "PROMPT_CACHING",
    "TITLE_MODEL_ID",
    "ASSISTANTS_FILE",
    "QUOTAS",
];

/// What is said of one promise.
#[derive(Clone, Debug)]
pub struct Line {
    pub id: &'static str,
    pub promise: &'static str,
    pub source: &'static str,
    pub expected: &'static str,
    pub remedy: &'static str,
    pub verdict: Verdict,
}

#[derive(Clone, Debug)]
pub struct Report {
    pub lines: Vec<Line>,
    /// What the deployment is: `region`, `channels`, `settings` …
    facts: Value,
    took: Duration,
}

impl Report {
    /// Judges the evidence, by the probes that are wanted.
    pub fn new(
        deployment: &Deployment,
        evidence: &Evidence,
        selection: &Selection,
        took: Duration,
    ) -> Self {
        let judged = all().into_iter().map(|probe| {
            let judgement = probe.judgement(evidence);
            (probe, judgement)
        });
        let judged: Vec<_> = judged.collect();
        let mut shown = BTreeSet::new();
        for (probe, _) in judged.iter().filter(|(probe, _)| selection.has(probe.id)) {
            let mut next = Some(probe.id);
            // What has kept a probe from being tried belongs into the report as well.
            while let Some(id) = next.filter(|id| shown.insert(*id)) {
                let found = judged.iter().find(|(probe, _)| probe.id == id);
                next = found.and_then(|(_, judgement)| judgement.blamed);
            }
        }
        let shown = judged
            .into_iter()
            .filter(|(probe, _)| shown.contains(probe.id));
        let probed = shown.map(|(probe, judgement)| Line {
            id: probe.id,
            promise: probe.promise,
            source: probe.source,
            expected: probe.expected,
            remedy: judgement.remedy.unwrap_or(probe.remedy),
            verdict: in_one_line(judgement.verdict),
        });
        let unseen = UNSEEN.iter().filter(|unseen| selection.has(unseen.id));
        let unseen = unseen.map(|unseen| Line {
            id: unseen.id,
            promise: unseen.promise,
            source: unseen.source,
            expected: "",
            remedy: "",
            verdict: Verdict::NotProbed(unseen.why.to_owned()),
        });
        Self {
            lines: probed.chain(unseen).collect(),
            facts: facts(deployment, evidence),
            took,
        }
    }

    /// The ids of the probes that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        let failed = self.lines.iter();
        let failed = failed.filter(|line| matches!(line.verdict, Verdict::Failed(_)));
        failed.map(|line| line.id).collect()
    }

    /// What is said of one probe.
    pub fn verdict(&self, id: &str) -> Option<&Verdict> {
        let line = self.lines.iter().find(|line| line.id == id)?;
        Some(&line.verdict)
    }

    /// For people. `full` keeps account numbers.
    pub fn as_text(&self, full: bool) -> String {
        let mut text = String::new();
        let fact = |name: &str| match &self.facts[name] {
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                let items = items.iter().filter_map(Value::as_str);
                items.collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        };
        // Writing into a String can't fail.
        let _ = writeln!(
            text,
            "tokencast doctor {}: {}, {}, {}",
            fact("version"),
            fact("deployment"),
            fact("region"),
            fact("channels"),
        );
        let width = self.lines.iter().map(|line| line.id.len()).max();
        let width = width.unwrap_or_default();
        for line in &self.lines {
            let Line { id, promise, .. } = line;
            let _ = match &line.verdict {
                Verdict::Ok(got) => writeln!(text, "ok          {id:width$}  {promise}: {got}"),
                Verdict::NotProbed(why) => {
                    writeln!(text, "not probed  {id:width$}  {promise}: {why}")
                }
                Verdict::Failed(got) => writeln!(
                    text,
                    "failed      {id:width$}  {promise}\n            expected: {}\n            came:     {got}\n            to do:    {}\n            source:   {}",
                    line.expected, line.remedy, line.source
                ),
            };
        }
        let [ok, failed, not_probed] = self.counts();
        let seconds = self.took.as_secs();
        let _ = writeln!(
            text,
            "{ok} ok, {failed} failed, {not_probed} not probed, in {seconds} s"
        );
        without_secrets(&text, full)
    }

    /// For programs. `full` keeps account numbers.
    pub fn as_json(&self, full: bool) -> Value {
        let lines = self.lines.iter().map(|line| {
            let (verdict, got) = match &line.verdict {
                Verdict::Ok(got) => ("ok", got),
                Verdict::Failed(got) => ("failed", got),
                Verdict::NotProbed(why) => ("notProbed", why),
            };
            json!({
                "id": line.id,
                "promise": line.promise,
                "source": line.source,
                "verdict": verdict,
                "expected": line.expected,
                "got": without_secrets(got, full),
                "toDo": line.remedy,
            })
        });
        let [ok, failed, not_probed] = self.counts();
        let mut report = self.facts.clone();
        let settings = report["settings"].as_object_mut();
        for value in settings.into_iter().flat_map(Map::values_mut) {
            if let Value::String(text) = value {
                *text = without_secrets(text, full);
            }
        }
        report["seconds"] = self.took.as_secs().into();
        report["ok"] = ok.into();
        report["failed"] = failed.into();
        report["notProbed"] = not_probed.into();
        report["probes"] = lines.collect();
        report
    }

    fn counts(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for line in &self.lines {
            counts[match line.verdict {
                Verdict::Ok(_) => 0,
                Verdict::Failed(_) => 1,
                Verdict::NotProbed(_) => 2,
            }] += 1;
        }
        counts
    }
}

/// What a server or a library said may have several lines.
fn in_one_line(verdict: Verdict) -> Verdict {
    let joined = |text: String| {
        let words = text.split(|c: char| c.is_whitespace() || c.is_control());
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        words.join(" ")
    };
    match verdict {
        Verdict::Ok(got) => Verdict::Ok(joined(got)),
        Verdict::Failed(got) => Verdict::Failed(joined(got)),
        Verdict::NotProbed(why) => Verdict::NotProbed(joined(why)),
    }
}

fn facts(deployment: &Deployment, evidence: &Evidence) -> Value {
    let worker = evidence.deployed.as_ref().ok();
    let worker = worker.and_then(|deployed| deployed.worker.as_ref().ok());
    let mut settings = Map::new();
    if let Some(worker) = worker {
        let variables = &worker["Environment"]["Variables"];
        for name in SETTINGS {
            if let Some(value) = variables.get(name) {
                settings.insert(name.to_owned(), value.clone());
            }
        }
        for name in ["MemorySize", "Timeout", "Architectures", "Runtime"] {
            if let Some(value) = worker.get(name) {
                settings.insert(name.to_owned(), value.clone());
            }
        }
    }
    let idle = evidence.idle.as_ref().ok();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "deployment": deployment.kind,
        "region": deployment.region,
        "channels": deployment.channels(),
        "settings": settings,
        "appsyncHttp": idle.map(|idle| idle.version.clone()),
    })
}

/// The text without tokens and access keys, and without account numbers unless `full`.
fn without_secrets(text: &str, full: bool) -> String {
    const ACCOUNT_DIGITS: usize = 12;
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '=');
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        clean.push_str(&rest[..start]);
        let word = &rest[start..];
        let end = word.find(|c| !is_word(c)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        rest = after;
        let is_key = (word.starts_with("AKIA") || word.starts_with("ASIA")) && word.len() >= 16;
        if (word.starts_with("eyJ") && word.len() > 20) || is_key {
            clean.push_str("[removed]");
            continue;
        }
        let digits = |part: &str| {
            part.len() == ACCOUNT_DIGITS && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        for part in word.split_inclusive(['-', '_', '.', '+', '=']) {
            let bare = part.trim_end_matches(['-', '_', '.', '+', '=']);
            if !full && digits(bare) {
                clean.push_str("************");
                clean.push_str(&part[bare.len()..]);
            } else {
                clean.push_str(part);
            }
        }
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_said_is_one_line() {
        let dump = "no credentials:\n  Context {\n\tname: \u{1b}[31mx\n}".to_owned();
        let expected = "no credentials: Context { name: [31mx }".to_owned();
        let got = in_one_line(Verdict::NotProbed(dump));
        assert_eq!(got, Verdict::NotProbed(expected));
    }

    #[test]
    fn secrets_are_taken_out() {
        for (text, expected, in_full) in [
            (
                "arn:aws:sqs:eu-west-1:123456789012:jobs",
                "arn:aws:sqs:eu-west-1:************:jobs",
                "arn:aws:sqs:eu-west-1:123456789012:jobs",
            ),
            (
                "bucket-123456789012-eu",
                "bucket-************-eu",
                "bucket-123456789012-eu",
            ),
            ("1234567890123 ms", "1234567890123 ms", "1234567890123 ms"),
            (
                "token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln!",
                "token [removed]!",
                "token [removed]!",
            ),
            ("key AKIAIOSFODNN7EXAMPLE", "key [removed]", "key [removed]"),
            ("über – nothing", "über – nothing", "über – nothing"),
        ] {
            assert_eq!(without_secrets(text, false), expected);
            assert_eq!(without_secrets(text, true), in_full);
        }
    }
}
