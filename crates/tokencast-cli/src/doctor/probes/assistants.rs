//! The assistants: which there are, and who answers.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::doctor::context::{Context, START};
use crate::doctor::evidence::of;
use crate::doctor::probe::{Experiment, Found, Probe, Wrong, ensure};
use crate::doctor::probes::conversations::conversed;
use crate::doctor::wire::graphql::Reply;
use crate::doctor::wire::url::{Answered, Ask};

const SOURCE: &str = "design: assistants; ASSISTANTS: who answers";

pub const PROBES: &[Probe] = &[
    Probe {
        id: "assistants.listed",
        experiment: Experiment::Assistants,
        promise: "a client learns which assistants there are",
        source: SOURCE,
        expected: "`assistants` answers with names, in their order, and with one default",
        remedy: "The functions must have the layer with the assistants' file, and `ASSISTANTS_FILE` must name it: compare them with cdk/.",
        judge: |evidence| {
            let assistants = named(&of(&evidence.assistants)?.listed).map_err(Wrong::Failed)?;
            let names: Vec<_> = assistants.iter().map(|it| it["name"].as_str()).collect();
            ensure(!names.is_empty() && names.is_sorted(), || {
                let names = names.iter().map(|name| name.unwrap_or("null"));
                format!("the names {}", names.collect::<Vec<_>>().join(", "))
            })?;
            let defaults = assistants.iter().filter(|it| it["isDefault"] == true);
            let defaults = defaults.count();
            ensure(defaults == 1, || format!("{defaults} defaults"))?;
            Ok(format!("{} assistants", names.len()))
        },
    },
    Probe {
        id: "assistants.unknown",
        experiment: Experiment::Assistants,
        promise: "a client can name no assistant that there is not",
        source: SOURCE,
        expected: "a start with an unknown `assistant` is refused with `INVALID_ARGUMENT`, and no model is asked",
        remedy: "The function that is deployed isn't this version's, or the resolver of `startStream` drops the argument `assistant`.",
        judge: |evidence| {
            let reply = &of(&evidence.assistants)?.unknown;
            reply.refused_as("INVALID_ARGUMENT")
        },
    },
    Probe {
        id: "assistants.url",
        experiment: Experiment::Assistants,
        promise: "the Function URL tells the same assistants",
        source: "PROTOCOL: over a Function URL",
        expected: "`GET /assistants` has the names of the query `assistants`",
        remedy: "Its function must have the same layer and the same `ASSISTANTS_FILE` as the request function.",
        judge: |evidence| {
            let found = of(&evidence.assistants)?;
            let answered = of(&found.over_url)?;
            let listed = named(&found.listed).map_err(Wrong::at("assistants.listed"))?;
            ensure(answered.status == 200, || answered.as_text())?;
            let body = answered.json();
            let told = body["assistants"].as_array().map(Vec::as_slice);
            let names = |list: &[Value]| -> Vec<Value> {
                list.iter()
                    .map(|assistant| assistant["name"].clone())
                    .collect()
            };
            let (told, listed) = (names(told.unwrap_or_default()), names(listed));
            ensure(told == listed, || {
                format!("{} there, {} over AppSync", told.len(), listed.len())
            })?;
            Ok("the same".into())
        },
    },
    Probe {
        id: "assistants.answers",
        experiment: Experiment::Conversed,
        promise: "a start names its assistant, and its conversation remembers it",
        source: SOURCE,
        expected: "`assistant` of a start that names the default, and of the next turn, which names none",
        remedy: "The function that is deployed isn't this version's, or the resolver of `startStream` drops the argument `assistant`.",
        judge: |evidence| {
            let conversed = conversed(evidence)?;
            let name = conversed.assistant.as_deref();
            let name = name.ok_or("no name was to be had".to_owned());
            let name = name.map_err(Wrong::at("assistants.listed"))?;
            for (turn, which) in [(&conversed.first, "first"), (&conversed.second, "second")] {
                let got = &turn.start.field("startStream")["assistant"];
                ensure(got == name, || format!("{got} for the {which} turn"))?;
            }
            Ok(format!("`{name}`, twice"))
        },
    },
];

/// What the API says of its assistants.
#[derive(Debug)]
pub struct Assistants {
    listed: Reply,
    unknown: Reply,
    over_url: Found<Answered>,
}

/// Asks for the assistants, and names one that there is not.
///
/// # Errors
///
/// There is no response.
pub async fn look(cx: &Context) -> Found<Assistants> {
    let list = "query DoctorAssistants { assistants { name title description isDefault reasons maxTokens } }";
    let start = START.replace("DoctorStart", "DoctorUnknownAssistant");
    // Should it be started, it is deleted with the run's conversation.
    let variables = json!({
        "prompt": "Nobody answers this.",
        "sessionId": Uuid::new_v4(),
        "conversationId": cx.conversation,
        "parentId": cx.conversation,
        "assistant": "doctor-has-no-such-assistant",
    });
    Ok(Assistants {
        listed: cx
            .first(list, json!({}))
            .await
            .map_err(Wrong::at("assistants.listed"))?,
        unknown: cx
            .first(&start, variables)
            .await
            .map_err(Wrong::at("assistants.unknown"))?,
        over_url: over_url(cx).await,
    })
}

async fn over_url(cx: &Context) -> Found<Answered> {
    let base = cx.deployment.function_url.as_deref();
    let base = base.ok_or_else(|| Wrong::NotProbed("the deployment has no Function URL".into()))?;
    let ask = Ask {
        method: Method::GET,
        path: "assistants",
        token: Some(&cx.first.token),
        last_event_id: None,
        body: None,
    };
    let answered = cx.wire.url(base, ask, cx.answered_by()).await;
    answered.map_err(Wrong::Failed)
}

/// The name of the default assistant, if it is known.
pub fn default_name(found: &Found<Assistants>) -> Option<String> {
    let assistants = named(&found.as_ref().ok()?.listed).ok()?;
    let default = assistants.iter().find(|it| it["isDefault"] == true)?;
    Some(default["name"].as_str()?.to_owned())
}

fn named(reply: &Reply) -> Result<&[Value], String> {
    let assistants = reply.ok("assistants")?.as_array().map(Vec::as_slice);
    assistants.ok_or_else(|| reply.as_text())
}
