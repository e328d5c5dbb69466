//! The metrics in CloudWatch: how long the first token took, how sessions end, what they use, and which starts a quota
//! refuses.

use serde_json::{Value, json};
use tokencast_core::assistant::{AssistantName, Cost};
use tokencast_core::event::Usage;
use tokencast_core::pipeline::Observation;
use tokencast_core::quota::Exceeded;
use tokencast_core::session::Status;
use tokencast_core::time::Timestamp;

use crate::telemetry::{NAMESPACE, metric};

/// Counts one observation of a session whose client asked at `asked_at`. `service` is the function's name.
pub fn count(service: &str, observation: Observation, asked_at: Option<Timestamp>, now: Timestamp) {
    match observation {
        Observation::FirstToken { at } => {
            if let Some(asked_at) = asked_at {
                let took_ms = i64::try_from(at.since(asked_at).as_millis()).unwrap_or(i64::MAX);
                metric(service, "TimeToFirstTokenMs", "Milliseconds", took_ms, now);
            }
        }
        Observation::Ended {
            status,
            assistant,
            usage,
            cost,
        } => {
            let name = match status {
                Status::Completed => "SessionsCompleted",
                Status::Cancelled => "SessionsCancelled",
                _ => "SessionsFailed",
            };
            metric(service, name, "Count", 1, now);
            let assistant = assistant.unwrap_or_else(AssistantName::only);
            if let Some(line) = usage_line(service, assistant.as_str(), usage, cost, now) {
                println!("{line}");
            }
        }
    }
}

/// Counts a start that a quota refuses. `service` is the function's name.
pub fn count_refusal(service: &str, exceeded: &Exceeded) {
    println!("{}", refusal_line(service, exceeded));
}

/// A refused start, by function and by limit.
fn refusal_line(service: &str, exceeded: &Exceeded) -> Value {
    json!({
        "Service": service,
        "Limit": exceeded.limit,
        "StartsBeyondQuota": 1,
        "_aws": {
            "Timestamp": exceeded.at,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["Service"], ["Limit"]],
                "Metrics": [{ "Name": "StartsBeyondQuota", "Unit": "Count" }],
            }],
        },
    })
}

/// What a session has used, by function and by assistant. The tokens are left out of an answer that the model has not
/// counted, and the cost where the model has no price. `None` if nothing is left.
fn usage_line(
    service: &str,
    assistant: &str,
    usage: Option<Usage>,
    cost: Option<Cost>,
    now: Timestamp,
) -> Option<Value> {
    let mut line = json!({ "Service": service, "Assistant": assistant });
    let mut metrics = Vec::new();
    let mut add = |name: &str, unit: &str, value: Value| {
        metrics.push(json!({ "Name": name, "Unit": unit }));
        line[name] = value;
    };
    if let Some(usage) = usage {
        add("InputTokens", "Count", json!(usage.all_input_tokens()));
        add("OutputTokens", "Count", json!(usage.output_tokens));
    }
    // A session that ended before a model was asked has cost nothing.
    if let Some(cost) = cost.filter(|cost| usage.is_some() || *cost > Cost::default()) {
        add("CostDollars", "None", json!(cost));
    }
    if metrics.is_empty() {
        return None;
    }
    line["_aws"] = json!({
        "Timestamp": now,
        "CloudWatchMetrics": [{
            "Namespace": NAMESPACE,
            "Dimensions": [["Service"], ["Assistant"]],
            "Metrics": metrics,
        }],
    });
    Some(line)
}

#[cfg(test)]
mod tests {
    use tokencast_core::quota::LimitName;

    use super::*;

    #[test]
    fn a_refusal_is_counted_by_its_limit() {
        let exceeded = Exceeded {
            limit: LimitName::TokensPerDay,
            used: 1,
            most: 2,
            needed: 3,
            at: Timestamp::from_millis(5),
            resets_at: Timestamp::from_millis(7),
        };
        let line = refusal_line("request", &exceeded);
        let (service, limit) = (&line["Service"], &line["Limit"]);
        assert_eq!(
            (service, limit),
            (&json!("request"), &json!("tokensPerDay"))
        );
        let declared = &line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"];
        assert_eq!(line[declared.as_str().expect("a name")], 1);
        assert_eq!(line["_aws"]["Timestamp"], 5);
    }

    #[test]
    fn a_line_has_each_metric_that_it_declares() {
        let usage = Usage {
            input_tokens: 1,
            output_tokens: 2,
            cache_read_input_tokens: Some(10),
            ..Usage::default()
        };
        let (tokens, dollars) = (["InputTokens", "OutputTokens"], ["CostDollars"]);
        let cost = Cost::of_micros(1_500_000);
        for (usage, cost, expected) in [
            (Some(usage), Some(cost), [&tokens[..], &dollars].concat()),
            (Some(usage), None, tokens.to_vec()),
            (
                Some(usage),
                Some(Cost::default()),
                [&tokens[..], &dollars].concat(),
            ),
            // A stopped answer, which the model has not counted.
            (None, Some(cost), dollars.to_vec()),
        ] {
            let line = usage_line("worker", "general", usage, cost, Timestamp::EPOCH);
            let line = line.expect("something to count");
            let declared = &line["_aws"]["CloudWatchMetrics"][0];
            let names: Vec<_> = declared["Metrics"]
                .as_array()
                .expect("metrics")
                .iter()
                .map(|metric| metric["Name"].as_str().expect("a name"))
                .collect();
            assert_eq!(names, expected);
            assert!(names.iter().all(|name| line[name].is_number()), "{line}");
            assert_eq!(line["InputTokens"].as_u64(), usage.map(|_| 11));
            let dollars = cost.map(Cost::as_dollars);
            assert_eq!(line["CostDollars"].as_f64(), dollars);
            assert_eq!(line["Assistant"], "general");
        }
        for cost in [None, Some(Cost::default())] {
            let line = usage_line("worker", "general", None, cost, Timestamp::EPOCH);
            assert_eq!(line, None);
        }
    }
}
