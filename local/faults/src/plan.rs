//! The plan as its user writes it, in JSON or in Rust.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::service::FaultService;

/// What shall fail. The example of [`Faults`](crate::Faults) makes one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultPlan {
    /// The seed for probabilities and orders: the same seed and the same events give the same faults.
    #[serde(default)]
    pub seed: u64,
    /// The rules, tried in this order. The first that fires decides, except for delays, which add up.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// One fault, the events that it is for, and how many of them it is applied to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// The rule's name in reports and logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub service: FaultService,
    /// The operation as AWS names it (`PutItem`, `ConverseStream`), a GraphQL root field (`publishToken`), or a
    /// function's name. WebSockets have `connect`, `start` (only AppSync) and `data`. `*` matches any operation.
    #[serde(default = "any")]
    pub operation: String,
    /// Matches only if this text is part of the request's body, the message's body, the event or the frame's payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// Matches only requests that a process of this function signed, or the queues' poller for `event-source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    #[serde(default)]
    pub when: When,
    pub fault: Fault,
}

/// Which of the matching events the fault is applied to; by default to all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct When {
    /// Lets this many events pass first.
    #[serde(default)]
    pub after: u64,
    /// Of the remaining events, applies to the first and then to each `every`th.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<NonZeroU64>,
    /// Applies at most this many times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// The probability for each event, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

impl FaultPlan {
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            rules: Vec::new(),
        }
    }

    #[must_use]
    pub fn with(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }
}

impl Rule {
    /// Applies `fault` to every `operation` of `service`. The methods below narrow it down.
    pub fn new(service: FaultService, operation: &str, fault: Fault) -> Self {
        Self {
            name: None,
            service,
            operation: operation.to_owned(),
            contains: None,
            caller: None,
            when: When::default(),
            fault,
        }
    }

    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    #[must_use]
    pub fn containing(mut self, text: &str) -> Self {
        self.contains = Some(text.to_owned());
        self
    }

    #[must_use]
    pub fn called_by(mut self, function: &str) -> Self {
        self.caller = Some(function.to_owned());
        self
    }

    #[must_use]
    pub fn after(mut self, events: u64) -> Self {
        self.when.after = events;
        self
    }

    #[must_use]
    pub fn every(mut self, events: NonZeroU64) -> Self {
        self.when.every = Some(events);
        self
    }

    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.when.times = Some(times);
        self
    }

    #[must_use]
    pub fn with_probability(mut self, probability: f64) -> Self {
        self.when.probability = Some(probability);
        self
    }
}

