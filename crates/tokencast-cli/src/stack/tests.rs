//! Tests of the stack that starts without another template.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use local_stack::StackConfig;
use local_stack::config::{FunctionConfig, ModelConfig};
use local_stack::endpoints::Endpoints;

use super::{
    AUTHORIZER_FUNCTION, CONNECTIONS_TABLE, CONVERSATIONS_TABLE, DEAD_LETTER_QUEUE,
    FUNCTION_URL_FUNCTION, Functions, Names, QUEUE, QUOTAS_TABLE, REQUEST_FUNCTION, StackError,
    StackOptions, TABLE, USER_POOL_CLIENT_ID, USER_POOL_ID, WEBSOCKET_FUNCTION, WEBSOCKET_STAGE,
    WORKER_FUNCTION, local_template, users,
};
use local_cloudformation::Template;

fn endpoints() -> Endpoints {
    Endpoints {
        address: ([127, 0, 0, 1], 4680).into(),
        region: "us-east-1".into(),
        account_id: "000000000000".into(),
        api_id: "local".into(),
    }
}

fn config(options: &StackOptions) -> StackConfig {
    options.config(&endpoints()).expect("a config").0
}

fn function<'a>(config: &'a StackConfig, name: &str) -> &'a FunctionConfig {
    let mut functions = config.functions.iter();
    functions
        .find(|function| function.name == name)
        .expect("a function")
}

#[test]
fn the_projects_resources_have_the_names_that_others_know() {
    let (config, names) = StackOptions::default()
        .config(&endpoints())
        .expect("a config");
    let expected = Names {
        queue: QUEUE.into(),
        dead_letter_queue: DEAD_LETTER_QUEUE.into(),
        table: TABLE.into(),
        conversations_table: CONVERSATIONS_TABLE.into(),
        quotas_table: Some(QUOTAS_TABLE.into()),
        request_function: REQUEST_FUNCTION.into(),
        worker_function: WORKER_FUNCTION.into(),
    };
    assert_eq!(names, expected);
    let mut functions: Vec<_> = config.functions.iter().map(|it| it.name.as_str()).collect();
    functions.sort_unstable();
    let mut expected = [
        REQUEST_FUNCTION,
        WORKER_FUNCTION,
        FUNCTION_URL_FUNCTION,
        WEBSOCKET_FUNCTION,
        AUTHORIZER_FUNCTION,
    ];
    expected.sort_unstable();
    assert_eq!(functions, expected);
    // Each is run as itself.
    for function in &config.functions {
        assert_eq!(function.args, ["function", function.name.as_str()]);
    }
    let mut tables: Vec<_> = config.tables.iter().map(|it| it.name.as_str()).collect();
    tables.sort_unstable();
    let expected = [
        CONNECTIONS_TABLE,
        CONVERSATIONS_TABLE,
        "tokencast-quotas",
        TABLE,
    ];
    assert_eq!(tables, expected);
    assert_eq!(config.function_urls[0].name, FUNCTION_URL_FUNCTION);
    assert_eq!(config.websocket_apis[0].stage, WEBSOCKET_STAGE);
    assert_eq!(config.user_pool.pool_id, USER_POOL_ID);
    assert_eq!(config.user_pool.client_id, USER_POOL_CLIENT_ID);
    assert_eq!(config.user_pool.users.len(), users().len());
    assert!(local_template().expect("a template").skipped().is_empty());
}

#[test]
fn a_laptop_shows_its_schema_answers_any_page_and_waits_for_slow_models() {
    let config = config(&StackOptions::default());
    assert!(config.api.introspection);
    let cors = config.function_urls[0].cors.as_ref().expect("CORS");
    assert_eq!(cors.allow_origins, ["*"]);
    let worker = function(&config, WORKER_FUNCTION);
    assert_eq!(worker.timeout, Duration::from_mins(15));
    assert_eq!(worker.environment["MODEL_ID"], "tokencast.scripted-v1:0");
}

#[test]
fn the_functions_variables_lead_to_the_stack() {
    let config = config(&StackOptions::default());
    let (issuer, url) = (
        endpoints().issuer(USER_POOL_ID),
        endpoints().websocket_callback_url(WEBSOCKET_STAGE),
    );
    let authorizer = &function(&config, AUTHORIZER_FUNCTION).environment;
    assert_eq!(authorizer["COGNITO_ISSUER"], issuer);
    assert_eq!(authorizer["COGNITO_CLIENT_ID"], USER_POOL_CLIENT_ID);
    assert!(!authorizer.contains_key("WEBSOCKET_CALLBACK_URL"));
    for name in [WORKER_FUNCTION, WEBSOCKET_FUNCTION] {
        let environment = &function(&config, name).environment;
        assert_eq!(environment["WEBSOCKET_CALLBACK_URL"], url, "{name}");
        assert!(!environment.contains_key("COGNITO_ISSUER"), "{name}");
    }
    for function in &config.functions {
        assert_eq!(
            function.environment["AWS_ENDPOINT_URL"],
            "http://localhost:4680"
        );
        for (name, value) in &function.environment {
            assert!(!value.contains("amazonaws.com"), "{name} is {value}");
        }
    }
}

