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
    let connections = template["Resources"]["Sessions"].clone();
    let mut more = json!({
        "Connections": connections,
        "Authorize": function(json!({
            "COGNITO_ISSUER": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other",
            "COGNITO_CLIENT_ID": "theirs",
        })),
        "Routes": function(json!({
            "CONNECTIONS_TABLE": {"Ref": "Connections"}, "WEBSOCKET_CALLBACK_URL": callback,
        })),
        "Streams": function(json!({"COGNITO_CLIENT_ID": "theirs"})),
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
    let resources = read(&template()).expect("resources");
    assert!(resources.function_url.is_none());
    assert!(resources.websocket_api.is_none());
}

#[test]
fn a_function_url_answers_here() {
    let resources = read(&with_deliveries()).expect("resources");
    let url = resources.function_url.expect("a function URL");
    assert_eq!(
        (url.name.as_str(), url.function.as_str()),
        ("function-url", "function-url")
    );
    let cors = url.cors.expect("a CORS configuration");
    assert!(!cors.allow_credentials);
    assert_eq!(cors.allow_origins, ["https://a.example"]);
    assert_eq!(cors.max_age, Some(Duration::from_mins(1)));
    let function = resources
        .functions
        .iter()
        .find(|it| it.name == "function-url");
    let function = function.expect("its function");
    assert_eq!(function.args, ["function", "function-url"]);
    assert_eq!(
        function.environment["COGNITO_CLIENT_ID"],
        crate::stack::USER_POOL_CLIENT_ID
    );
}

#[test]
fn a_websocket_api_answers_here() {
    let resources = read(&with_deliveries()).expect("resources");
    let api = resources.websocket_api.expect("a WebSocket API");
    assert_eq!(api.stage, "here");
    let authorizer = api.authorizer.expect("an authorizer");
    assert_eq!(authorizer.function, "websocket-authorizer");
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
        ("$connect", "websocket", false),
        ("stop", "websocket", false),
        ("stream", "websocket", true),
    ];
    assert_eq!(routes, expected);

    let tables: Vec<_> = resources
        .tables
        .iter()
        .map(|table| table.name.as_str())
        .collect();
    assert_eq!(tables, ["tokencast-connections", "tokencast-sessions"]);
    assert_eq!(resources.names.table, "tokencast-sessions");
    let function = |name: &str| {
        let found = resources.functions.iter().find(|it| it.name == name);
        found.expect("a function")
    };
    let (routes, authorizer) = (function("websocket"), function("websocket-authorizer"));
    assert_eq!(routes.args, ["function", "websocket"]);
    assert_eq!(authorizer.args, ["function", "websocket-authorizer"]);
    assert_eq!(
        routes.environment["CONNECTIONS_TABLE"],
        "tokencast-connections"
    );
    assert_eq!(
        routes.environment["WEBSOCKET_CALLBACK_URL"],
        "http://localhost:4680/websocket/here"
    );
    assert_eq!(
        authorizer.environment["COGNITO_ISSUER"],
        endpoints().issuer("eu-west-1_Other")
    );
    // What is not declared is not added.
    assert!(!routes.environment.contains_key("COGNITO_ISSUER"));
    let push = function("worker").policy.last().expect("a statement");
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
