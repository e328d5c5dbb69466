//! What is deployed against what the code expects: the synthesized template on one side, the functions and the local
//! stack's own defaults on the other. Whoever changes one of them alone hears of it here.

mod permissions;
mod trust;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use local_stack::config::{CorsConfig, DataSource, FunctionConfig, FunctionUrlConfig};
use local_stack::endpoints::Endpoints;
use system_tests::templates;
use tokencast::stack::{
    AUTHORIZER_FUNCTION, FUNCTION_URL_FUNCTION, Names, REQUEST_FUNCTION, Resources, StackOptions,
    WEBSOCKET_FUNCTION, WORKER_FUNCTION,
};
use tokencast_aws::{connections, sessions};

/// Read by `main_with`, before there is a config; and what the local stack adds in AWS's place.
const READ_OUTSIDE_OF_CONFIG: [&str; 2] = ["LOG_LEVEL", "AWS_ENDPOINT_URL"];

/// What has no default, and is left out by these variants.
const LEFT_OUT: [(&str, &[&str]); 4] = [
    (
        "default",
        &["SYSTEM_PROMPT", "TEMPERATURE", "WEBSOCKET_CALLBACK_URL"],
    ),
    ("production", &["WEBSOCKET_CALLBACK_URL"]),
    ("deliveries", &["SYSTEM_PROMPT", "TEMPERATURE"]),
    ("deliveriesInProduction", &[]),
];

/// By its absence, the WebSocket API's program knows that it is the authorizer.
const ABSENT: (&str, &str) = (AUTHORIZER_FUNCTION, "CONNECTIONS_TABLE");

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

fn read<C: std::fmt::Debug, E: std::fmt::Display>(config: Result<C, E>) -> Result<String, String> {
    config
        .map(|config| format!("{config:#?}"))
        .map_err(|error| error.to_string())
}

const FUNCTIONS: [(&str, Read); 5] = [
    (REQUEST_FUNCTION, |lookup| {
        read(request::config::Config::read(lookup))
    }),
    (WORKER_FUNCTION, |lookup| {
        read(worker::config::Config::read(lookup))
    }),
    (FUNCTION_URL_FUNCTION, |lookup| {
        read(function_url::config::Config::read(lookup))
    }),
    (WEBSOCKET_FUNCTION, |lookup| {
        read(websocket::config::Config::read(lookup))
    }),
    (AUTHORIZER_FUNCTION, |lookup| {
        read(websocket::config::Config::read(lookup))
    }),
];

/// The functions of a variant, each with what reads its environment.
fn functions(resources: &Resources) -> impl Iterator<Item = (&'static str, Read, &FunctionConfig)> {
    FUNCTIONS.into_iter().filter_map(|(name, read)| {
        let mut deployed = resources.functions.iter();
        let function = deployed.find(|function| function.name == name)?;
        Some((name, read, function))
    })
}

