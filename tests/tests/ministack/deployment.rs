//! Deploys the synthesized stacks and the functions' own binaries as `cdk deploy` does.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::programs::build;
use system_tests::templates;
use zip::write::SimpleFileOptions;

use crate::emulator::{ACCOUNT, Emulator, REGION};

const CREATION_LIMIT: Duration = Duration::from_mins(1);

/// The resources of the `Streaming` stack, by the names that the emulator gave them.
pub(crate) struct Deployment {
    pub(crate) queue_url: String,
    pub(crate) dead_letter_queue_url: String,
    pub(crate) table: String,
    pub(crate) conversations_table: String,
    pub(crate) user_pool_id: String,
    pub(crate) user_pool_client_id: String,
    /// The URL on the emulator's own data plane. The emulator's `CloudFormation` returns AWS's URL.
    pub(crate) graphql_url: String,
    pub(crate) worker: String,
}

/// Deploys the three stacks of the default variant.
pub(crate) async fn deploy(emulator: &Emulator) -> Deployment {
    let functions = build(&["request", "worker"]).await;
    // `cdk bootstrap` leaves this parameter and this bucket in an account.
    let version =
        json!({"Name": "/cdk-bootstrap/hnb659fds/version", "Value": "30", "Type": "String"});
    emulator
        .call("ssm", "AmazonSSM.PutParameter", version)
        .await;
    let bucket = bucket();
    emulator.rest(Method::PUT, "s3", &bucket, "").await;

    let mut streaming = template("Streaming");
    let resources = streaming["Resources"].as_object_mut().expect("resources");
    let mut worker = String::new();
    for (id, resource) in resources {
        if resource["Type"] != "AWS::Lambda::Function" {
            continue;
        }
        let is_worker = resource["Properties"]["Environment"]["Variables"]["MODEL_ID"].is_string();
        let name = if is_worker { "worker" } else { "request" };
        if is_worker {
            worker.clone_from(id);
        }
        // The templates of the checks have stand-ins for the functions. Here the functions themselves replace them.
        resource["Properties"]["Code"]["S3Key"] = json!(format!("{name}.zip"));
        let zip = zipped(&functions.join(name));
        let path = format!("{bucket}/{name}.zip");
        emulator.rest(Method::PUT, "s3", &path, zip).await;
    }
    create(emulator, "Tokencast-Auth", &template("Auth")).await;
    let described = create(emulator, "Tokencast-Streaming", &streaming).await;
    let mut observability = template("Observability");
    let resources = observability["Resources"]
        .as_object_mut()
        .expect("resources");
    resources.values_mut().for_each(of_one_metric);
    create(emulator, "Tokencast-Observability", &observability).await;

    let output = |name: &str| {
        let key = format!("<OutputKey>{name}</OutputKey>");
        let (_, after) = described.split_once(&key).expect("an output");
        tag(after, "OutputValue").to_owned()
    };
    let graphql_url = output("GraphqlUrl");
    let host = graphql_url.strip_prefix("https://").expect("a URL");
    let (api, _) = host.split_once('.').expect("a host name");
    let resource = emulator
        .query(
            "cloudformation",
            &[
                ("Action", "DescribeStackResource"),
                ("Version", "2010-05-15"),
                ("StackName", "Tokencast-Streaming"),
                ("LogicalResourceId", &worker),
            ],
        )
        .await;
    Deployment {
        queue_url: output("QueueUrl"),
        dead_letter_queue_url: output("DeadLetterQueueUrl"),
        table: output("SessionsTableName"),
        conversations_table: output("ConversationsTableName"),
        user_pool_id: output("UserPoolId"),
        user_pool_client_id: output("UserPoolClientId"),
        graphql_url: format!("{}/v1/apis/{api}/graphql", emulator.url),
        worker: tag(&resource, "PhysicalResourceId").to_owned(),
    }
}

/// Has an alarm of several metrics look at its first one alone: the emulator has no metric math.
fn of_one_metric(alarm: &mut Value) {
    let properties = &mut alarm["Properties"];
    let Some(metrics) = properties
        .as_object_mut()
        .and_then(|it| it.remove("Metrics"))
    else {
        return;
    };
    let stats = metrics.as_array().into_iter().flatten();
    let mut stats = stats.filter_map(|metric| metric.get("MetricStat"));
    let first = stats.next().expect("a metric").clone();
    for name in ["Namespace", "MetricName", "Dimensions"] {
        properties[name] = first["Metric"][name].clone();
    }
    properties["Statistic"] = first["Stat"].clone();
    properties["Period"] = first["Period"].clone();
}

/// Returns the path of the bucket that `cdk bootstrap` makes.
fn bucket() -> String {
    format!("/cdk-hnb659fds-assets-{ACCOUNT}-{REGION}")
}

/// Creates a stack. Its template goes through the bucket, as with `cdk deploy`: it may be longer than a request takes.
async fn create(emulator: &Emulator, name: &str, template: &Value) -> String {
    let version = ("Version", "2010-05-15");
    let path = format!("{}/{name}.template.json", bucket());
    emulator
        .rest(Method::PUT, "s3", &path, template.to_string())
        .await;
    let url = format!("{}{path}", emulator.url);
    emulator
        .query(
            "cloudformation",
            &[
                ("Action", "CreateStack"),
                version,
                ("StackName", name),
                ("TemplateURL", &url),
                ("Capabilities.member.1", "CAPABILITY_IAM"),
            ],
        )
        .await;
    let created = async {
        loop {
            let fields = [("Action", "DescribeStacks"), version, ("StackName", name)];
            let described = emulator.query("cloudformation", &fields).await;
            match tag(&described, "StackStatus") {
                "CREATE_COMPLETE" => return described,
                "CREATE_IN_PROGRESS" => tokio::time::sleep(Duration::from_millis(100)).await,
                status => {
                    let fields = [
                        ("Action", "DescribeStackEvents"),
                        version,
                        ("StackName", name),
                    ];
                    let events = emulator.query("cloudformation", &fields).await;
                    panic!("{name}: {status}: {events}")
                }
            }
        }
    };
    let described = tokio::time::timeout(CREATION_LIMIT, created).await;
    described.unwrap_or_else(|_| panic!("{name} was not created within {CREATION_LIMIT:?}"))
}

fn template(stack: &str) -> Value {
    let text = std::fs::read_to_string(templates::path("default", stack)).expect("a template");
    serde_json::from_str(&text).expect("JSON")
}

/// Returns the text of the first element with the name.
fn tag<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, after) = xml.split_once(&format!("<{name}>")).expect("an element");
    after.split_once("</").expect("its end").0
}

fn zipped(binary: &Path) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    // The zip is not compressed: it is sent to this machine, and compressing it would take longer than all the rest.
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .unix_permissions(0o755);
    zip.start_file("bootstrap", options).expect("a file");
    let code = std::fs::read(binary).expect("the function's binary");
    zip.write_all(&code).expect("written");
    zip.finish().expect("a ZIP").into_inner()
}
