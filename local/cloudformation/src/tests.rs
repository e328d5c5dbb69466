//! Tests with a small template that the local stack can be, and with changes to it that the local stack refuses.

mod channels;
mod left_out;
mod refused;

use std::time::Duration;

use local_stack::StackConfig;
use local_stack::config::{
    DataSource, IndexConfig, KeyAttribute, KeyAttributeType, ModelConfig, ScriptConfig,
    UserPoolConfig,
};
use local_stack::endpoints::Endpoints;
use serde_json::{Value, json};

use super::{Inputs, Part, Program, Template, TemplateError, Trigger};

fn endpoints() -> Endpoints {
    Endpoints {
        address: ([127, 0, 0, 1], 4680).into(),
        region: "us-east-1".into(),
        account_id: "000000000000".into(),
        api_id: "local".into(),
    }
}

fn template() -> Value {
    let function = |role: &str, variables: Value| {
        json!({"Type": "AWS::Lambda::Function", "Properties": {
            "Runtime": "provided.al2023", "Handler": "bootstrap", "Code": {"S3Key": "x"}, "Timeout": 20,
            "Role": {"Fn::GetAtt": [role, "Arn"]}, "Environment": {"Variables": variables},
        }})
    };
    let policy = |role: &str, statements: Value| {
        json!({"Type": "AWS::IAM::Policy", "Properties": {
            "PolicyName": "p", "Roles": [{"Ref": role}],
            "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
        }})
    };
    json!({"Resources": {
        "Dead": {"Type": "AWS::SQS::Queue"},
        "Jobs": {"Type": "AWS::SQS::Queue", "Properties": {
            "VisibilityTimeout": "120",
            "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 4},
        }},
        "Sessions": {"Type": "AWS::DynamoDB::Table", "Properties": {
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "TimeToLiveSpecification": {"AttributeName": "end", "Enabled": true},
        }},
        "AskRole": {"Type": "AWS::IAM::Role"},
        "WorkRole": {"Type": "AWS::IAM::Role"},
        "WorkPolicy": policy("WorkRole", json!([
            {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": {"Ref": "Nothing"}},
            {"Effect": "Allow", "Action": "appsync:GraphQL",
             "Resource": {"Fn::Join": ["", [{"Fn::GetAtt": ["Api", "Arn"]}, "/types/Mutation/fields/publish"]]}},
        ])),
        "Ask": function("AskRole", json!({"QUEUE_URL": {"Ref": "Jobs"}})),
        "Work": function("WorkRole", json!({
            "TABLE": {"Ref": "Sessions"},
            "URL": {"Fn::GetAtt": "Api.GraphQLUrl"},
            "PLACE": {"Fn::Sub": "${AWS::Partition} ${AWS::Region} ${Jobs.QueueName} ${!this}"},
            "NOTHING": {"Ref": "AWS::NoValue"},
            "PART": {"Fn::Select": [1, {"Fn::Split": ["-", "a-b"]}]},
        })),
        "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {
            "EventSourceArn": {"Fn::GetAtt": ["Jobs", "Arn"]}, "FunctionName": {"Ref": "Work"},
            "FunctionResponseTypes": ["ReportBatchItemFailures"], "ScalingConfig": {"MaximumConcurrency": 7},
        }},
        "Api": {"Type": "AWS::AppSync::GraphQLApi", "Properties": {
            "Name": "n", "AuthenticationType": "AMAZON_COGNITO_USER_POOLS",
            "UserPoolConfig": {"UserPoolId": "eu-west-1_Other", "AwsRegion": "eu-west-1", "DefaultAction": "ALLOW"},
            "AdditionalAuthenticationProviders": [{"AuthenticationType": "AWS_IAM"}],
            "IntrospectionConfig": "DISABLED", "QueryDepthLimit": 5,
        }},
        "Schema": {"Type": "AWS::AppSync::GraphQLSchema", "Properties": {"ApiId": "a", "Definition": "type Query { a: Int }"}},
        "Source": {"Type": "AWS::AppSync::DataSource", "Properties": {
            "ApiId": "a", "Name": "Ask", "Type": "AWS_LAMBDA",
            "LambdaConfig": {"LambdaFunctionArn": {"Fn::GetAtt": ["Ask", "Arn"]}},
        }},
        "Resolver": {"Type": "AWS::AppSync::Resolver", "Properties": {
            "ApiId": "a", "DataSourceName": "Ask", "TypeName": "Query", "FieldName": "a", "Kind": "UNIT",
        }},
    }})
}

fn read(template: &Value) -> Result<StackConfig, TemplateError> {
    let template = Template::parse(&template.to_string()).expect("JSON");
    template.stack_config(&Inputs {
        endpoints: &endpoints(),
        name: &name,
        program: &|trigger| {
            Ok(Program {
                program: "program".into(),
                args: vec![function(trigger).into()],
            })
        },
        user_pool: UserPoolConfig {
            pool_id: "us-east-1_Own".into(),
            client_id: "own".into(),
            users: Vec::new(),
            token_validity: Duration::from_mins(5),
            shares_key: false,
        },
        model: ModelConfig::Scripted(ScriptConfig::default()),
    })
}

fn name(part: Part<'_>) -> Option<String> {
    match part {
        Part::Queue => Some("jobs".into()),
        Part::DeadLetterQueue => Some("dead-letters".into()),
        Part::Table { partition_key } => Some(format!("by-{partition_key}")),
        // The resource keeps its logical id.
        Part::Function(Trigger::Authorizer) => None,
        Part::Function(trigger) => Some(function(trigger).into()),
    }
}

fn function(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::DataSource => "ask",
        Trigger::EventSource => "work",
        Trigger::FunctionUrl => "stream",
        Trigger::Route => "routes",
        Trigger::Authorizer => "authorize",
    }
}

