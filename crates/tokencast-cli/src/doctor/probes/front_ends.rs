//! What other front ends speak over the Function URL: OpenAI's chat completions and models, and AG-UI.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::doctor::context::Context;
use crate::doctor::evidence::of;
use crate::doctor::probe::{Experiment, Found, Probe, Wrong, ensure};
use crate::doctor::probes::ai_sdk::{data, forget, from_to};
use crate::doctor::probes::assistants::default_name;
use crate::doctor::probes::url::NO_URL;
use crate::doctor::wire::url::{Answered, Ask};

const COMPLETED: &str = "A check by tokencast doctor, as a program of OpenAI's. In one sentence: why is the night dark?";
const RUN: &str =
    "A check by tokencast doctor, as an agent of AG-UI. In one sentence: why do leaves fall?";

const SOURCE: &str = "design: speaking what front ends speak; FRONT_ENDS";
const LOG: &str = "Look into the function's log (`StreamUrlLogGroup`).";

/// How the stream of a completion ends.
const DONE: &str = "data: [DONE]";

pub const PROBES: &[Probe] = &[
    Probe {
        id: "protocols.openai-models",
        experiment: Experiment::OpenAi,
        promise: "OpenAI's packages list the assistants as models",
        source: SOURCE,
        expected: "`GET /v1/models` is answered with a `list`, which has the default assistant",
        remedy: LOG,
        judge: |evidence| {
            let models = of(&of(&evidence.open_ai)?.models)?;
            ensure(models.status == 200, || models.as_text())?;
            let body = models.json();
            let list = body["data"].as_array().map(Vec::as_slice);
            let list = list.unwrap_or_default();
            // Without the assistants' query, any model will do.
            let expected = default_name(&evidence.assistants);
            let is_there = expected.map_or(!list.is_empty(), |name| {
                list.iter().any(|model| model["id"] == name.as_str())
            });
            ensure(body["object"] == "list" && is_there, || {
                format!("{} models, of `object` {}", list.len(), body["object"])
            })?;
            Ok(format!("{} models", list.len()))
        },
    },
    Probe {
        id: "protocols.openai",
        experiment: Experiment::OpenAi,
        promise: "OpenAI's packages need nothing of ours over the Function URL",
        source: SOURCE,
        expected: "`POST /v1/chat/completions` is answered with chunks, one `finish_reason`, and one `[DONE]` last",
        remedy: LOG,
        judge: |evidence| {
            let completion = of(&of(&evidence.open_ai)?.completion)?;
            ensure(completion.status == 200, || completion.as_text())?;
            let chunks = data(completion);
            let of_choice = |pointer: &str| {
                let found = chunks.iter().filter_map(|chunk| chunk.pointer(pointer));
                found
                    .filter(|value| value.as_str().is_some_and(|text| !text.is_empty()))
                    .count()
            };
            let texts = of_choice("/choices/0/delta/content");
            let reasons = of_choice("/choices/0/finish_reason");
            let ends = completion.text.matches(DONE).count();
            let is_last = completion.text.trim_end().ends_with(DONE);
            ensure(
                texts > 0 && reasons == 1 && ends == 1 && is_last && completion.has_ended,
                || format!("{texts} texts, {reasons} `finish_reason`, {ends} `[DONE]`"),
            )?;
            Ok(format!("{} chunks", chunks.len()))
        },
    },
    Probe {
        id: "protocols.ag-ui",
        experiment: Experiment::AgUi,
        promise: "`HttpAgent` of AG-UI needs nothing of ours over the Function URL",
        source: SOURCE,
        expected: "`POST /ag-ui` is answered with `RUN_STARTED` first, text, and one `RUN_FINISHED` last",
        remedy: LOG,
        judge: |evidence| {
            let run = of(&of(&evidence.ag_ui)?.run)?;
            ensure(run.status == 200, || run.as_text())?;
            let events = data(run);
            let kinds: Vec<_> = events
                .iter()
                .filter_map(|event| event["type"].as_str())
                .collect();
            let count = |wanted: &[&str]| kinds.iter().filter(|kind| wanted.contains(kind)).count();
            let (first, last) = (kinds.first(), kinds.last());
            let is_whole = first == Some(&"RUN_STARTED")
                && last == Some(&"RUN_FINISHED")
                && count(&["RUN_FINISHED", "RUN_ERROR"]) == 1
                && count(&["TEXT_MESSAGE_CONTENT"]) > 0;
            if is_whole && run.has_ended {
                return Ok(format!("{} events", kinds.len()));
            }
            let got = from_to("events", &kinds);
            let error = events.iter().find(|event| event["type"] == "RUN_ERROR");
            Err(match error.map(|error| error["code"].as_str()) {
                Some(code) => {
                    let got = format!("{got}; error: {}", code.unwrap_or("no code"));
                    Wrong::after("protocols.ag-ui", &["sessions.answers"])(got)
                }
                None => Wrong::Failed(got),
            })
        },
    },
];

