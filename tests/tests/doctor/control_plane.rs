//! What of AWS's APIs the local stack doesn't have, because it has nothing behind them: Lambda's settings, Service Quotas,
//! CloudWatch. Doctor finds it by the variables that AWS's SDKs read.

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the APIs answer. The default is what a healthy deployment has.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    pub(crate) mapping: Value,
    pub(crate) concurrency: u64,
    pub(crate) request_tokens: f64,
    pub(crate) alarms: usize,
    pub(crate) actions_enabled: bool,
    pub(crate) alarm_state: &'static str,
    pub(crate) metrics: Vec<&'static str>,
    pub(crate) model_id: &'static str,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            mapping: json!({
                "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:worker",
                "State": "Enabled",
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "MaximumBatchingWindowInSeconds": 0,
                "ScalingConfig": { "MaximumConcurrency": 50 },
            }),
            concurrency: 1000,
            request_tokens: 5000.0,
            alarms: 13,
            actions_enabled: true,
            alarm_state: "OK",
            metrics: vec!["SessionsCompleted", "TimeToFirstTokenMs"],
            model_id: "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        }
    }
}

#[derive(Debug)]
pub(crate) struct ControlPlane {
    url: String,
}

impl ControlPlane {
    pub(crate) async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let app = Router::new().fallback(answer).with_state(answers);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url }
    }

    /// The value of a variable of the environment.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let known = [
            "AWS_ENDPOINT_URL_LAMBDA",
            "AWS_ENDPOINT_URL_SERVICE_QUOTAS",
            "AWS_ENDPOINT_URL_CLOUDWATCH",
        ];
        known.contains(&name).then(|| self.url.clone())
    }
}

async fn answer(State(answers): State<Answers>, uri: Uri, body: String) -> String {
    let path = uri.path();
    if path.contains("event-source-mappings") {
        return json!({ "EventSourceMappings": [answers.mapping] }).to_string();
    }
    if path.contains("account-settings") {
        let limit = json!({ "UnreservedConcurrentExecutions": answers.concurrency });
        return json!({ "AccountLimit": limit }).to_string();
    }
    if path.ends_with("/functions/worker/configuration") {
        let variables = json!({
            "MODEL_ID": answers.model_id,
            "SYSTEM_PROMPT": "Nobody else's business.",
            "JOB_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/jobs",
        });
        return json!({ "Environment": { "Variables": variables }, "Timeout": 300 }).to_string();
    }
    if body.contains("Action=DescribeAlarms") {
        let Answers {
            alarm_state,
            actions_enabled,
            ..
        } = answers;
        let alarm = |number: usize| {
            format!(
                "<member><AlarmName>Tokencast-Observability-{number}</AlarmName><StateValue>{alarm_state}</StateValue><ActionsEnabled>{actions_enabled}</ActionsEnabled></member>"
            )
        };
        let alarms: String = (0..answers.alarms).map(alarm).collect();
        return format!("<MetricAlarms>{alarms}</MetricAlarms>");
    }
    if body.contains("Action=ListMetrics") {
        let metrics = answers.metrics.iter();
        let metrics = metrics.map(|name| format!("<MetricName>{name}</MetricName>"));
        return metrics.collect();
    }
    json!({ "Quotas": [{ "QuotaName": "Rate of request tokens", "Value": answers.request_tokens }] })
        .to_string()
}
