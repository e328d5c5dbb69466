//! What is deployed against what the code expects: the synthesized template on one side, the functions and the local
//! stack's own defaults on the other. Whoever changes one of them alone hears of it here.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use system_tests::stack::script;
use system_tests::{TestStack, collect, templates};
use tokencast::stack::{Names, Resources, StackOptions};
use tokencast_aws::sessions;
use tokencast_local::config::{DataSource, FunctionConfig};
use tokencast_local::endpoints::Endpoints;
use tokencast_local::faults::{Fault, FaultPlan, FaultService, Rule};
use uuid::Uuid;

/// Read by `main_with`, before there is a config; and what the local stack adds in AWS's place.
const READ_OUTSIDE_OF_CONFIG: [&str; 2] = ["LOG_LEVEL", "AWS_ENDPOINT_URL"];

const OPTIONAL: [&str; 2] = ["SYSTEM_PROMPT", "TEMPERATURE"];

fn endpoints() -> Endpoints {
    Endpoints {
        address: ([127, 0, 0, 1], 4680).into(),
        region: "us-east-1".into(),
        account_id: "000000000000".into(),
        api_id: "local".into(),
    }
}

fn deployed(variant: &str) -> Resources {
    templates::streaming(variant)
        .resources(&StackOptions::default(), &endpoints())
        .expect("resources")
}

fn function<'a>(resources: &'a Resources, name: &str) -> &'a FunctionConfig {
    resources
        .functions
        .iter()
        .find(|function| function.name == name)
        .expect("a function")
}

/// Which variables a config reads from these, and whether it is content with them.
fn variables_read(
    environment: &BTreeMap<String, String>,
    read: impl FnOnce(&dyn Fn(&str) -> Option<String>) -> Result<(), String>,
) -> BTreeSet<String> {
    let asked = RefCell::new(BTreeSet::new());
    let lookup = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        environment.get(name).cloned()
    };
    read(&lookup).expect("the function starts with its deployed environment");
    asked.into_inner()
}

/// What a function's config says of an environment.
type Read = fn(&dyn Fn(&str) -> Option<String>) -> Result<String, String>;

fn request_config(lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let config = request::config::Config::read(lookup);
    config
        .map(|config| format!("{config:#?}"))
        .map_err(|error| error.to_string())
}

fn worker_config(lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let config = worker::config::Config::read(lookup);
    config
        .map(|config| format!("{config:#?}"))
        .map_err(|error| error.to_string())
}

const FUNCTIONS: [(&str, Read); 2] = [("request", request_config), ("worker", worker_config)];

#[test]
fn each_functions_environment_is_what_it_reads_and_nothing_else() {
    // What has no default is left out unless it is asked for, as the second variant does.
    for (variant, left_out) in [("default", &OPTIONAL[..]), ("production", &[])] {
        let resources = deployed(variant);
        for (name, config) in FUNCTIONS {
            let environment = &function(&resources, name).environment;
            let declared: BTreeSet<String> = environment.keys().cloned().collect();
            let mut read = variables_read(environment, |lookup| config(lookup).map(|_| ()));
            read.extend(READ_OUTSIDE_OF_CONFIG.map(str::to_owned));
            read.retain(|variable| !left_out.contains(&variable.as_str()));
            let unread: Vec<_> = declared.difference(&read).collect();
            assert!(
                unread.is_empty(),
                "{name}, {variant}: the template sets {unread:?}, which nothing reads"
            );
            let undeclared: Vec<_> = read.difference(&declared).collect();
            assert!(
                undeclared.is_empty(),
                "{name}, {variant}: it reads {undeclared:?}, which the template does not set"
            );
        }
    }
}

#[test]
fn the_templates_defaults_are_the_codes() {
    let resources = deployed("default");
    for (name, config) in FUNCTIONS {
        let environment = &function(&resources, name).environment;
        let required = ["QUEUE_URL", "SESSIONS_TABLE", "APPSYNC_API_URL", "MODEL_ID"];
        let alone = |name: &str| {
            environment
                .get(name)
                .filter(|_| required.contains(&name))
                .cloned()
        };
        assert_eq!(
            config(&|name| environment.get(name).cloned()),
            config(&alone),
            "{name}: a default of cdk/lib/settings.ts is not that of config.rs"
        );
    }
}

