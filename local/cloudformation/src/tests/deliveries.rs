//! The deliveries besides `AppSync`: a function URL and a WebSocket API.

use std::time::Duration;

use serde_json::{Value, json};

use super::{check_refused_in, endpoints, read, template};

/// The small template with both.
fn with_deliveries() -> Value {
    let mut template = template();
    let function = |variables: Value| {
        json!({"Type": "AWS::Lambda::Function", "Properties": {
            "Runtime": "provided.al2023", "Role": {"Fn::GetAtt": ["AskRole", "Arn"]},
            "Environment": {"Variables": variables},
        }})
    };
    let uri = |function: &str| json!({"Fn::Join": ["", ["arn:aws:apigateway:lambda/", {"Fn::GetAtt": [function, "Arn"]}, "/invocations"]]});
    let route = |key: &str| {
        json!({"Type": "AWS::ApiGatewayV2::Route", "Properties": {
            "ApiId": {"Ref": "Socket"}, "RouteKey": key,
            "Target": {"Fn::Join": ["", ["integrations/", {"Ref": "Integration"}]]},
        }})
    };
    let callback = json!({"Fn::Join": ["", ["https://", {"Ref": "Socket"}, ".execute-api.amazonaws.com/here"]]});
    let mut connections = template["Resources"]["Sessions"].clone();
    connections["Properties"]["KeySchema"][0]["AttributeName"] = json!("connection");
    connections["Properties"]["AttributeDefinitions"][0]["AttributeName"] = json!("connection");
    let mut more = json!({
        "Connections": connections,
        "Authorize": function(json!({"POOL": {"Ref": "Pool"}, "CLIENT": {"Ref": "Client"}})),
        "Routes": function(json!({"CONNECTIONS": {"Ref": "Connections"}, "CALLBACK": callback})),
        "Streams": function(json!({"OWN_URL": {"Fn::GetAtt": ["Url", "FunctionUrl"]}})),
        "Pool": {"Type": "AWS::Cognito::UserPool"},
        "Client": {"Type": "AWS::Cognito::UserPoolClient", "Properties": {"AccessTokenValidity": 2}},
        "Url": {"Type": "AWS::Lambda::Url", "Properties": {
            "AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM", "TargetFunctionArn": {"Fn::GetAtt": ["Streams", "Arn"]},
            "Cors": {"AllowCredentials": false, "AllowOrigins": ["https://a.example"], "MaxAge": 60},
        }},
        "Socket": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {
            "Name": "n", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.action",
        }},
        "Stage": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {
            "ApiId": {"Ref": "Socket"}, "StageName": "here", "AutoDeploy": true,
            "DefaultRouteSettings": {"ThrottlingRateLimit": 1}, "AccessLogSettings": {"Format": "{}"},
        }},
        "Integration": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": {
            "ApiId": {"Ref": "Socket"}, "IntegrationType": "AWS_PROXY", "IntegrationUri": uri("Routes"),
        }},
        "Authorizer": {"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": {
            "ApiId": {"Ref": "Socket"}, "Name": "n", "AuthorizerType": "REQUEST", "AuthorizerUri": uri("Authorize"),
            "IdentitySource": ["route.request.querystring.token"],
        }},
        "Connect": route("$connect"),
        "Ask1": route("stream"),
        "Ask2": route("stop"),
        "Response": {"Type": "AWS::ApiGatewayV2::RouteResponse", "Properties": {
            "ApiId": {"Ref": "Socket"}, "RouteId": {"Ref": "Ask1"}, "RouteResponseKey": "$default",
        }},
    });
    // The connections stand before the sessions.
    if let (Value::Object(all), Value::Object(base)) = (&mut more, template["Resources"].take()) {
        all.extend(base);
    }
    template["Resources"] = more;
    let connect = &mut template["Resources"]["Connect"]["Properties"];
    connect["AuthorizationType"] = json!("CUSTOM");
    connect["AuthorizerId"] = json!({"Ref": "Authorizer"});
    for route in ["Ask1", "Ask2"] {
        let route = &mut template["Resources"][route]["Properties"];
        route["RouteResponseSelectionExpression"] = json!("$default");
    }
    let statements = "/Resources/WorkPolicy/Properties/PolicyDocument/Statement";
    let statements = template
        .pointer_mut(statements)
        .and_then(Value::as_array_mut);
    statements.expect("statements").push(json!({
        "Effect": "Allow", "Action": "execute-api:ManageConnections",
        "Resource": {"Fn::Sub": "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Socket}/here/POST/@connections/*"},
    }));
    template
}

#[test]
fn without_them_there_are_none() {
    let config = read(&template()).expect("a config");
    assert!(config.function_urls.is_empty());
    assert!(config.websocket_apis.is_empty());
}

#[test]
fn a_function_url_answers_here() {
    let config = read(&with_deliveries()).expect("a config");
    let [url] = &config.function_urls[..] else {
        panic!("one function URL")
    };
    assert_eq!(
        (url.name.as_str(), url.function.as_str()),
        ("stream", "stream")
    );
    let cors = url.cors.as_ref().expect("a CORS configuration");
    assert!(!cors.allow_credentials);
    assert_eq!(cors.allow_origins, ["https://a.example"]);
    assert_eq!(cors.max_age, Some(Duration::from_mins(1)));
    let mut functions = config.functions.iter();
    let function = functions.find(|it| it.name == "stream");
    let function = function.expect("its function");
    assert_eq!(function.args, ["stream"]);
    assert_eq!(
        function.environment["OWN_URL"],
        endpoints().function_url("stream")
    );
}

