//! What answers cost: in each place that tells it, by the prices of the assistants' file, and nowhere without a price.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use system_tests::stack::{function_host, script};
use system_tests::{Answer, Channel, TestStack, collect, over_each_channel, within};
use tempfile::NamedTempFile;
use tokencast_client::{AnswerEvent, Cost, Prompt, Usage};
use uuid::Uuid;

use super::{CLAUDE, written};

const NOVA: &str = "eu.amazon.nova-lite-v1:0";

/// `law` has instructions that fill the model's prompt cache. The model of `plain` has no price.
fn priced() -> NamedTempFile {
    let instructions = "Name the paragraph. ".repeat(1_200);
    written(&json!({
        "version": 1,
        "default": "general",
        "assistants": {
            "general": { "model": NOVA },
            "law": { "model": CLAUDE, "systemPrompt": instructions },
            "plain": { "model": "amazon.nova-micro-v1:0" },
        },
        "prices": {
            NOVA: { "inputPerMillion": 0.06, "outputPerMillion": 0.24 },
            CLAUDE: {
                "inputPerMillion": 3, "outputPerMillion": 15,
                "cacheReadPerMillion": 0.3, "cacheWritePerMillion": 3.75
            },
        },
    }))
}

/// What tokens cost by these prices, in micro-dollars; `None` where there is no price.
fn cost(assistant: &str, usage: &Usage) -> Option<u64> {
    // In dollars for a hundred million tokens.
    let [input, output, read, write] = match assistant {
        "general" => [6, 24, 6, 6],
        "law" => [300, 1500, 30, 375],
        _ => return None,
    };
    let sum = input * usage.input_tokens
        + output * usage.output_tokens
        + read * usage.cache_read_input_tokens.unwrap_or(0)
        + write * usage.cache_write_input_tokens.unwrap_or(0);
    Some(sum.div_ceil(100))
}

/// What the end of an answer says of its usage.
fn usage(answer: &Answer) -> Usage {
    let AnswerEvent::Completed { usage, .. } = &answer.ending else {
        panic!("{:?}", answer.ending)
    };
    usage.expect("the model has counted")
}

/// A stack with quotas that limit nothing.
async fn stack(channel: Channel, file: &Path) -> TestStack {
    let stack = TestStack::start_over(channel, |options| {
        options.script = script(20, Duration::ZERO);
        options.stack.assistants = Some(file.to_owned());
        options.stack.quotas = Some("{}".to_owned());
    })
    .await;
    stack.running.warm().await;
    stack
}

over_each_channel! {
    async fn an_answer_its_conversation_and_its_owner_have_the_cost(channel) {
        let file = priced();
        let stack = stack(channel, file.path()).await;
        let client = stack.client("alice");
        let graphql = stack.client_over(Channel::AppSync, "alice");
        let conversation = Uuid::new_v4();
        let mut sum = 0;
        for assistant in ["general", "law", "law", "plain"] {
            let id = Uuid::new_v4();
            let prompt = Prompt::new("Why?").to_assistant(assistant).in_conversation(conversation);
            let answer = collect(client.stream_as(id, prompt)).await.expect("an answer");
            let used = usage(&answer);
            let expected = cost(assistant, &used);
            assert_eq!(used.cost.map(Cost::micro_dollars), expected, "{used:?}");
            sum += expected.unwrap_or(0);
            let session = graphql.get(id).await.expect("read").expect("there");
            assert_eq!(session.usage, Some(used));
        }
        // The cache was written, and read: its prices count.
        let found = graphql.conversations().get_all(conversation).await.expect("read");
        let found = found.expect("there");
        let whole = found.usage.expect("of all turns");
        assert!(whole.cache_read_input_tokens > Some(1024), "{whole:?}");
        assert!(whole.cache_write_input_tokens > Some(1024), "{whole:?}");
        assert_eq!(whole.cost.map(Cost::micro_dollars), Some(sum));
        // One of the turns alone has no price.
        let costs = found.turns.iter().map(|turn| turn.stream.as_ref()?.usage?.cost);
        let costs: Vec<_> = costs.map(|it| it.is_some()).collect();
        assert_eq!(costs, [true, true, true, false]);
        let day = graphql.usage().await.expect("told");
        assert_eq!(day.cost.map(Cost::micro_dollars), Some(sum));
        stack.shutdown().await;
    }
}

#[tokio::test]
async fn without_a_price_nothing_has_a_cost() {
    let file = written(&json!({
        "version": 1, "default": "plain",
        "assistants": { "plain": { "model": NOVA } },
    }));
    let stack = stack(Channel::AppSync, file.path()).await;
    let client = stack.client("alice");
    let conversation = Uuid::new_v4();
    let answer = collect(client.stream(Prompt::new("Why?").in_conversation(conversation))).await;
    assert_eq!(usage(&answer.expect("an answer")).cost, None);
    let found = client.conversations().get_all(conversation).await;
    let found = found.expect("read").expect("there");
    assert_eq!(found.usage.expect("of its turn").cost, None);
    assert_eq!(client.usage().await.expect("told").cost, None);
    stack.shutdown().await;
}

/// Asks with the command, which starts a stack of its own. Returns the summary, and the lines of the functions' metrics.
async fn ask(file: &Path, assistant: &str) -> (String, Vec<Value>) {
    let mut command = tokio::process::Command::new(function_host());
    command.args(["-v", "ask", "--assistant", assistant, "--assistants"]);
    command.arg(file).arg("Why?").env_remove("RUST_LOG");
    let output = within("an answer", command.kill_on_drop(true).output()).await;
    let output = output.expect("it runs");
    let log = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{log}");
    let summary = log.lines().find(|line| line.starts_with("session "));
    let metrics = log.lines().filter_map(|line| {
        // What the stack adds comes behind the function's own line.
        let line = serde_json::Deserializer::from_str(&line[line.find('{')?..]);
        let line: Value = line.into_iter().next()?.ok()?;
        line.get("_aws").is_some().then_some(line)
    });
    (summary.expect("a summary").to_owned(), metrics.collect())
}

#[tokio::test]
async fn the_commands_summary_and_the_metrics_by_assistant_have_it() {
    let file = priced();
    for (assistant, is_priced) in [("general", true), ("law", true), ("plain", false)] {
        let (summary, metrics) = ask(file.path(), assistant).await;
        let shown = summary.split(", ").find_map(|part| part.strip_prefix('$'));
        assert_eq!(shown.is_some(), is_priced, "{summary}");
        let used: Vec<_> = metrics
            .iter()
            .filter(|line| line["InputTokens"].is_u64())
            .collect();
        let [used] = &used[..] else {
            panic!("{metrics:?}")
        };
        assert_eq!(used["Assistant"], assistant);
        let dimensions = &used["_aws"]["CloudWatchMetrics"][0]["Dimensions"];
        assert_eq!(*dimensions, json!([["Service"], ["Assistant"]]));
        let counted = used["CostDollars"].as_f64();
        let shown = shown.map(|dollars| dollars.parse().expect("a number"));
        assert_eq!(counted, shown, "{used}");
    }
}