#[test]
fn no_job_comes_back_while_a_worker_may_still_have_it() {
    for variant in ["default", "production"] {
        let resources = deployed(variant);
        let worker = function(&resources, "worker");
        let source = &resources.event_sources[0];
        let queue = resources
            .queues
            .iter()
            .find(|queue| queue.name == source.queue)
            .expect("the queue of the event source");
        let visibility = queue.visibility_timeout;
        assert!(
            visibility >= worker.timeout * 6 + source.batching_window,
            "{variant}: {visibility:?} are not six times {:?}",
            worker.timeout
        );
        assert!(source.report_batch_item_failures, "{variant}");

        let attempts: u32 = worker.environment["MAX_ATTEMPTS"]
            .parse()
            .expect("a number");
        let redrive = queue.redrive.as_ref().expect("a redrive policy");
        assert_eq!(
            redrive.max_receive_count.get(),
            attempts + 1,
            "{variant}: the last receive ends the session"
        );
        let reserve: u64 = worker.environment["DEADLINE_RESERVE_MS"]
            .parse()
            .expect("a number");
        assert!(Duration::from_millis(reserve) < worker.timeout, "{variant}");
        // AppSync waits for a resolver no longer than 30 s.
        assert!(function(&resources, "request").timeout < Duration::from_secs(30));
    }
}

#[test]
fn the_table_is_the_one_that_the_code_writes() {
    for variant in ["default", "production"] {
        let resources = deployed(variant);
        let [table] = &resources.tables[..] else {
            panic!("one table: {:?}", resources.tables)
        };
        assert_eq!(table.partition_key, sessions::KEY);
        assert_eq!(table.ttl_attribute.as_deref(), Some(sessions::TTL));
    }
}

/// A resolver in one line, so that two lists of them can be compared.
fn resolvers(resources: &Resources) -> BTreeSet<String> {
    let one = |resolver: &tokencast_local::config::ResolverConfig| {
        let source = match &resolver.data_source {
            DataSource::Lambda { function } => format!("the function {function}"),
            DataSource::None { code } => format!("the code\n{code}"),
        };
        format!("{}.{} is {source}", resolver.type_name, resolver.field_name)
    };
    resources.api.resolvers.iter().map(one).collect()
}

#[test]
fn without_a_template_the_local_stack_is_the_same() {
    let deployed = deployed("default");
    let worker = function(&deployed, "worker");
    let source = &deployed.event_sources[0];
    let options = StackOptions {
        worker_timeout: worker.timeout,
        batch_size: source.batch_size,
        max_concurrency: source.maximum_concurrency,
        ..StackOptions::default()
    };
    let local = Resources::new(&options, &endpoints()).expect("resources");
    assert_eq!(deployed.names, Names::default());
    assert_eq!(resolvers(&deployed), resolvers(&local));
    let schema = std::fs::read_to_string(templates::root().join("schema.graphql"));
    assert_eq!(deployed.api.schema, schema.expect("the schema"));
    assert_eq!(deployed.api.schema, local.api.schema);
    assert_eq!(deployed.api.default_auth, local.api.default_auth);
    assert_eq!(deployed.api.additional_auth, local.api.additional_auth);
    assert!(
        !deployed.api.introspection,
        "only a laptop shows its schema"
    );
    assert!(deployed.api.limits.query_depth.is_some());
    assert!(deployed.api.limits.resolver_count.is_some());

    let table = |resources: &Resources| format!("{:?}", resources.tables);
    assert_eq!(table(&deployed), table(&local));
    let queues = |resources: &Resources| -> BTreeSet<String> {
        let queues = resources.queues.iter();
        queues
            // How long a receive waits that doesn't say is nothing to Lambda's poller, which says.
            .map(|queue| tokencast_local::config::QueueConfig {
                receive_wait: Duration::ZERO,
                ..queue.clone()
            })
            .map(|queue| format!("{queue:?}"))
            .collect()
    };
    assert_eq!(queues(&deployed), queues(&local));
    assert_eq!(
        format!("{:?}", deployed.event_sources),
        format!("{:?}", local.event_sources)
    );
    for (one, other) in [("request", "request"), ("worker", "worker")] {
        let (deployed, local) = (function(&deployed, one), function(&local, other));
        assert_eq!(deployed.timeout, local.timeout, "{one}");
        let actions = |function: &FunctionConfig| -> BTreeSet<String> {
            let statements = function.policy.iter();
            statements.flat_map(|it| it.actions.clone()).collect()
        };
        assert_eq!(actions(deployed), actions(local), "{one}");
    }
}

