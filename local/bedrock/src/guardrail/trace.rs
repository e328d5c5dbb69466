//! What a guardrail has found, in the shape of Bedrock's trace.

use serde_json::{Value, json};

/// What was found in a prompt and in its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) input: Assessment,
    pub(crate) output: Assessment,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Assessment {
    /// Words.
    blocked: Vec<String>,
    /// Names, and what was found.
    masked: Vec<(String, String)>,
}

impl Assessment {
    pub(super) fn blocks(&self) -> bool {
        !self.blocked.is_empty()
    }

    pub(super) fn block(&mut self, word: &str) {
        self.blocked.push(word.to_owned());
    }

    pub(super) fn mask(&mut self, name: &str, found: &str) {
        self.masked.push((name.to_owned(), found.to_owned()));
    }

    fn to_json(&self) -> Value {
        let mut json = json!({});
        if !self.blocked.is_empty() {
            let words = self.blocked.iter();
            let words =
                words.map(|word| json!({ "match": word, "action": "BLOCKED", "detected": true }));
            json["wordPolicy"] = json!({
                "customWords": words.collect::<Vec<_>>(), "managedWordLists": []
            });
        }
        if !self.masked.is_empty() {
            let regexes = self.masked.iter().map(|(name, found)| {
                json!({
                    "name": name, "match": found, "regex": found,
                    "action": "ANONYMIZED", "detected": true
                })
            });
            json["sensitiveInformationPolicy"] = json!({
                "piiEntities": [], "regexes": regexes.collect::<Vec<_>>()
            });
        }
        json
    }
}

impl Trace {
    /// The trace of the guardrail with this id, as a response has it.
    pub(crate) fn to_json(&self, id: &str) -> Value {
        json!({ "guardrail": {
            "inputAssessment": { id: self.input.to_json() },
            "outputAssessments": { id: [self.output.to_json()] },
        } })
    }
}
