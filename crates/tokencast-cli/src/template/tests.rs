//! A small template that the local stack can be, and what makes it one that it can't.

mod deliveries;
mod left_out;

use local_stack::config::DataSource;
use local_stack::endpoints::Endpoints;
use serde_json::{Value, json};

use super::document::Document;
use super::{Template, TemplateError};
use crate::stack::{Resources, StackOptions};

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

fn read(template: &Value) -> Result<Resources, TemplateError> {
    let main = Document::parse(&template.to_string()).expect("JSON");
    let template = Template {
        path: "x.template.json".into(),
        main,
        beside: Vec::new(),
    };
    template.resources(&StackOptions::default(), &endpoints())
}

#[test]
fn a_template_becomes_a_stack() {
    let resources = read(&template()).expect("resources");
    let [dead, jobs] = &resources.queues[..] else {
        panic!("two queues")
    };
    assert_eq!(
        (dead.name.as_str(), dead.visibility_timeout.as_secs()),
        ("tokencast-jobs-dlq", 30)
    );
    assert_eq!(
        (jobs.name.as_str(), jobs.visibility_timeout.as_secs()),
        ("tokencast-jobs", 120)
    );
    let redrive = jobs.redrive.as_ref().expect("a redrive policy");
    assert_eq!(
        (
            redrive.dead_letter_queue.as_str(),
            redrive.max_receive_count.get()
        ),
        ("tokencast-jobs-dlq", 4)
    );
    let table = &resources.tables[0];
    assert_eq!(
        (table.partition_key.as_str(), table.ttl_attribute.as_deref()),
        ("id", Some("end"))
    );

    let [ask, work] = &resources.functions[..] else {
        panic!("two functions")
    };
    assert_eq!(
        (ask.name.as_str(), work.name.as_str()),
        ("request", "worker")
    );
    assert_eq!(
        ask.environment["QUEUE_URL"],
        "http://localhost:4680/000000000000/tokencast-jobs"
    );
    let expected = [
        ("AWS_ENDPOINT_URL", "http://localhost:4680"),
        ("PART", "b"),
        ("PLACE", "aws us-east-1 tokencast-jobs ${this}"),
        ("TABLE", "tokencast-sessions"),
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

    let source = &resources.event_sources[0];
    assert_eq!(
        (source.batch_size.get(), source.maximum_concurrency.get()),
        (10, 7)
    );
    assert!(source.report_batch_item_failures);
    let limits = resources.api.limits;
    assert!(!resources.api.introspection);
    assert_eq!(
        (limits.query_depth.map(u32::from), limits.resolver_count),
        (Some(5), None)
    );
    assert_eq!(resources.user_pool.pool_id, "eu-west-1_Other");
}

/// Puts a value into the template, and expects these words.
#[track_caller]
fn check_refused(pointer: &str, value: Value, expected: &str) {
    check_refused_in(template(), pointer, value, expected);
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
fn what_can_not_be_honoured_is_named() {
    let queue = "/Resources/Jobs/Properties";
    check_refused(
        &format!("{queue}/DelaySeconds"),
        json!(5),
        "Jobs.DelaySeconds: it is `5`",
    );
    check_refused(&format!("{queue}/FifoQueue"), json!(true), "Jobs.FifoQueue");
    check_refused(
        &format!("{queue}/Colour"),
        json!(1),
        "Jobs.Colour: the local stack has nothing like it",
    );
    check_refused(
        &format!("{queue}/VisibilityTimeout"),
        json!({"Fn::If": ["A", 1, 2]}),
        "Jobs.VisibilityTimeout: `Fn::If` is an intrinsic function",
    );
    check_refused(
        &format!("{queue}/VisibilityTimeout"),
        json!("long"),
        "it is `long`, expected a whole number",
    );
    check_refused(
        &format!("{queue}/RedrivePolicy/maxReceiveCount"),
        json!(0),
        "Jobs.RedrivePolicy.maxReceiveCount",
    );
    check_refused(
        "/Resources/Jobs/Condition",
        json!("InEurope"),
        "Jobs: it depends on the condition InEurope",
    );
    check_refused(
        "/Resources/Machine",
        json!({"Type": "AWS::EC2::Instance"}),
        "Machine: the local stack has nothing like AWS::EC2::Instance",
    );
    check_refused(
        "/Resources/Sessions/Properties/StreamSpecification",
        json!({}),
        "Sessions.StreamSpecification",
    );
    check_refused(
        "/Resources/Work/Properties/Runtime",
        json!("nodejs22.x"),
        "Work.Runtime: it is `nodejs22.x`",
    );
    check_refused(
        "/Resources/Work/Properties/EphemeralStorage",
        json!({"Size": 1024}),
        "Work.EphemeralStorage",
    );
    check_refused(
        "/Resources/Work/Properties/Environment/Variables/URL",
        json!({"Fn::ImportValue": "Elsewhere:Url"}),
        "Work.Environment.Variables.URL: no template beside this one exports Elsewhere:Url",
    );
}

#[test]
fn what_can_not_be_honoured_of_the_api_and_its_callers_is_named() {
    check_refused(
        "/Resources/Api/Properties/UserPoolConfig/DefaultAction",
        json!("DENY"),
        "Api.UserPoolConfig.DefaultAction: it is `DENY`",
    );
    check_refused(
        "/Resources/Resolver/Properties/Kind",
        json!("PIPELINE"),
        "Resolver.Kind: it is `PIPELINE`",
    );
    check_refused(
        "/Resources/Resolver/Properties/DataSourceName",
        json!("Other"),
        "Resolver.DataSourceName: there is no data source `Other`",
    );
    check_refused(
        "/Resources/Source/Properties/Type",
        json!("HTTP"),
        "Source.Type: it is `HTTP`",
    );
    check_refused(
        "/Resources/WorkPolicy/Properties/PolicyDocument/Statement/1",
        json!({"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}),
        "WorkPolicy.PolicyDocument.Statement[1].Effect: it is `Deny`",
    );
    check_refused(
        "/Resources/WorkPolicy/Properties/PolicyDocument/Statement/1/Condition",
        json!({"Bool": {"aws:SecureTransport": "true"}}),
        "WorkPolicy.PolicyDocument.Statement[1].Condition: the local stack has nothing like it",
    );
    check_refused(
        "/Resources/WorkRole/Properties",
        json!({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}),
        "WorkRole.ManagedPolicyArns",
    );
    check_refused(
        "/Resources/Mapping/Properties/FilterCriteria",
        json!({}),
        "Mapping.FilterCriteria",
    );
    check_refused(
        "/Resources/Api",
        json!({"Type": "AWS::CDK::Metadata"}),
        "there is no AWS::AppSync::GraphQLApi in the template",
    );
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
    let resources = read(&template).expect("resources");
    let [resolver] = &resources.api.resolvers[..] else {
        panic!("one resolver")
    };
    let DataSource::LambdaWithCode { function, code } = &resolver.data_source else {
        panic!("{:?}", resolver.data_source)
    };
    assert_eq!((function.as_str(), code.as_str()), ("request", "the code"));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let mut template = template();
    template["Resources"]["Jobs"]["Properties"]["DelaySeconds"] = json!(1);
    template["Resources"]["Work"]["Properties"]["FileSystemConfigs"] = json!([]);
    let Err(TemplateError::Refused { problems, .. }) = read(&template) else {
        panic!("it is refused")
    };
    let places: Vec<_> = problems
        .iter()
        .map(|problem| problem.property.as_str())
        .collect();
    assert_eq!(places, ["DelaySeconds", "FileSystemConfigs"]);
}