/// After so many tokens a session is more than one item; and nobody waits for so many.
const LONG: u64 = 3000;
const NEVER_ALL: usize = 100_000;

/// What Lambda's own poller calls with the worker's role.
const POLLER: [&str; 3] = [
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
];

/// The request that an action is for, as the local stack sees it.
fn request_of(action: &str) -> (FaultService, &str) {
    match action.split_once(':').expect("SERVICE:ACTION") {
        ("sqs", operation) => (FaultService::Sqs, operation),
        ("dynamodb", operation) => (FaultService::DynamoDb, operation),
        // AWS has no action of its own for it.
        ("bedrock", "InvokeModelWithResponseStream") => (FaultService::Bedrock, "ConverseStream"),
        ("appsync", "GraphQL") => (FaultService::AppSync, "publishToken"),
        _ => panic!("{action} is no action that this test knows"),
    }
}

const SERVICES: [FaultService; 4] = [
    FaultService::AppSync,
    FaultService::Bedrock,
    FaultService::DynamoDb,
    FaultService::Sqs,
];

/// Counts, by rules that change nothing: all that a function asks of each service, and what it is allowed to.
fn counting(resources: &Resources) -> FaultPlan {
    let count = |service, operation: &str, function: &str, name: &str| {
        Rule::new(service, operation, Fault::Delay { ms: 0 })
            .called_by(function)
            .named(name)
    };
    let mut plan = FaultPlan::default();
    for function in &resources.functions {
        for service in SERVICES {
            plan = plan.with(count(
                service,
                "*",
                &function.name,
                &format!("{} all", function.name),
            ));
        }
        for action in actions(function) {
            let (service, operation) = request_of(&action);
            plan = plan.with(count(
                service,
                operation,
                &function.name,
                &format!("{} {action}", function.name),
            ));
        }
    }
    plan
}

/// What a function's own code is allowed.
fn actions(function: &FunctionConfig) -> BTreeSet<String> {
    let is_its_own =
        |action: &String| function.name != "worker" || !POLLER.contains(&action.as_str());
    let statements = function.policy.iter();
    statements
        .flat_map(|statement| statement.actions.clone())
        .filter(is_its_own)
        .collect()
}

#[tokio::test]
async fn each_function_is_allowed_what_it_does_and_nothing_else() {
    let resources = deployed("default");
    let worker = function(&resources, "worker");
    for action in POLLER {
        let allowed = worker
            .policy
            .iter()
            .any(|it| it.actions.iter().any(|it| it == action));
        assert!(allowed, "Lambda's poller needs {action}");
    }
    let template = templates::streaming("default");
    let plan = counting(&resources);
    let stack = TestStack::start_with(|options| {
        options.stack.template = Some(template);
        options.stack.faults = plan;
        options.script = script(NEVER_ALL, Duration::from_millis(1));
        options.worker_variable("CHECKPOINT_INTERVAL_MS", "50");
    })
    .await;
    // An answer that is stopped when it is kept in several items; then it is read.
    let client = stack.client("alice");
    let id = Uuid::new_v4();
    let (answer, ()) = tokio::join!(
        collect(client.stream_as(id, "Why do rivers meander?")),
        async {
            stack.model_said(LONG).await;
            client.stop(id).await.expect("stopped");
        }
    );
    answer.expect("an answer");
    stack.get_stream("alice", &id.to_string()).await;
    stack.queue_is_empty().await;

    let report = stack.running.local.faults().report();
    let matched = |rule: &str, service: FaultService| -> u64 {
        let rules = report
            .iter()
            .filter(|it| it.rule == rule && it.service == service);
        rules.map(|it| it.matched).sum()
    };
    for function in &resources.functions {
        for service in SERVICES {
            let mut explained = 0;
            for action in actions(function) {
                let (of, _) = request_of(&action);
                if of == service {
                    let seen = matched(&format!("{} {action}", function.name), service);
                    assert!(seen > 0, "{} may {action} and never does", function.name);
                    explained += seen;
                }
            }
            let all = matched(&format!("{} all", function.name), service);
            assert_eq!(
                all,
                explained,
                "{} asks {} for more than the template allows",
                function.name,
                service.name()
            );
        }
    }
    stack.shutdown().await;
}
