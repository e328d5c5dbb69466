//! What `tokencast doctor` says of the deployment on the emulator, as far as the emulator goes.

use serde_json::json;
use tokencast::doctor::aws::Aws;
use tokencast::doctor::deployment::Deployment;
use tokencast::doctor::examine::{Settings, examine as run};
use tokencast::doctor::logins::Login;
use tokencast::doctor::probe::Verdict;
use tokencast_aws::sdk::load_for_endpoint_as;
use tokencast_client::cognito::UserPool;

use crate::deployment::Deployment as Deployed;
use crate::emulator::{Emulator, REGION};
use crate::{PASSWORD, USER};

const SECOND_USER: &str = "meander@example.com";

/// What has to hold on the emulator.
const OK: &[&str] = &[
    "access.sign-in",
    "access.stranger-reads",
    "access.stranger-stops",
    "access.stranger-starts",
    "access.stranger-reads-conversation",
    "access.stranger-deletes-conversation",
    "sessions.starts",
    "sessions.answers",
    "sessions.usage",
    "sessions.one-answer",
    "sessions.other-prompt",
    "conversations.chain",
    "conversations.history",
    "conversations.branches",
    "conversations.listed",
    "conversations.rename",
    "conversations.export",
    "conversations.deleted",
    "conversations.stays-deleted",
    "conversations.purged",
    "assistants.listed",
    "assistants.unknown",
    "assistants.answers",
    "quotas.usage",
    "quotas.counts-once",
    "quotas.settles",
    "errors.refusal",
    "errors.unknown-session",
    "errors.malformed",
    "errors.half-a-character",
    "errors.largest-operation",
    "deployed.redrive",
    "deployed.dead-letters",
    "deployed.event-source",
    "deployed.concurrency",
    "deployed.alarms",
    "disruptive.poison",
];

/// What the emulator does otherwise than AWS, each with its reason.
const OTHERWISE: &[(&str, &str)] = &[
    (
        "access.users-cannot-publish",
        "its AppSync reads no directives of fields",
    ),
    (
        "access.users-cannot-publish-conversations",
        "its AppSync reads no directives of fields",
    ),
    (
        "errors.no-token",
        "its AppSync resolves requests whose token is none, without an identity",
    ),
    ("delivery.subscribes", "it has no WebSockets of AppSync"),
    (
        "deployed.expiry",
        "its CloudFormation leaves `TimeToLiveSpecification` out",
    ),
    ("deployed.metrics", "it makes no metrics from log lines"),
];

/// Runs doctor as an operator of the emulator's root user would.
pub(crate) async fn examine(emulator: &Emulator, deployed: &Deployed) {
    create_second_user(emulator, deployed).await;
    // The policies demand TLS, and there is none here. That of the queue of jobs is lifted already.
    let lifted =
        json!({ "QueueUrl": deployed.dead_letter_queue_url, "Attributes": { "Policy": "" } });
    let target = "AmazonSQS.SetQueueAttributes";
    emulator.call("sqs", target, lifted).await;
    let pool = UserPool {
        endpoint: format!("{}/", emulator.url),
        client_id: deployed.user_pool_client_id.clone(),
        pool_id: Some(deployed.user_pool_id.clone()),
    };
    let resources = [
        ("QueueUrl", &deployed.queue_url),
        ("DeadLetterQueueUrl", &deployed.dead_letter_queue_url),
        ("SessionsTableName", &deployed.table),
        ("ConversationsTableName", &deployed.conversations_table),
    ];
    let deployment = Deployment {
        kind: "an emulator",
        stack: Some("Tokencast-Streaming".to_owned()),
        region: REGION.to_owned(),
        graphql_url: deployed.graphql_url.clone(),
        pool: Some(pool),
        resources: resources
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .into(),
        ..Deployment::default()
    };
    let wire = deployment.wire().expect("TLS");
    let root = ("test".to_owned(), "test".to_owned());
    let sdk = load_for_endpoint_as(&emulator.url, REGION, Some(root)).await;
    let lookup = |name: &str| (name == "AWS_ENDPOINT_URL").then(|| emulator.url.clone());
    let aws = Aws::new(wire.http.clone(), &sdk, REGION, None, &lookup).await;
    let login = |username: &str| Login::Password {
        username: username.to_owned(),
        password: PASSWORD.to_owned(),
    };
    let (first, second) = (login(USER), login(SECOND_USER));
    let settings = Settings {
        disruptive: true,
        ..Settings::default()
    };
    let users = (&first, Some(&second));
    let report = run(
        deployment,
        wire,
        users,
        aws,
        settings,
        std::future::pending(),
    );
    let report = Box::pin(report).await.expect("two users");
    println!("{}", report.as_text(false));

    let missing: Vec<_> = OK
        .iter()
        .filter(|id| !matches!(report.verdict(id), Some(Verdict::Ok(_))))
        .map(|id| (id, report.verdict(id)))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
    // Whatever a later version does as AWS does is to be moved to what has to hold.
    let mut expected: Vec<&str> = OTHERWISE.iter().map(|(id, _)| *id).collect();
    let mut failed = report.failed();
    expected.sort_unstable();
    failed.sort_unstable();
    assert_eq!(failed, expected);
}

/// The documents name how many probes have to be ok.
#[test]
fn the_documents_have_its_count() {
    let count = OK.len();
    for (page, part) in [
        (
            include_str!("../../../docs/DOCTOR.md"),
            format!("{count} probes have to be ok"),
        ),
        (
            include_str!("../../../docs/LOCAL.md"),
            format!("{count} promises kept there"),
        ),
    ] {
        assert!(page.contains(&part), "{part}");
    }
}

async fn create_second_user(emulator: &Emulator, deployed: &Deployed) {
    let call = async |operation: &str, more: serde_json::Value| {
        let mut input = json!({ "UserPoolId": deployed.user_pool_id, "Username": SECOND_USER });
        for (name, value) in more.as_object().expect("an object") {
            input[name] = value.clone();
        }
        let target = format!("AWSCognitoIdentityProviderService.{operation}");
        emulator.call("cognito-idp", &target, input).await;
    };
    call("AdminCreateUser", json!({ "MessageAction": "SUPPRESS" })).await;
    call(
        "AdminSetUserPassword",
        json!({ "Password": PASSWORD, "Permanent": true }),
    )
    .await;
}