#[test]
fn bedrock_itself_is_asked_for_the_model_of_the_command_line() {
    let config = config(&StackOptions {
        model: ModelConfig::Bedrock {
            model_id: Some("amazon.nova-pro-v1:0".into()),
        },
        ..StackOptions::default()
    });
    for name in [WORKER_FUNCTION, FUNCTION_URL_FUNCTION] {
        let environment = &function(&config, name).environment;
        assert_eq!(environment["MODEL_ID"], "amazon.nova-pro-v1:0", "{name}");
    }
    let request = &function(&config, REQUEST_FUNCTION).environment;
    assert!(!request.contains_key("MODEL_ID"));
}

#[test]
fn tests_may_override_a_functions_environment() {
    let overridden = |value: &str| BTreeMap::from([("LEASE_SECONDS".to_owned(), value.to_owned())]);
    let config = config(&StackOptions {
        request_environment: overridden("1"),
        worker_environment: overridden("2"),
        function_url_environment: overridden("3"),
        websocket_environment: overridden("4"),
        ..StackOptions::default()
    });
    for (name, expected) in [
        (REQUEST_FUNCTION, Some("1")),
        (WORKER_FUNCTION, Some("2")),
        (FUNCTION_URL_FUNCTION, Some("3")),
        (WEBSOCKET_FUNCTION, Some("4")),
        (AUTHORIZER_FUNCTION, None),
    ] {
        let environment = &function(&config, name).environment;
        let found = environment.get("LEASE_SECONDS").map(String::as_str);
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_workers_time_limit_is_its_queues_and_the_function_urls() {
    let limit = Duration::from_secs(7);
    let before = config(&StackOptions::default());
    let config = config(&StackOptions {
        worker_timeout: Some(limit),
        ..StackOptions::default()
    });
    for (name, is_pipeline) in [
        (WORKER_FUNCTION, true),
        (FUNCTION_URL_FUNCTION, true),
        (REQUEST_FUNCTION, false),
        (WEBSOCKET_FUNCTION, false),
    ] {
        let timeout = function(&config, name).timeout;
        assert_eq!(timeout == limit, is_pipeline, "{name}: {timeout:?}");
    }
    for (queue, before) in config.queues.iter().zip(&before.queues) {
        let expected = match queue.name.as_str() {
            QUEUE => limit,
            _ => before.visibility_timeout,
        };
        assert_eq!(queue.visibility_timeout, expected, "{}", queue.name);
    }
}

#[test]
fn the_event_source_is_the_templates_unless_told_otherwise() {
    let source = |options: &StackOptions| {
        let source = config(options).event_sources.remove(0);
        (source.batch_size.get(), source.maximum_concurrency.get())
    };
    assert_eq!(source(&StackOptions::default()), (1, 50));
    let options = StackOptions {
        batch_size: NonZeroU32::new(3),
        max_concurrency: NonZeroU32::new(8),
        ..StackOptions::default()
    };
    assert_eq!(source(&options), (3, 8));
}

#[test]
fn the_worker_alone_may_publish_tokens_and_no_function_anything_else_of_the_api() {
    let config = config(&StackOptions::default());
    let may_publish = |function: &str| -> Vec<String> {
        let statements = self::function(&config, function).policy.iter();
        let resources = statements
            .filter(|it| it.actions == ["appsync:GraphQL"])
            .flat_map(|it| it.resources.clone());
        resources.collect()
    };
    let field = |name: &str| endpoints().field_arn("Mutation", name);
    let conversations = field("publishConversation");
    for (function, mut expected) in [
        (REQUEST_FUNCTION, vec![conversations.clone()]),
        (
            WORKER_FUNCTION,
            vec![field("publishToken"), conversations.clone()],
        ),
        (FUNCTION_URL_FUNCTION, vec![conversations.clone()]),
        (WEBSOCKET_FUNCTION, vec![conversations.clone()]),
        (AUTHORIZER_FUNCTION, Vec::new()),
    ] {
        let mut found = may_publish(function);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{function}");
    }
}

#[test]
fn a_missing_bootstrap_is_named() {
    let options = StackOptions {
        functions: Functions::Packaged("nowhere".into()),
        ..StackOptions::default()
    };
    let error = options.config(&endpoints()).expect_err("refused");
    let error = error.to_string();
    assert!(error.contains("nowhere/request/bootstrap"), "{error}");
}

#[test]
fn what_a_template_leaves_to_others_is_named() {
    let text = include_str!("../../../../cdk/templates/local.template.json");
    let mut document: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let resources = document["Resources"].as_object_mut().expect("resources");
    for resource in resources.values_mut() {
        if resource["Type"] == "AWS::DynamoDB::Table" {
            resource["Properties"]["KeySchema"][0]["AttributeName"] = "id".into();
            resource["Properties"]["AttributeDefinitions"][0]["AttributeName"] = "id".into();
        }
    }
    let template = Template::parse(&document.to_string()).expect("a template");
    let options = StackOptions {
        template: Some(template),
        ..StackOptions::default()
    };
    let error = options.config(&endpoints()).expect_err("refused");
    assert!(matches!(error, StackError::Missing(_)), "{error}");
    assert!(
        error.to_string().starts_with("there is no table"),
        "{error}"
    );
}
