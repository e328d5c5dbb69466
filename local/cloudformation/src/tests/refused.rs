//! Tests of what the local stack refuses, each by its logical id and property.

use std::time::Duration;

use local_stack::config::{ModelConfig, ScriptConfig, UserPoolConfig};
use serde_json::{Value, json};

use super::super::{Inputs, Template, TemplateError};
use super::{check_refused_in, endpoints, name, read, template};

/// Puts a value into the template, and expects this problem.
#[track_caller]
fn check_refused(pointer: &str, value: Value, expected: &str) {
    check_refused_in(template(), pointer, value, expected);
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
    let table = "/Resources/Sessions/Properties";
    check_refused(
        &format!("{table}/KeySchema/0/KeyType"),
        json!("RANGE"),
        "Sessions.KeySchema: expected a partition key (`HASH`)",
    );
    check_refused(
        &format!("{table}/AttributeDefinitions/0/AttributeType"),
        json!("N"),
        "Sessions.AttributeDefinitions: the local tables have a partition key that is a string",
    );
    let index = |projection: &str| {
        json!([{
            "IndexName": "i", "KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": projection},
        }])
    };
    check_refused(
        &format!("{table}/GlobalSecondaryIndexes"),
        index("ALL"),
        "Sessions.GlobalSecondaryIndexes[0].KeySchema: the type of `other` is not given",
    );
    check_refused(
        &format!("{table}/GlobalSecondaryIndexes"),
        index("KEYS_ONLY"),
        "Sessions.GlobalSecondaryIndexes[0].Projection.ProjectionType: it is `KEYS_ONLY`",
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

#[test]
fn a_text_that_is_no_template_is_refused() {
    for text in ["", "{", "[]", r#"{"Outputs": {}}"#] {
        let error = Template::parse(text).expect_err("refused").to_string();
        assert_eq!(error, "the template is no CloudFormation template in JSON");
    }
}

#[test]
fn a_program_that_is_not_there_is_named_with_its_function() {
    let read = Template::parse(&template().to_string()).expect("JSON");
    let refused = read.stack_config(&Inputs {
        endpoints: &endpoints(),
        name: &name,
        program: &|_| Err("it is nowhere".to_owned()),
        user_pool: UserPoolConfig {
            pool_id: String::new(),
            client_id: String::new(),
            users: Vec::new(),
            token_validity: Duration::ZERO,
            shares_key: false,
        },
        model: ModelConfig::Scripted(ScriptConfig::default()),
    });
    let error = refused.expect_err("refused").to_string();
    assert!(error.contains("Ask.Code: it is nowhere"), "{error}");
    assert!(error.contains("Work.Code: it is nowhere"), "{error}");
}