#[test]
fn a_websocket_api_answers_here() {
    let config = read(&with_deliveries()).expect("a config");
    let [api] = &config.websocket_apis[..] else {
        panic!("one WebSocket API")
    };
    assert_eq!(api.stage, "here");
    let authorizer = api.authorizer.as_ref().expect("an authorizer");
    assert_eq!(authorizer.function, "Authorize");
    assert_eq!(
        authorizer.identity_sources,
        ["route.request.querystring.token"]
    );
    let routes: Vec<_> = api
        .routes
        .iter()
        .map(|(key, route)| (key.as_str(), route.function.as_str(), route.route_response))
        .collect();
    // Both are asked for an answer, and one has a response to give it.
    let expected = [
        ("$connect", "routes", false),
        ("stop", "routes", false),
        ("stream", "routes", true),
    ];
    assert_eq!(routes, expected);

    let tables: Vec<_> = config
        .tables
        .iter()
        .map(|table| table.name.as_str())
        .collect();
    assert_eq!(tables, ["by-connection", "by-id"]);
    let function = |name: &str| {
        let found = config.functions.iter().find(|it| it.name == name);
        found.expect("a function")
    };
    let (routes, authorizer) = (function("routes"), function("Authorize"));
    assert_eq!(
        (&routes.args[0], &authorizer.args[0]),
        (&"routes".into(), &"authorize".into())
    );
    assert_eq!(routes.environment["CONNECTIONS"], "by-connection");
    assert_eq!(
        routes.environment["CALLBACK"],
        "https://websocket.execute-api.amazonaws.com/here"
    );
    let told = &authorizer.environment;
    assert_eq!(
        (told["POOL"].as_str(), told["CLIENT"].as_str()),
        ("eu-west-1_Other", "own")
    );
    assert_eq!(config.user_pool.token_validity, Duration::from_hours(2));
    let push = function("work").policy.last().expect("a statement");
    assert_eq!(
        push.resources,
        [endpoints().websocket_arn("here", "POST/@connections/*")]
    );
}

#[track_caller]
fn check(pointer: &str, value: Value, expected: &str) {
    check_refused_in(with_deliveries(), pointer, value, expected);
}

#[test]
fn what_can_not_be_honoured_of_a_function_url_is_named() {
    let url = "/Resources/Url/Properties";
    check(
        &format!("{url}/AuthType"),
        json!("AWS_IAM"),
        "Url.AuthType: it is `AWS_IAM`",
    );
    check(
        &format!("{url}/InvokeMode"),
        json!("BUFFERED"),
        "Url.InvokeMode: it is `BUFFERED`",
    );
    check(&format!("{url}/Qualifier"), json!("live"), "Url.Qualifier");
    check(
        &format!("{url}/TargetFunctionArn"),
        json!("arn"),
        "Url.TargetFunctionArn: expected",
    );
    check(
        &format!("{url}/Cors/AllowOrigins"),
        json!("*"),
        "Url.Cors.AllowOrigins: it is \"*\"",
    );
    check(
        "/Resources/Url2",
        with_deliveries()["Resources"]["Url"].clone(),
        "Url2: it is a second function URL",
    );
    // A function of none of the services.
    check(
        "/Resources/Url",
        json!({"Type": "AWS::CDK::Metadata"}),
        "Streams: it is not one function of these",
    );
}

#[test]
fn what_can_not_be_honoured_of_a_websocket_api_is_named() {
    let socket = "/Resources/Socket/Properties";
    check(
        &format!("{socket}/ProtocolType"),
        json!("HTTP"),
        "Socket.ProtocolType: it is `HTTP`",
    );
    check(
        &format!("{socket}/RouteSelectionExpression"),
        json!("$request.body.kind"),
        "Socket.RouteSelectionExpression",
    );
    check(
        "/Resources/Stage/Properties/AutoDeploy",
        json!(false),
        "Stage.AutoDeploy: it is `false`",
    );
    check(
        "/Resources/Stage/Properties/StageVariables",
        json!({}),
        "Stage.StageVariables",
    );
    check(
        "/Resources/Stage",
        json!({"Type": "AWS::CDK::Metadata"}),
        "no AWS::ApiGatewayV2::Stage",
    );
    check(
        "/Resources/Integration/Properties/IntegrationType",
        json!("MOCK"),
        "Integration.IntegrationType: it is `MOCK`",
    );
    check(
        "/Resources/Integration/Properties/IntegrationUri",
        json!("https://example.com"),
        "Integration.IntegrationUri: expected the URI of an AWS::Lambda::Function",
    );
    check(
        "/Resources/Ask1/Properties/Target",
        json!("integrations/x"),
        "Ask1.Target: expected",
    );
    check(
        "/Resources/Ask1/Properties/ApiKeyRequired",
        json!(true),
        "Ask1.ApiKeyRequired",
    );
    check(
        "/Resources/Connect/Properties/AuthorizationType",
        json!("AWS_IAM"),
        "Connect.AuthorizationType: it is `AWS_IAM`",
    );
    check(
        "/Resources/Connect/Properties/AuthorizerId",
        json!("x"),
        "Connect.AuthorizerId: expected an AWS::ApiGatewayV2::Authorizer",
    );
    check(
        "/Resources/Connect/Properties/RouteKey",
        json!("hello"),
        "Connect.AuthorizationType: only $connect has an authorizer",
    );
    check(
        "/Resources/Authorizer/Properties/AuthorizerType",
        json!("JWT"),
        "Authorizer.AuthorizerType: it is `JWT`",
    );
}