/// What OpenAI's packages get.
#[derive(Debug)]
pub struct OpenAi {
    models: Found<Answered>,
    completion: Found<Answered>,
}

/// What an agent of AG-UI gets.
#[derive(Debug)]
pub struct AgUi {
    run: Found<Answered>,
}

/// Lists the models, and has one answer by this one.
///
/// # Errors
///
/// The deployment has no Function URL.
pub async fn complete(cx: &Context, model: Option<String>) -> Found<OpenAi> {
    let models = send(
        cx,
        Method::GET,
        "v1/models",
        None,
        "protocols.openai-models",
    )
    .await?;
    let body = json!({
        "model": model.as_deref().unwrap_or("default"),
        "messages": [{ "role": "user", "content": COMPLETED }],
        "stream": true,
    });
    Ok(OpenAi {
        models,
        completion: send(
            cx,
            Method::POST,
            "v1/chat/completions",
            Some(body),
            "protocols.openai",
        )
        .await?,
    })
}

/// Runs an agent, and deletes its thread.
///
/// # Errors
///
/// The deployment has no Function URL.
pub async fn run(cx: &Context) -> Found<AgUi> {
    let body = json!({
        "threadId": Uuid::new_v4(),
        "runId": Uuid::new_v4(),
        "messages": [{ "id": Uuid::new_v4(), "role": "user", "content": RUN }],
        "tools": [],
        "context": [],
        "state": {},
        "forwardedProps": {},
    });
    let run = send(cx, Method::POST, "ag-ui", Some(body), "protocols.ag-ui").await?;
    let events = run.as_ref().map(data).unwrap_or_default();
    let is_answer = |event: &&Value| event["type"] == "TEXT_MESSAGE_START";
    let answer = events.iter().find(is_answer);
    let answer = answer.and_then(|event| event["messageId"].as_str());
    forget(cx, answer.and_then(|id| Uuid::parse_str(id).ok())).await;
    Ok(AgUi { run })
}

/// Sends a request. A deployment of a version without its path is no failure.
async fn send(
    cx: &Context,
    method: Method,
    path: &str,
    body: Option<Value>,
    probe: &'static str,
) -> Found<Found<Answered>> {
    let base = cx.deployment.function_url.as_deref();
    let base = base.ok_or_else(|| Wrong::NotProbed("the deployment has no Function URL".into()))?;
    let ask = Ask {
        method,
        path,
        token: Some(&cx.first.token),
        last_event_id: None,
        body,
    };
    Ok(match cx.wire.url(base, ask, cx.answered_by()).await {
        Ok(answered) if answered.status == 404 => Err(Wrong::NotProbed(format!(
            "the version that is deployed has no `/{path}`"
        ))),
        Ok(answered) => match answered.beyond_quota() {
            Some(wrong) => Err(wrong),
            None => Ok(answered),
        },
        Err(got) => Err(Wrong::after(probe, NO_URL)(got)),
    })
}
