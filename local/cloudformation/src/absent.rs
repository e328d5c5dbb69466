//! What a template may contain that has no effect on the local stack, each with its reason.

/// The resource types that the local stack is made from.
const READ: &[&str] = &[
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::RouteResponse",
    "AWS::ApiGatewayV2::Stage",
    "AWS::AppSync::DataSource",
    "AWS::AppSync::GraphQLApi",
    "AWS::AppSync::GraphQLSchema",
    "AWS::AppSync::Resolver",
    "AWS::DynamoDB::Table",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Url",
    "AWS::SQS::Queue",
];

/// Resource types without effect here, each with its reason.
pub const TYPES: &[(&str, &str)] = &[
    ("AWS::ApiGateway::Account", TERMINAL),
    ("AWS::CDK::Metadata", "it is about the template itself"),
    (
        "AWS::CloudWatch::Alarm",
        "there are no metrics here to watch",
    ),
    (
        "AWS::CloudWatch::Dashboard",
        "there are no metrics here to show",
    ),
    (
        "AWS::Cognito::UserPool",
        "the local pool has users of its own, and sends no mail",
    ),
    (
        "AWS::Cognito::UserPoolClient",
        "the local pool has an app client of its own, which may sign in by password as well",
    ),
    (
        "AWS::KMS::Alias",
        "nothing is encrypted at rest here but by the machine's own disk",
    ),
    (
        "AWS::KMS::Key",
        "nothing is encrypted at rest here but by the machine's own disk",
    ),
    (
        "AWS::Lambda::Permission",
        "the local services call the functions of their own APIs and URLs, and nobody else does",
    ),
    ("AWS::EC2::SecurityGroup", NO_VPC),
    ("AWS::EC2::SecurityGroupEgress", NO_VPC),
    ("AWS::EC2::SecurityGroupIngress", NO_VPC),
    ("AWS::EC2::VPCEndpoint", NO_VPC),
    ("AWS::Logs::LogGroup", "the functions log to the terminal"),
    (
        "AWS::Logs::MetricFilter",
        "the functions log to the terminal",
    ),
    (
        "AWS::SNS::Subscription",
        "there are no alarms here to tell of",
    ),
    ("AWS::SNS::Topic", "there are no alarms here to tell of"),
    (
        "AWS::SNS::TopicPolicy",
        "there are no alarms here to tell of",
    ),
    (
        "AWS::SQS::QueuePolicy",
        "the local queues take every caller of this machine, without TLS",
    ),
    (
        "AWS::WAFv2::WebACLAssociation",
        "the API answers on this machine's loopback only",
    ),
];

const NO_DISK: &str = "nothing is encrypted at rest here but by the machine's own disk";
const NO_VPC: &str = "there is no VPC here: the functions reach what this machine reaches";
const NO_TRACES: &str = "there is no X-Ray here";
const TERMINAL: &str = "the functions log to the terminal";
const FOR_PEOPLE: &str = "it is for people to read";
const ITS_END: &str = "what a local stack keeps is up to its state directory";