#[test]
fn a_template_becomes_a_stack() {
    let config = read(&template()).expect("a config");
    let [dead, jobs] = &config.queues[..] else {
        panic!("two queues")
    };
    assert_eq!(
        (dead.name.as_str(), dead.visibility_timeout.as_secs()),
        ("dead-letters", 30)
    );
    assert_eq!(
        (jobs.name.as_str(), jobs.visibility_timeout.as_secs()),
        ("jobs", 120)
    );
    let redrive = jobs.redrive.as_ref().expect("a redrive policy");
    assert_eq!(
        (
            redrive.dead_letter_queue.as_str(),
            redrive.max_receive_count.get()
        ),
        ("dead-letters", 4)
    );
    let table = &config.tables[0];
    assert_eq!(
        (table.partition_key.as_str(), table.ttl_attribute.as_deref()),
        ("id", Some("end"))
    );
    assert_eq!((&table.sort_key, table.indexes.len()), (&None, 0));

    let [ask, work] = &config.functions[..] else {
        panic!("two functions")
    };
    assert_eq!((ask.name.as_str(), work.name.as_str()), ("ask", "work"));
    assert_eq!(ask.args, ["ask"]);
    assert_eq!(
        ask.environment["QUEUE_URL"],
        "http://localhost:4680/000000000000/jobs"
    );
    let expected = [
        ("AWS_ENDPOINT_URL", "http://localhost:4680"),
        ("PART", "b"),
        ("PLACE", "aws us-east-1 jobs ${this}"),
        ("TABLE", "by-id"),
        ("URL", "http://localhost:4680/graphql"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(work.environment, expected.into());
    assert_eq!((work.timeout.as_secs(), work.memory_mb), (20, 128));
    let [publish] = &work.policy[..] else {
        panic!("one statement: {:?}", work.policy)
    };
    assert_eq!(
        publish.resources,
        [endpoints().field_arn("Mutation", "publish")]
    );
    assert!(ask.policy.is_empty());

    let source = &config.event_sources[0];
    assert_eq!(
        (source.batch_size.get(), source.maximum_concurrency.get()),
        (10, 7)
    );
    assert!(source.report_batch_item_failures);
    let limits = config.api.limits;
    assert!(!config.api.introspection);
    assert_eq!(
        (limits.query_depth.map(u32::from), limits.resolver_count),
        (Some(5), None)
    );
    let pool = &config.user_pool;
    assert_eq!(
        (pool.pool_id.as_str(), pool.client_id.as_str()),
        ("eu-west-1_Other", "own")
    );
    assert_eq!(pool.token_validity, Duration::from_mins(5));
}

#[track_caller]
fn check_refused_in(mut template: Value, pointer: &str, value: Value, expected: &str) {
    put(&mut template, pointer, value);
    let error = read(&template).expect_err("refused").to_string();
    assert!(error.contains(expected), "{expected} in {error}");
}

fn put(template: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = template
        .pointer_mut(parent)
        .expect("a place in the template");
    match parent {
        Value::Array(items) => items[name.parse::<usize>().expect("an index")] = value,
        parent => parent[name] = value,
    }
}

#[test]
fn a_resolver_on_a_function_may_have_code() {
    let mut template = template();
    template["Resources"]["Resolver"]["Properties"]["Code"] = json!("the code");
    let Err(TemplateError::Refused { problems, .. }) = read(&template) else {
        panic!("it is refused")
    };
    assert_eq!(
        problems[0].to_string(),
        "Resolver.Runtime: it is missing, and the resolver has code"
    );
    template["Resources"]["Resolver"]["Properties"]["Runtime"] =
        json!({"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"});
    let config = read(&template).expect("a config");
    let [resolver] = &config.api.resolvers[..] else {
        panic!("one resolver")
    };
    let DataSource::LambdaWithCode { function, code } = &resolver.data_source else {
        panic!("{:?}", resolver.data_source)
    };
    assert_eq!((function.as_str(), code.as_str()), ("ask", "the code"));
}

#[test]
fn a_table_may_have_a_sort_key_and_indexes() {
    let mut template = template();
    let attribute = |name: &str, kind: &str| json!({"AttributeName": name, "AttributeType": kind});
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let table = &mut template["Resources"]["Sessions"]["Properties"];
    table["AttributeDefinitions"] = json!([
        attribute("id", "S"),
        attribute("part", "S"),
        attribute("owner", "S"),
        attribute("at", "N"),
    ]);
    table["KeySchema"] = json!([key("id", "HASH"), key("part", "RANGE")]);
    table["GlobalSecondaryIndexes"] = json!([{
        "IndexName": "byOwner", "Projection": {"ProjectionType": "ALL"},
        "KeySchema": [key("owner", "HASH"), key("at", "RANGE")],
    }]);
    let config = read(&template).expect("a config");
    let named = |name: &str, key_type| KeyAttribute {
        name: name.into(),
        key_type,
    };
    let table = &config.tables[0];
    assert_eq!(table.partition_key, "id");
    let string = KeyAttributeType::String;
    assert_eq!(table.sort_key, Some(named("part", string)));
    let index = IndexConfig {
        name: "byOwner".into(),
        partition_key: named("owner", string),
        sort_key: Some(named("at", KeyAttributeType::Number)),
    };
    assert_eq!(table.indexes, [index]);
}

#[test]
fn a_name_that_the_template_gives_stays() {
    let mut template = template();
    template["Resources"]["Jobs"]["Properties"]["QueueName"] = json!("theirs");
    let config = read(&template).expect("a config");
    assert_eq!(config.event_sources[0].queue, "theirs");
    assert!(config.queues.iter().any(|queue| queue.name == "theirs"));
}
