//! What AWS's APIs say of the deployment: queues, tables, event source, quotas, alarms, metrics. Needs credentials.

use serde_json::{Value, json};

use crate::doctor::aws::{Aws, elements};
use crate::doctor::context::Context;
use crate::doctor::evidence::{Evidence, of};
use crate::doctor::probe::{Experiment, Found, Probe, Wrong, ensure};
use crate::doctor::probes::sessions::asked;

/// SQS's maximum: attempts are counted in the session's record.
const RECEIVES: &str = "1000";

/// What other functions of this project need of the account's concurrency, besides the workers.
const OTHER_FUNCTIONS: u64 = 10;

/// What AppSync has in the Regions that have the least.
const REQUEST_TOKENS: f64 = 2000.0;

/// The fewest alarms of a deployment with AppSync alone.
const ALARMS: usize = 13;

pub const PROBES: &[Probe] = &[
    Probe {
        id: "deployed.redrive",
        experiment: Experiment::Deployed,
        promise: "a message is never dead because it was received often",
        source: "design: attempts, throttling, and messages",
        expected: "the queue's `maxReceiveCount` is 1,000",
        remedy: "Another rule moves jobs to the dead-letter queue while their sessions wait. Deploy the queue as cdk/ has it.",
        judge: |evidence| {
            let policy = &of(&deployed(evidence)?.queue)?["Attributes"]["RedrivePolicy"];
            let policy: Value = policy
                .as_str()
                .and_then(|text| serde_json::from_str(text).ok())
                .unwrap_or_default();
            let receives = match &policy["maxReceiveCount"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            ensure(receives == RECEIVES, || {
                format!("maxReceiveCount {receives}")
            })?;
            Ok(format!("maxReceiveCount {receives}"))
        },
    },
    Probe {
        id: "deployed.dead-letters",
        experiment: Experiment::Deployed,
        promise: "no job has failed for good",
        source: "DEPLOY: DeadLetters",
        expected: "the dead-letter queue is empty",
        remedy: "`tokencast redrive --list` shows them: see DEPLOY: DeadLetters.",
        judge: |evidence| {
            let attributes = &of(&deployed(evidence)?.dead_letters)?["Attributes"];
            let count = |name: &str| {
                attributes[name]
                    .as_str()
                    .and_then(|text| text.parse::<u64>().ok())
            };
            let messages = count("ApproximateNumberOfMessages")
                .zip(count("ApproximateNumberOfMessagesNotVisible"))
                .map(|(visible, hidden)| visible + hidden);
            let messages = messages.ok_or_else(|| Wrong::NotProbed("SQS told no counts".into()))?;
            ensure(messages == 0, || format!("{messages} messages"))?;
            Ok("empty".into())
        },
    },
    Probe {
        id: "deployed.expiry",
        experiment: Experiment::Deployed,
        promise: "tables forget what is over",
        source: "DEPLOY: existing resources; what waits how long",
        expected: "TTL on `expiresAt` in the tables of sessions and conversations",
        remedy: "Turn on TTL on `expiresAt` in both tables, or nothing is ever removed.",
        judge: |evidence| {
            for (table, ttl) in &deployed(evidence)?.expiry {
                let ttl = &of(ttl)?["TimeToLiveDescription"];
                let is_on =
                    ttl["TimeToLiveStatus"] == "ENABLED" && ttl["AttributeName"] == "expiresAt";
                ensure(is_on, || {
                    format!(
                        "{table}: {} on {}",
                        ttl["TimeToLiveStatus"], ttl["AttributeName"]
                    )
                })?;
            }
            Ok("on `expiresAt`".into())
        },
    },
    Probe {
        id: "deployed.event-source",
        experiment: Experiment::Deployed,
        promise: "the queue feeds the worker, record by record",
        source: "aws-facts: SQS and its Lambda event source",
        expected: "one mapping, enabled, with `ReportBatchItemFailures` and no window",
        remedy: "Enable the event source mapping of the queue, as cdk/ has it: see DEPLOY: OldestJob.",
        judge: |evidence| {
            let mapping = of(&deployed(evidence)?.mapping)?;
            let window = mapping["MaximumBatchingWindowInSeconds"]
                .as_u64()
                .unwrap_or_default();
            let reports = mapping["FunctionResponseTypes"]
                .as_array()
                .is_some_and(|types| types.contains(&json!("ReportBatchItemFailures")));
            ensure(
                mapping["State"] == "Enabled" && reports && window == 0,
                || {
                    format!(
                        "state {}, responses {}, window {window} s",
                        mapping["State"], mapping["FunctionResponseTypes"]
                    )
                },
            )?;
            Ok(format!("enabled, {} workers at most", workers(mapping)))
        },
    },
    Probe {
        id: "deployed.concurrency",
        experiment: Experiment::Deployed,
        promise: "Lambda runs as many workers as the deployment may have",
        source: "DEPLOY: before the first time, enough Lambda concurrency in the account",
        expected: "the account's concurrency is at least the workers' maximum and ten more",
        remedy: "Raise the quota of Lambda's concurrent executions, or deploy with a smaller `maxConcurrency`: see DEPLOY: WorkerThrottles.",
        judge: |evidence| {
            let found = deployed(evidence)?;
            let workers = workers(of(&found.mapping)?);
            let account =
                of(&found.account)?["AccountLimit"]["UnreservedConcurrentExecutions"].as_u64();
            let account = account.ok_or_else(|| Wrong::NotProbed("Lambda told no limit".into()))?;
            ensure(account >= workers + OTHER_FUNCTIONS, || {
                format!("{account} for {workers} workers")
            })?;
            Ok(format!("{account} for {workers} workers"))
        },
    },
    Probe {
        id: "deployed.request-tokens",
        experiment: Experiment::Deployed,
        promise: "AppSync takes as many requests a second as its smallest Regions do",
        source: "aws-facts: AppSync limits; DEPLOY: raising limits",
        expected: "`Rate of request tokens` is at least 2,000",
        remedy: "Raise the quota in Service Quotas, or raise `flushIntervalMs`: see SCALE.",
        judge: |evidence| {
            let quotas = of(&deployed(evidence)?.appsync_quotas)?;
            let named = |quota: &&Value| {
                quota["QuotaName"]
                    .as_str()
                    .is_some_and(|name| name.to_lowercase().contains("request tokens"))
            };
            let quota = quotas
                .iter()
                .find(named)
                .and_then(|quota| quota["Value"].as_f64());
            let quota = quota
                .ok_or_else(|| Wrong::NotProbed("Service Quotas has none of that name".into()))?;
            ensure(quota >= REQUEST_TOKENS, || format!("{quota}"))?;
            Ok(format!("{quota}"))
        },
    },
    Probe {
        id: "deployed.alarms",
        experiment: Experiment::Deployed,
        promise: "somebody would be told",
        source: "DEPLOY: when an alarm goes off",
        expected: "at least 13 alarms of the stack Observability, each with its actions enabled",
        remedy: "Deploy the stack Observability, and enable the alarms' actions.",
        judge: |evidence| {
            let Alarms { names, enabled, .. } = of(&deployed(evidence)?.alarms)?;
            let disabled = enabled.iter().filter(|enabled| *enabled != "true").count();
            ensure(names.len() >= ALARMS && disabled == 0, || {
                format!("{} alarms, {disabled} of them without actions", names.len())
            })?;
            Ok(format!("{} alarms", names.len()))
        },
    },
    Probe {
        id: "deployed.no-alarm",
        experiment: Experiment::Deployed,
        promise: "nothing is wrong already",
        source: "DEPLOY: when an alarm goes off",
        expected: "no alarm is in the state ALARM",
        remedy: "See the alarm's section in DEPLOY: when an alarm goes off.",
        judge: |evidence| {
            let Alarms { names, states, .. } = of(&deployed(evidence)?.alarms)?;
            if names.is_empty() {
                let got = "there are no alarms".to_owned();
                return Err(Wrong::at("deployed.alarms")(got));
            }
            let off: Vec<&str> = names
                .iter()
                .zip(states)
                .filter(|(_, state)| *state == "ALARM")
                .map(|(name, _)| name.as_str())
                .collect();
            ensure(off.is_empty(), || format!("in ALARM: {}", off.join(", ")))?;
            Ok(format!("none of {}", names.len()))
        },
    },
    Probe {
        id: "deployed.metrics",
        experiment: Experiment::Deployed,
        promise: "CloudWatch makes metrics from the functions' log lines",
        source: "aws-facts: EMF with JSON logging on `provided.al2023`, not established",
        expected: "the namespace `Tokencast` has metrics",
        remedy: "CloudWatch lists a new metric up to 15 minutes after its first value: run this again then. If there is none still, compare a line of the worker's log that has `_aws` with CloudWatch's embedded metric format, and open an issue.",
        judge: |evidence| {
            let metrics = of(&deployed(evidence)?.metrics)?;
            ensure(!metrics.is_empty(), || "none".into())?;
            Ok(format!("{} metrics", metrics.len()))
        },
    },
    Probe {
        id: "deployed.global-profile",
        experiment: Experiment::Deployed,
        promise: "the worker's policy allows a `global.` profile's model, whose ARN has no Region",
        source: "aws-facts: the region-less ARN of `global.` profiles, not established",
        expected: "with such a `modelId`, the model answers",
        remedy: "Look for AccessDeniedException in the worker's log, and for the ARN that it names. Open an issue with it, without the account number.",
        judge: |evidence| {
            let model = &of(&deployed(evidence)?.worker)?["Environment"]["Variables"]["MODEL_ID"];
            let model = model.as_str().unwrap_or_default();
            if !model.starts_with("global.") {
                return Err(Wrong::NotProbed("`modelId` is no `global.` profile".into()));
            }
            let Err(wrong) = asked(evidence) else {
                return Ok("the model answered".into());
            };
            Err(match wrong.got_at("sessions.answers") {
                Some(got) => Wrong::Failed(got.to_owned()),
                None => wrong,
            })
        },
    },
];

/// What AWS's APIs have said. Each part stands for itself, because a role may allow some of them only.
#[derive(Debug)]
pub struct Deployed {
    queue: Found<Value>,
    dead_letters: Found<Value>,
    expiry: Vec<(&'static str, Found<Value>)>,
    mapping: Found<Value>,
    /// The worker's configuration.
    pub worker: Found<Value>,
    account: Found<Value>,
    appsync_quotas: Found<Vec<Value>>,
    alarms: Found<Alarms>,
    metrics: Found<Vec<String>>,
}

#[derive(Debug)]
struct Alarms {
    names: Vec<String>,
    states: Vec<String>,
    enabled: Vec<String>,
}

/// Asks AWS's APIs.
///
/// # Errors
///
/// There are no credentials.
pub async fn look(cx: &Context) -> Found<Deployed> {
    let aws = cx.aws.as_ref().map_err(Clone::clone)?;
    let queue = match named(cx, "QueueUrl") {
        Ok(url) => queue(aws, url).await,
        Err(wrong) => Err(wrong),
    };
    let dead_letters = match named(cx, "DeadLetterQueueUrl") {
        Ok(url) => dead_letters(aws, url).await,
        Err(wrong) => Err(wrong),
    };
    let mut expiry = Vec::new();
    for output in ["SessionsTableName", "ConversationsTableName"] {
        let ttl = match named(cx, output) {
            Ok(table) => {
                let input = json!({ "TableName": table });
                aws.dynamodb("DescribeTimeToLive", &input).await
            }
            Err(wrong) => Err(wrong),
        };
        expiry.push((output, ttl));
    }
    let mapping = mapping(aws, &queue).await;
    let worker = match &mapping {
        Ok(mapping) => {
            // `arn:aws:lambda:REGION:ACCOUNT:function:NAME`
            let arn = mapping["FunctionArn"].as_str().unwrap_or_default();
            let name = arn.split(':').nth(6).unwrap_or(arn);
            aws.lambda(&format!("/2015-03-31/functions/{name}/configuration"))
                .await
        }
        Err(wrong) => Err(wrong.clone()),
    };
    Ok(Deployed {
        queue,
        dead_letters,
        expiry,
        mapping,
        worker,
        account: aws.lambda("/2016-08-19/account-settings/").await,
        appsync_quotas: aws.quotas_of("appsync").await,
        alarms: alarms(cx, aws).await,
        metrics: metrics(aws).await,
    })
}

/// The messages of the dead-letter queue, in an answer of `GetQueueAttributes`.
async fn dead_letters(aws: &Aws, url: &str) -> Found<Value> {
    let names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
    ];
    let input = json!({ "QueueUrl": url, "AttributeNames": names });
    aws.sqs("GetQueueAttributes", &input).await
}

async fn queue(aws: &Aws, url: &str) -> Found<Value> {
    let input = json!({ "QueueUrl": url, "AttributeNames": ["RedrivePolicy", "QueueArn"] });
    aws.sqs("GetQueueAttributes", &input).await
}

/// The event source mapping of the queue.
async fn mapping(aws: &Aws, queue: &Found<Value>) -> Found<Value> {
    let arn = of(queue)?["Attributes"]["QueueArn"].as_str();
    let arn = arn.ok_or_else(|| Wrong::NotProbed("SQS told no ARN of the queue".into()))?;
    let arn = arn.replace(':', "%3A");
    let path = format!("/2015-03-31/event-source-mappings/?EventSourceArn={arn}");
    let mappings = aws.lambda(&path).await?;
    let first = mappings["EventSourceMappings"].get(0).cloned();
    let first = first.ok_or("the queue has no event source mapping".to_owned());
    first.map_err(Wrong::at("deployed.event-source"))
}

async fn alarms(cx: &Context, aws: &Aws) -> Found<Alarms> {
    let stack = match (cx.deployment.stack.as_deref(), &cx.deployment.local) {
        (Some(stack), _) => stack,
        (None, Some(_)) => {
            let why = "the local stack has no CloudWatch to ask".into();
            return Err(Wrong::NotProbed(why));
        }
        (None, None) => {
            let why = "the name of the stack isn't known: --stack NAME".into();
            return Err(Wrong::NotProbed(why));
        }
    };
    // `NAME-Streaming` has `NAME-Observability` beside it.
    let prefix = format!("{}-Observability-", stack.trim_end_matches("-Streaming"));
    let fields = [
        ("Action", "DescribeAlarms"),
        ("AlarmNamePrefix", prefix.as_str()),
        ("MaxRecords", "100"),
    ];
    let xml = aws.cloudwatch(&fields).await?;
    Ok(Alarms {
        names: elements(&xml, "AlarmName"),
        states: elements(&xml, "StateValue"),
        enabled: elements(&xml, "ActionsEnabled"),
    })
}

async fn metrics(aws: &Aws) -> Found<Vec<String>> {
    let fields = [("Action", "ListMetrics"), ("Namespace", "Tokencast")];
    Ok(elements(&aws.cloudwatch(&fields).await?, "MetricName"))
}

fn named<'a>(cx: &'a Context, output: &'static str) -> Found<&'a str> {
    let known = cx.deployment.resource(output);
    known.ok_or_else(|| {
        Wrong::NotProbed(format!(
            "the output `{output}` isn't known: --stack NAME has it"
        ))
    })
}

fn workers(mapping: &Value) -> u64 {
    let most = mapping["ScalingConfig"]["MaximumConcurrency"].as_u64();
    // Lambda scales a mapping without a maximum up to this.
    most.unwrap_or(1250)
}

fn deployed(evidence: &Evidence) -> Result<&Deployed, Wrong> {
    of(&evidence.deployed)
}
