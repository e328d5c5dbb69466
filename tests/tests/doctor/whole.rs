//! Whole runs: all is well; what a run leaves; the command.

use std::time::Duration;

use local_stack::faults::FaultPlan;
use serde_json::Value;
use system_tests::stack::{TestOptions, function_host};
use system_tests::{TestStack, eventually};
use tokencast::doctor::examine::Settings;
use tokencast::doctor::probe::Verdict;
use tokencast::doctor::report::Report;
use tokencast::stack::{CONVERSATIONS_TABLE, TABLE};

use crate::control_plane::{Answers, ControlPlane};
use crate::scene::{Run, examined, limits, stack, within_minutes};

/// What the CDK app gives to deployments that say nothing about quotas.
const APP_QUOTAS: &str = r#"{"default": {"startsPerMinute": 20, "startsPerDay": 200, "tokensPerDay": 500000, "sessionsAtOnce": 4}}"#;

/// Everything that can be probed on a local stack with AWS's APIs beside it is ok.
pub(crate) fn all_is_well(report: &Report) {
    let not_ok = report
        .lines
        .iter()
        .filter(|line| !matches!(line.verdict, Verdict::Ok(_)) && !line.id.starts_with("unseen."));
    let not_ok: Vec<_> = not_ok.map(|line| (line.id, &line.verdict)).collect();
    assert!(not_ok.is_empty(), "{not_ok:#?}");
}

/// Has answers last as long as a model's do, so that none is over before it is stopped or taken up again.
pub(crate) fn lasting(options: &mut TestOptions) {
    options.script.time_between_tokens = Duration::from_millis(50);
}

pub(crate) async fn disruptive() -> Run {
    Run {
        settings: Settings {
            limits: limits(),
            disruptive: true,
            ..Settings::default()
        },
        control_plane: Some(ControlPlane::start(Answers::default()).await),
        ..Run::default()
    }
}

#[tokio::test]
async fn a_stack_that_keeps_its_promises_is_well_and_stays_as_it_was() {
    let stack = stack(|options| {
        options.stack.quotas = Some(APP_QUOTAS.to_owned());
        lasting(options);
    })
    .await;
    let before = state(&stack).await;
    let report = examined(&stack, FaultPlan::default(), disruptive().await).await;
    all_is_well(&report);

    let text = report.as_text(false);
    for secret in [
        "eyJ",
        "AKIA",
        "123456789012",
        "Nobody else's business",
        "Tokencast-alice",
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
        let json = report.as_json(false).to_string();
        assert!(!json.contains(secret), "{secret} in {json}");
    }

    // OpenAI's protocol knows no conversations, so that its session stays until it expires.
    let expected = State {
        texts: before.texts + 1,
        ..before
    };
    // A worker may still be deleting the second conversation's texts.
    eventually("the state of before", || async {
        (state(&stack).await == expected).then_some(())
    })
    .await;
    stack.shutdown().await;
}

/// What anybody may notice of a run: messages, what is listed, and what the tables have that isn't a mere id.
#[derive(Debug, PartialEq)]
struct State {
    jobs: u32,
    dead_letters: u32,
    texts: usize,
    listed: usize,
}

async fn state(stack: &TestStack) -> State {
    let mut texts = 0;
    for table in [TABLE, CONVERSATIONS_TABLE] {
        let scan = stack.dynamodb().scan().table_name(table).send().await;
        let scan = scan.expect("a scan");
        let values = scan.items().iter().flat_map(|item| {
            let text = |name: &str| item.get(name)?.as_s().ok();
            ["prompt", "text", "title"].map(text)
        });
        texts += values.flatten().filter(|text| !text.is_empty()).count();
    }
    let query = "query { conversations { items { conversationId } } }";
    let mut listed = 0;
    for user in ["alice", "bob"] {
        let list = stack.graphql(user, query, Value::Null).await;
        let items = list["data"]["conversations"]["items"].as_array();
        listed += items.map_or(0, Vec::len);
    }
    State {
        jobs: stack.messages_in(&stack.queue_url()).await,
        dead_letters: stack.messages_in(&stack.dead_letter_queue_url()).await,
        texts,
        listed,
    }
}

#[tokio::test]
async fn without_a_second_user_and_credentials_the_rest_is_probed() {
    let stack = stack(|_| {}).await;
    let run = Run {
        settings: Settings {
            limits: limits(),
            ..Settings::default()
        },
        alone: true,
        ..Run::default()
    };
    let report = examined(&stack, FaultPlan::default(), run).await;
    assert_eq!(report.failed(), Vec::<&str>::new());
    for (id, why) in [
        ("access.stranger-reads", "a second user is needed"),
        ("url.stranger-stops", "a second user is needed"),
        ("websocket.stranger-resumes", "a second user is needed"),
        ("deployed.alarms", "the local stack has no CloudWatch"),
        ("deployed.event-source", "the local stack has no Lambda"),
        ("disruptive.poison", "--disruptive"),
    ] {
        match report.verdict(id) {
            Some(Verdict::NotProbed(got)) => assert!(got.contains(why), "{id}: {got}"),
            other => panic!("{id}: {other:?}"),
        }
    }
    assert!(matches!(
        report.verdict("sessions.answers"),
        Some(Verdict::Ok(_))
    ));
    stack.shutdown().await;
}

#[tokio::test]
async fn the_command_prints_its_report_and_says_how_it_went() {
    let stack = stack(|_| {}).await;
    let port = stack.running.info.endpoints.address.port().to_string();
    // A whole run takes longer than a test waits for other commands: one connection has to stay idle for 31 s.
    let key = &stack.running.info.access_key;
    let mut doctor = tokio::process::Command::new(function_host());
    doctor
        .args(["doctor", "--local", &port, "--json"])
        .env("AWS_ACCESS_KEY_ID", &key.id)
        .env("AWS_SECRET_ACCESS_KEY", &key.secret)
        .kill_on_drop(true);
    let output = within_minutes(doctor.output()).await.expect("it runs");
    let out = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{out}{error}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(report["deployment"], "the local stack");
    assert_eq!(report["failed"], 0, "{report}");
    assert!(report["ok"].as_u64() > Some(30), "{report}");
    stack.shutdown().await;

    let stack = TestStack::start().await;
    for (arguments, code, part) in [
        (&["doctor"][..], 2, "--local"),
        (
            &["doctor", "--local", "--only", "errors,nothing"],
            2,
            "`nothing` is no probe",
        ),
        (&["doctor", "--local", "1"], 3, "no stack answers on port 1"),
        (
            &["doctor", "--amplify-outputs", "Cargo.toml", "--token", "x"],
            2,
            "not what Amplify writes",
        ),
        (
            &[
                "doctor",
                "--stack",
                "Nobody",
                "--outputs-file",
                "/none",
                "--token",
                "x",
            ],
            2,
            "cannot read the stacks' outputs",
        ),
        (&["doctor", "--stack", "Nobody"], 2, "a user is needed"),
    ] {
        let output = stack.command(arguments).await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(part), "{arguments:?}: {error}");
    }
    stack.shutdown().await;
}