#[test]
fn each_functions_environment_is_what_it_reads_and_nothing_else() {
    for (variant, left_out) in LEFT_OUT {
        let resources = deployed(variant);
        for (name, config, function) in functions(&resources) {
            let environment = &function.environment;
            let declared: BTreeSet<String> = environment.keys().cloned().collect();
            let mut read = variables_read(environment, |lookup| config(lookup).map(|_| ()));
            read.extend(READ_OUTSIDE_OF_CONFIG.map(str::to_owned));
            read.retain(|variable| {
                !left_out.contains(&variable.as_str()) && (name, variable.as_str()) != ABSENT
            });
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
    let required = [
        "APPSYNC_API_URL",
        "COGNITO_CLIENT_ID",
        "COGNITO_ISSUER",
        "CONNECTIONS_TABLE",
        "DEAD_LETTER_QUEUE_URL",
        "MODEL_ID",
        "QUEUE_URL",
        "SESSIONS_TABLE",
        "WEBSOCKET_CALLBACK_URL",
    ];
    let resources = deployed("deliveries");
    assert_eq!(functions(&resources).count(), FUNCTIONS.len());
    for (name, config, function) in functions(&resources) {
        let environment = &function.environment;
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
    for (variant, _) in LEFT_OUT {
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
            visibility >= worker.timeout + source.batching_window,
            "{variant}: {visibility:?} are less than {:?}, which Lambda refuses",
            worker.timeout
        );
        assert!(source.report_batch_item_failures, "{variant}");

        let redrive = queue.redrive.as_ref().expect("a redrive policy");
        assert_eq!(
            redrive.max_receive_count.get(),
            1_000,
            "{variant}: receives are no attempts"
        );
        let reserve: u64 = worker.environment["DEADLINE_RESERVE_MS"]
            .parse()
            .expect("a number");
        assert!(Duration::from_millis(reserve) < worker.timeout, "{variant}");
        for (name, _, function) in functions(&resources) {
            match name {
                WORKER_FUNCTION => {}
                FUNCTION_URL_FUNCTION => assert!(Duration::from_millis(reserve) < function.timeout),
                // AppSync waits for a resolver no longer than 30 s, API Gateway for an integration no longer than 29 s.
                _ => assert!(function.timeout < Duration::from_secs(29), "{name}"),
            }
        }
    }
}

#[test]
fn the_tables_are_those_that_the_code_writes() {
    for (variant, _) in LEFT_OUT {
        let resources = deployed(variant);
        let mut expected = vec![(sessions::KEY, Some(sessions::TTL))];
        if resources.websocket_api.is_some() {
            expected.push((connections::KEY, Some(connections::TTL)));
        }
        let tables = resources.tables.iter();
        let tables: BTreeSet<_> = tables
            .map(|table| (table.partition_key.as_str(), table.ttl_attribute.as_deref()))
            .collect();
        assert_eq!(tables, expected.into_iter().collect(), "{variant}");
    }
}

/// A resolver in one line, so that two lists of them can be compared.
fn resolvers(resources: &Resources) -> BTreeSet<String> {
    let one = |resolver: &local_stack::config::ResolverConfig| {
        let source = match &resolver.data_source {
            DataSource::Lambda { function } => format!("the function {function}"),
            DataSource::LambdaWithCode { function, code } => {
                format!("the function {function} by the code\n{code}")
            }
            DataSource::None { code } => format!("the code\n{code}"),
        };
        format!("{}.{} is {source}", resolver.type_name, resolver.field_name)
    };
    resources.api.resolvers.iter().map(one).collect()
}

#[test]
fn without_a_template_the_local_stack_is_the_same() {
    let deployed = deployed("deliveries");
    let worker = function(&deployed, WORKER_FUNCTION);
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
    // Introspection is deeper than any operation of the contract, so a laptop allows more levels.
    let depth = |resources: &Resources| resources.api.limits.query_depth;
    assert!(depth(&deployed).is_some_and(|limit| Some(limit) <= depth(&local)));
    let resolvers_at_once = |resources: &Resources| resources.api.limits.resolver_count;
    assert!(resolvers_at_once(&deployed).is_some());
    assert_eq!(resolvers_at_once(&deployed), resolvers_at_once(&local));

    let tables = |resources: &Resources| -> BTreeSet<String> {
        let tables = resources.tables.iter();
        tables.map(|table| format!("{table:?}")).collect()
    };
    assert_eq!(tables(&deployed), tables(&local));
    let queues = |resources: &Resources| -> BTreeSet<String> {
        let queues = resources.queues.iter();
        queues
            // How long a receive waits that doesn't say is nothing to Lambda's poller, which says.
            .map(|queue| local_stack::config::QueueConfig {
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
    assert_eq!(
        format!("{:?}", deployed.websocket_api),
        format!("{:?}", local.websocket_api)
    );
    // Pages of any origin on a laptop, of those that are named on AWS.
    let url = |resources: &Resources| {
        let url = resources.function_url.clone().expect("a function URL");
        let cors = url.cors.expect("a CORS configuration");
        FunctionUrlConfig {
            cors: Some(CorsConfig {
                allow_origins: Vec::new(),
                ..cors
            }),
            ..url
        }
    };
    assert_eq!(
        format!("{:?}", url(&deployed)),
        format!("{:?}", url(&local))
    );
    for (name, _) in FUNCTIONS {
        let (deployed, local) = (function(&deployed, name), function(&local, name));
        assert_eq!(deployed.timeout, local.timeout, "{name}");
        let actions = |function: &FunctionConfig| -> BTreeSet<String> {
            let statements = function.policy.iter();
            statements.flat_map(|it| it.actions.clone()).collect()
        };
        assert_eq!(actions(deployed), actions(local), "{name}");
    }
}
