//! The metrics in CloudWatch: how long the first token took, how sessions end, and what they use.

use serde_json::json;
use tokencast_core::assistant::AssistantName;
use tokencast_core::event::Usage;
use tokencast_core::pipeline::Observation;
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
        } => {
            let name = match status {
                Status::Completed => "SessionsCompleted",
                Status::Cancelled => "SessionsCancelled",
                _ => "SessionsFailed",
            };
            metric(service, name, "Count", 1, now);
            if let Some(usage) = usage {
                let assistant = assistant.unwrap_or_else(AssistantName::only);
                println!("{}", usage_line(service, assistant.as_str(), &usage, now));
            }
        }
    }
}

/// What a session has used, by function and by assistant. The cost is left out where the model has no price.
fn usage_line(service: &str, assistant: &str, usage: &Usage, now: Timestamp) -> serde_json::Value {
    let mut metrics = vec![
        json!({ "Name": "InputTokens", "Unit": "Count" }),
        json!({ "Name": "OutputTokens", "Unit": "Count" }),
    ];
    let mut line = json!({
        "Service": service,
        "Assistant": assistant,
        "InputTokens": usage.all_input_tokens(),
        "OutputTokens": usage.output_tokens,
    });
    if let Some(cost) = usage.cost {
        metrics.push(json!({ "Name": "CostDollars", "Unit": "None" }));
        line["CostDollars"] = json!(cost);
    }
    line["_aws"] = json!({
        "Timestamp": now,
        "CloudWatchMetrics": [{
            "Namespace": NAMESPACE,
            "Dimensions": [["Service"], ["Assistant"]],
            "Metrics": metrics,
        }],
    });
    line
}

#[cfg(test)]
mod tests {
    use tokencast_core::assistant::Cost;

    use super::*;

    #[test]
    fn a_line_has_each_metric_that_it_declares() {
        for cost in [None, Some(Cost::of_micros(1_500_000))] {
            let usage = Usage {
                input_tokens: 1,
                output_tokens: 2,
                cache_read_input_tokens: Some(10),
                cost,
                ..Usage::default()
            };
            let line = usage_line("worker", "general", &usage, Timestamp::EPOCH);
            let declared = &line["_aws"]["CloudWatchMetrics"][0];
            let names: Vec<_> = declared["Metrics"]
                .as_array()
                .expect("metrics")
                .iter()
                .map(|metric| metric["Name"].as_str().expect("a name"))
                .collect();
            assert!(names.iter().all(|name| line[name].is_number()), "{line}");
            assert_eq!(names.contains(&"CostDollars"), cost.is_some());
            assert_eq!(line["InputTokens"], 11);
            assert_eq!(line["CostDollars"].as_f64(), cost.map(Cost::as_dollars));
            assert_eq!(line["Assistant"], "general");
        }
    }
}
