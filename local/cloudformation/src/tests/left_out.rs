//! What has no effect here, and what a template leaves open: neither keeps the stack from starting.

use super::*;

/// Puts a value into the template, which changes nothing here.
#[track_caller]
fn check_without_effect(pointer: &str, value: Value) {
    let mut changed = template();
    put(&mut changed, pointer, value);
    let changed = read(&changed).unwrap_or_else(|error| panic!("{pointer}: {error}"));
    let before = read(&template()).expect("a config");
    assert_eq!(format!("{changed:?}"), format!("{before:?}"), "{pointer}");
}

#[test]
fn what_has_no_effect_here_is_taken() {
    let arn = "arn:aws:iam::123456789012:policy/Boundary";
    check_without_effect(
        "/Resources/WorkRole/Properties",
        json!({"PermissionsBoundary": arn, "Path": "/team/"}),
    );
    let managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole";
    check_without_effect(
        "/Resources/AskRole/Properties",
        json!({"ManagedPolicyArns": [managed]}),
    );
    check_without_effect(
        "/Resources/WorkPolicy/Properties/PolicyDocument/Statement/0",
        json!({"Effect": "Allow", "Action": ["ec2:CreateNetworkInterface"], "Resource": "*"}),
    );
    check_without_effect(
        "/Resources/Work/Properties/VpcConfig",
        json!({"SubnetIds": ["subnet-1"], "SecurityGroupIds": [{"Ref": "Elsewhere"}]}),
    );
    check_without_effect(
        "/Resources/Group",
        json!({"Type": "AWS::EC2::SecurityGroup"}),
    );
    check_without_effect(
        "/Resources/Api/Properties/UserPoolConfig/AppIdClientRegex",
        json!("^web$"),
    );
}

/// What a template of these parameters and resources besides leaves out, and what becomes of it.
fn skipped(template: &Value) -> (Vec<String>, StackConfig) {
    let opened = Template::parse(&template.to_string()).expect("JSON");
    let skipped = opened.skipped().iter().map(ToString::to_string).collect();
    (skipped, read(template).expect("a config"))
}

#[test]
fn what_a_template_leaves_open_is_left_out_and_told() {
    let mut open = template();
    open["Parameters"] = json!({
        "Team": {"Type": "String"},
        "Stage": {"Type": "String"},
        "Subnet": {"Type": "AWS::EC2::Subnet::Id"},
        "Level": {"Type": "String", "Default": "debug"},
        "BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk/version"},
    });
    open["Resources"]["Network"] =
        json!({"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "x"}});
    let work = &mut open["Resources"]["Work"]["Properties"];
    work["VpcConfig"] = json!({"SubnetIds": [{"Ref": "Subnet"}]});
    work["Environment"]["Variables"] = json!({
        "LEVEL": {"Ref": "Level"},
        "TEAM": {"Ref": "Team"},
        "STAGE": {"Ref": "Stage"},
        "TITLE": {"Fn::Join": ["", ["of ", {"Fn::Sub": "team ${Team}"}]]},
        "OWN": {"Fn::Sub": ["${Team}", {"Team": "blue"}]},
        "NET": {"Fn::GetAtt": ["Network", "Outputs.Name"]},
    });
    let statements =
        &mut open["Resources"]["WorkPolicy"]["Properties"]["PolicyDocument"]["Statement"];
    statements.as_array_mut().expect("statements").push(json!({
        "Effect": "Allow", "Action": "s3:GetObject", "Resource": {"Fn::Sub": "arn:aws:s3:::${Team}/*"},
    }));
    let (told, config) = skipped(&open);
    let expected = [
        "Network: it is a nested stack, a template of its own: it is not started here",
        "Stage: the parameter has no value here: what it decides is left out of Work",
        "Subnet: the parameter has no value here: what it decides is left out of Work",
        "Team: the parameter has no value here: what it decides is left out of Work, WorkPolicy",
    ];
    assert_eq!(told, expected);
    let work = &config.functions[1];
    let variables: Vec<_> = work
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let endpoint = "AWS_ENDPOINT_URL=http://localhost:4680";
    assert_eq!(variables, [endpoint, "LEVEL=debug", "OWN=blue"]);
    assert_eq!(work.policy.len(), 1, "{:?}", work.policy);
    assert_eq!(skipped(&template()).0, [""; 0]);
    // What the stack can't be without is refused.
    open["Resources"]["Source"]["Properties"]["Name"] = json!({"Ref": "Team"});
    let error = read(&open).expect_err("refused").to_string();
    let expected = "Source.Name: it is needed, and the parameter Team has no value here";
    assert!(error.contains(expected), "{error}");
}
