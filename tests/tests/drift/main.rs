//! Compares what is deployed with what the code expects: the synthesized templates on one side, the functions on the
//! other. A change of one side alone fails here.

mod permissions;
mod trust;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use local_stack::StackConfig;
use local_stack::config::{DataSource, FunctionConfig};
use local_stack::endpoints::Endpoints;
use system_tests::templates;
use tokencast::stack::{
    AUTHORIZER_FUNCTION, FUNCTION_URL_FUNCTION, REQUEST_FUNCTION, StackOptions, WEBSOCKET_FUNCTION,
    WORKER_FUNCTION,
};
use tokencast_aws::{connections, quotas, sessions};

/// `main_with` reads the first variable before there is a config. The local stack adds the second one in AWS's place.
const READ_OUTSIDE_OF_CONFIG: [&str; 2] = ["LOG_LEVEL", "AWS_ENDPOINT_URL"];

/// Variables without a default that these variants leave out.
const LEFT_OUT: [(&str, &[&str]); 5] = [
    (LOCAL, &["SYSTEM_PROMPT", "TEMPERATURE", "TITLE_MODEL_ID"]),
    (
        "default",
        &[
            "SYSTEM_PROMPT",
            "TEMPERATURE",
            "TITLE_MODEL_ID",
            "WEBSOCKET_CALLBACK_URL",
        ],
    ),
    ("production", &["WEBSOCKET_CALLBACK_URL"]),
    (
        "deliveries",
        &["SYSTEM_PROMPT", "TEMPERATURE", "TITLE_MODEL_ID"],
    ),
    ("deliveriesInProduction", &["TITLE_MODEL_ID"]),
];

/// Variables that only a deployment with assistants or with quotas has.
const OPT_IN: [&str; 3] = ["ASSISTANTS_FILE", "QUOTAS", "QUOTAS_TABLE"];

/// The table of conversations: partition key, sort key, index, TTL.
const CONVERSATIONS: (&str, Option<&str>, Option<&str>, Option<&str>) = (
    "conversationId",
    Some("item"),
    Some("byOwner"),
    Some(sessions::TTL),
);

/// The committed variant, from which every stack on this machine starts.
const LOCAL: &str = "local";

fn endpoints() -> Endpoints {
    Endpoints {
        address: ([127, 0, 0, 1], 4680).into(),
        region: "us-east-1".into(),
        account_id: "000000000000".into(),
        api_id: "local".into(),
    }
}

fn deployed(variant: &str) -> StackConfig {
    let options = StackOptions {
        template: (variant != LOCAL).then(|| templates::streaming(variant)),
        ..StackOptions::default()
    };
    options.config(&endpoints()).expect("a config").0
}

fn function<'a>(config: &'a StackConfig, name: &str) -> &'a FunctionConfig {
    config
        .functions
        .iter()
        .find(|function| function.name == name)
        .expect("a function")
}

/// Returns the variables that a config reads. The config must accept the environment.
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

/// Reads a function's config from an environment.
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
        read(websocket_authorizer::config::Config::read(lookup))
    }),
];

/// Returns the functions of a variant, each with the function that reads its config.
fn functions(config: &StackConfig) -> impl Iterator<Item = (&'static str, Read, &FunctionConfig)> {
    FUNCTIONS.into_iter().filter_map(|(name, read)| {
        let mut deployed = config.functions.iter();
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
                let name = variable.as_str();
                let is_left_out = OPT_IN.contains(&name) && !declared.contains(name);
                !is_left_out && !left_out.contains(&name)
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
        "CONVERSATIONS_TABLE",
        "DEAD_LETTER_QUEUE_URL",
        "MODEL_ID",
        "QUEUE_URL",
        "QUOTAS_TABLE",
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
                // AppSync waits for a resolver for 30 s at most, and API Gateway for an integration for 29 s.
                _ => assert!(function.timeout < Duration::from_secs(29), "{name}"),
            }
        }
    }
}

fn has_quotas(function: &FunctionConfig) -> bool {
    function.environment.contains_key("QUOTAS_TABLE")
}

#[test]
fn the_tables_are_those_that_the_code_writes() {
    for (variant, _) in LEFT_OUT {
        let resources = deployed(variant);
        let mut expected = vec![
            (sessions::KEY, None, None, Some(sessions::TTL)),
            CONVERSATIONS,
        ];
        if !resources.websocket_apis.is_empty() {
            expected.push((connections::KEY, None, None, Some(connections::TTL)));
        }
        if resources.functions.iter().any(has_quotas) {
            expected.push((
                quotas::KEY,
                Some(quotas::SORT_KEY),
                None,
                Some(sessions::TTL),
            ));
        }
        let tables = resources.tables.iter();
        let tables: BTreeSet<_> = tables
            .map(|table| {
                let sort_key = table.sort_key.as_ref().map(|key| key.name.as_str());
                let index = table.indexes.first().map(|index| index.name.as_str());
                let ttl = table.ttl_attribute.as_deref();
                (table.partition_key.as_str(), sort_key, index, ttl)
            })
            .collect();
        assert_eq!(tables, expected.into_iter().collect(), "{variant}");
    }
}

#[test]
fn the_committed_template_has_the_schema_and_the_resolvers_of_their_files() {
    const HOW: &str = "run `npm run templates` in cdk/";
    let file = |path: &str| {
        let path = templates::root().join(path);
        std::fs::read_to_string(path).expect("a file of the project")
    };
    let api = deployed(LOCAL).api;
    assert!(api.schema == file("schema.graphql"), "{HOW}");
    let (request, publish) = (
        file("cdk/resolvers/requestFunction.js"),
        file("cdk/resolvers/publish.js"),
    );
    for resolver in &api.resolvers {
        let (code, expected) = match &resolver.data_source {
            DataSource::LambdaWithCode { code, .. } => (code, &request),
            DataSource::None { code } => (code, &publish),
            DataSource::Lambda { .. } => panic!("{} has code", resolver.field_name),
        };
        assert!(code == expected, "{}: {HOW}", resolver.field_name);
    }
}