fn any() -> String {
    "*".to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(plan: &serde_json::Value, path: &str, message: &str) {
        let error = FaultPlan::from_json(&plan.to_string()).expect_err("refused");
        assert_eq!(error.path, path, "{error}");
        assert!(error.message.contains(message), "{error}");
    }

    fn rule(service: &str, operation: &str, fault: &serde_json::Value) -> serde_json::Value {
        json!({ "rules": [{ "service": service, "operation": operation, "fault": fault }] })
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a case is a line of a table")]
    fn what_is_wrong_is_named_with_its_place() {
        check(&json!({ "rule": [] }), "rule", "unknown field `rule`");
        check(
            &json!({ "rules": [{ "service": "s3", "fault": "hang" }] }),
            "rules[0].service",
            "unknown variant `s3`, expected one of `appsync`",
        );
        check(
            &json!({ "rules": [{ "service": "sqs" }] }),
            "rules[0]",
            "missing field `fault`",
        );
        check(
            &rule("sqs", "*", &json!("explode")),
            "rules[0].fault",
            "unknown variant `explode`",
        );
        check(
            &rule("sqs", "*", &json!({ "delay": { "ms": "long" } })),
            "rules[0].fault.delay.ms",
            "expected u64",
        );
        check(
            &rule("sqs", "*", &json!({ "delay": { "ms": 1, "s": 1 } })),
            "rules[0].fault.delay.s",
            "unknown field `s`",
        );
        check(
            &rule("sqs", "*", &json!("drop")),
            "rules[0].fault",
            "`sqs` has no `drop`; it has error, delay",
        );
        check(
            &rule("realtime", "data", &json!("hang")),
            "rules[0].fault",
            "`hang` is for `connect` and `start`, not for `data`",
        );
        check(
            &rule("realtime", "start", &json!("drop")),
            "rules[0].fault",
            "`drop` is for `data`, not for `start`",
        );
        check(
            &rule("realtime", "stop", &json!("drop")),
            "rules[0].operation",
            "`stop`; expected connect, start, data or *",
        );
        check(
            &rule("websocket", "start", &json!("hang")),
            "rules[0].operation",
            "`start`; expected connect, data or *",
        );
        check(
            &rule(
                "realtime",
                "data",
                &json!({ "subscriptionError": { "errorType": "X", "shape": "list" } }),
            ),
            "rules[0].fault.subscriptionError.shape",
            "unknown variant `list`, expected one of `array`, `object`, `errorType`",
        );
        check(
            &rule("bedrock", "Chat", &json!("hang")),
            "rules[0].operation",
            "`Chat`; expected ConverseStream",
        );
        check(
            &rule("sqs", "SendMessage", &json!("duplicate")),
            "rules[0].operation",
            "ReceiveMessage",
        );
        check(
            &rule("dynamodb", "PutItem", &json!({ "indexLag": { "ms": 5 } })),
            "rules[0].operation",
            "`PutItem`; expected Query, Scan or *",
        );
        check(
            &rule("sqs", "*", &json!({ "indexLag": { "ms": 5 } })),
            "rules[0].fault",
            "`sqs` has no `indexLag`",
        );
        check(
            &rule(
                "sqs",
                "*",
                &json!({ "error": { "type": "X", "status": 200 } }),
            ),
            "rules[0].fault.error.status",
            "`200`; expected 400 to 599",
        );
        check(
            &rule("realtime", "data", &json!({ "reorder": { "window": 1 } })),
            "rules[0].fault.reorder.window",
            "`1`; expected 2 to 1000",
        );
        let mut plan = rule("sqs", "*", &json!("hang"));
        plan["rules"][0]["when"] = json!({ "probability": 1.5 });
        check(&plan, "rules[0].when.probability", "`1.5`; expected 0 to 1");
        plan["rules"][0]["when"] = json!({ "every": 0 });
        check(&plan, "rules[0].when.every", "expected a nonzero u64");
        let error = FaultPlan::from_json("{} {}").expect_err("refused");
        assert!(error.message.contains("trailing characters"), "{error}");
    }

    #[test]
    fn the_plans_in_the_documentation_are_plans() {
        let text = include_str!("../../../docs/FAULTS.md");
        let blocks = text.split("```json\n").skip(1);
        let plans: Vec<FaultPlan> = blocks
            .map(|block| {
                let json = block.split("```").next().unwrap_or_default();
                FaultPlan::from_json(json).expect(json)
            })
            .collect();
        assert_eq!(plans.len(), 2);
    }

    #[test]
    fn a_plan_reads_back_as_it_was_written() {
        let plan = FaultPlan::seeded(u64::MAX)
            .with(
                Rule::new(
                    FaultService::DynamoDb,
                    "PutItem",
                    Fault::error("ThrottlingException"),
                )
                .named("busy")
                .containing("abc")
                .called_by("worker")
                .after(1)
                .every(NonZeroU64::MIN)
                .times(2)
                .with_probability(0.5),
            )
            .with(Rule::new(FaultService::AppSync, "*", Fault::LostAnswer));
        let text = serde_json::to_string(&plan).expect("JSON");
        assert_eq!(FaultPlan::from_json(&text).expect("a plan"), plan);
        assert_eq!(
            FaultPlan::from_json("{}").expect("a plan"),
            FaultPlan::default()
        );
    }
}