/// Properties without effect here, of the resource types that are read.
pub const PROPERTIES: &[(&str, &str, &str)] = &[
    ("AWS::ApiGatewayV2::Api", "Description", FOR_PEOPLE),
    ("AWS::ApiGatewayV2::Api", "Name", FOR_PEOPLE),
    ("AWS::ApiGatewayV2::Api", "Tags", FOR_PEOPLE),
    ("AWS::ApiGatewayV2::Authorizer", "Name", FOR_PEOPLE),
    ("AWS::ApiGatewayV2::Stage", "AccessLogSettings", TERMINAL),
    (
        "AWS::ApiGatewayV2::Stage",
        "DefaultRouteSettings",
        "the local API throttles nobody, and there are no metrics here",
    ),
    ("AWS::ApiGatewayV2::Stage", "Description", FOR_PEOPLE),
    ("AWS::ApiGatewayV2::Stage", "Tags", FOR_PEOPLE),
    ("AWS::AppSync::DataSource", "Description", FOR_PEOPLE),
    (
        "AWS::AppSync::DataSource",
        "ServiceRoleArn",
        "the local API calls the data source's function itself",
    ),
    (
        "AWS::AppSync::GraphQLApi",
        "EnhancedMetricsConfig",
        "there are no metrics here",
    ),
    (
        "AWS::AppSync::GraphQLApi",
        "LogConfig",
        "the local API logs to the terminal",
    ),
    ("AWS::AppSync::GraphQLApi", "Name", FOR_PEOPLE),
    ("AWS::AppSync::GraphQLApi", "OwnerContact", FOR_PEOPLE),
    ("AWS::AppSync::GraphQLApi", "Tags", FOR_PEOPLE),
    ("AWS::AppSync::GraphQLApi", "XrayEnabled", NO_TRACES),
    (
        "AWS::AppSync::Resolver",
        "MetricsConfig",
        "there are no metrics here",
    ),
    (
        "AWS::DynamoDB::Table",
        "BillingMode",
        "the local table has no price and no capacity",
    ),
    (
        "AWS::DynamoDB::Table",
        "ContributorInsightsSpecification",
        "there are no metrics here",
    ),
    ("AWS::DynamoDB::Table", "DeletionProtectionEnabled", ITS_END),
    (
        "AWS::DynamoDB::Table",
        "PointInTimeRecoverySpecification",
        ITS_END,
    ),
    ("AWS::DynamoDB::Table", "SSESpecification", NO_DISK),
    (
        "AWS::DynamoDB::Table",
        "TableClass",
        "the local table has no price and no capacity",
    ),
    ("AWS::DynamoDB::Table", "Tags", FOR_PEOPLE),
    (
        "AWS::IAM::Role",
        "AssumeRolePolicyDocument",
        "a function has its role's credentials from the start",
    ),
    ("AWS::IAM::Role", "Description", FOR_PEOPLE),
    (
        "AWS::IAM::Role",
        "Path",
        "it is part of a name that nothing here reads",
    ),
    (
        "AWS::IAM::Role",
        "PermissionsBoundary",
        "what it forbids besides is the account's, which isn't here",
    ),
    ("AWS::IAM::Role", "Tags", FOR_PEOPLE),
    ("AWS::IAM::Policy", "PolicyName", FOR_PEOPLE),
    ("AWS::Lambda::EventSourceMapping", "Tags", FOR_PEOPLE),
    (
        "AWS::Lambda::Function",
        "Architectures",
        "the program is one for this machine",
    ),
    (
        "AWS::Lambda::Function",
        "Code",
        "the program is the one that the stack is started with",
    ),
    ("AWS::Lambda::Function", "Description", FOR_PEOPLE),
    (
        "AWS::Lambda::Function",
        "Handler",
        "a program of its own runtime has one",
    ),
    ("AWS::Lambda::Function", "KmsKeyArn", NO_DISK),
    ("AWS::Lambda::Function", "LoggingConfig", TERMINAL),
    (
        "AWS::Lambda::Function",
        "RuntimeManagementConfig",
        "the program runs on this machine's system",
    ),
    ("AWS::Lambda::Function", "Tags", FOR_PEOPLE),
    (
        "AWS::Lambda::LayerVersion",
        "CompatibleArchitectures",
        "the program is one for this machine",
    ),
    (
        "AWS::Lambda::LayerVersion",
        "CompatibleRuntimes",
        "a program of its own runtime reads any file",
    ),
    ("AWS::Lambda::LayerVersion", "Description", FOR_PEOPLE),
    ("AWS::Lambda::LayerVersion", "LayerName", FOR_PEOPLE),
    ("AWS::Lambda::LayerVersion", "LicenseInfo", FOR_PEOPLE),
    ("AWS::Lambda::Function", "TracingConfig", NO_TRACES),
    ("AWS::Lambda::Function", "VpcConfig", NO_VPC),
    ("AWS::SQS::Queue", "KmsDataKeyReusePeriodSeconds", NO_DISK),
    ("AWS::SQS::Queue", "KmsMasterKeyId", NO_DISK),
    (
        "AWS::SQS::Queue",
        "RedriveAllowPolicy",
        "the local queues take every caller of this machine",
    ),
    ("AWS::SQS::Queue", "SqsManagedSseEnabled", NO_DISK),
    ("AWS::SQS::Queue", "Tags", FOR_PEOPLE),
];

/// Services whose statements have no effect on a function's credentials here, each with its reason.
pub const ACTIONS: &[(&str, &str)] = &[
    ("cloudwatch", "there are no metrics here"),
    ("ec2", NO_VPC),
    ("kms", NO_DISK),
    ("logs", TERMINAL),
    ("xray", NO_TRACES),
];

/// Managed policies without effect here, by the end of their ARN.
pub const MANAGED_POLICIES: &[(&str, &str)] = &[
    ("service-role/AWSLambdaBasicExecutionRole", TERMINAL),
    ("service-role/AWSLambdaVPCAccessExecutionRole", NO_VPC),
    ("AWSXRayDaemonWriteAccess", NO_TRACES),
];

/// Returns why a resource type has no effect here; none if it has an effect, or is unknown.
pub(super) fn reason(kind: &str) -> Option<&'static str> {
    TYPES
        .iter()
        .find(|(absent, _)| *absent == kind)
        .map(|(_, reason)| *reason)
}

/// Returns why a property has no effect here.
pub(super) fn property(kind: &str, property: &str) -> Option<&'static str> {
    PROPERTIES
        .iter()
        .find(|(of, name, _)| *of == kind && *name == property)
        .map(|(_, _, reason)| *reason)
}

pub(super) fn is_read(kind: &str) -> bool {
    READ.contains(&kind)
}
