//! Runs the experiments, cleans up behind them, and judges.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::aws::Aws;
use super::context::{Context, Limits};
use super::deployment::{Deployment, Login};
use super::evidence::Evidence;
use super::probe::{Experiment, Found, Wrong};
use super::probes::access::{SignedIn, intrude, sign_user_in};
use super::probes::conversations::converse;
use super::probes::deletion::delete;
use super::probes::sessions::{QUESTION, ask, ask_again};
use super::probes::stopping::{reload, stop};
use super::probes::{
    ai_sdk, assistants, beyond_quota, channel_stops, delivery, deployed, disruptive, errors,
    front_ends, measurements, quotas, url, websocket,
};
use super::report::Report;
use super::selection::Selection;
use super::wire::Wire;

/// The most questions at once, where no quota allows fewer.
const QUESTIONS_AT_ONCE: u64 = 5;

/// What a run may do, and for how long.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub limits: Limits,
    pub disruptive: bool,
    pub selection: Selection,
}

/// Probes a deployment. `interrupted` ends the experiments early; what they began is deleted in any case.
pub async fn examine(
    deployment: Deployment,
    wire: Wire,
    (first, second): (&Login, Option<&Login>),
    aws: Found<Aws>,
    settings: Settings,
    interrupted: impl Future<Output = ()>,
) -> Report {
    let Settings {
        limits,
        disruptive,
        selection,
    } = settings;
    let started_at = Instant::now();
    let pool = deployment.pool.as_ref();
    let first = sign_user_in(&wire, pool, first).await;
    let second = match second {
        Some(login) => Some(sign_user_in(&wire, pool, login).await),
        None => None,
    };
    let signed_in = SignedIn {
        first: first.as_ref().map(drop).map_err(Clone::clone),
        second: second
            .as_ref()
            .map(|user| user.as_ref().map(drop).map_err(Clone::clone)),
    };
    let no_time = Wrong::NotProbed("the time was over before".into());
    let Ok(first) = first else {
        let why = Wrong::NotProbed("nobody has signed in: see access.sign-in".into());
        let evidence = Evidence::none(limits, signed_in, &why);
        return Report::new(&deployment, &evidence, &selection, started_at.elapsed());
    };
    let second = match second {
        Some(user) => user.map_err(|_| {
            Wrong::NotProbed("the second user has not signed in: see access.sign-in".into())
        }),
        None => Err(Wrong::NotProbed(
            "a second user is needed: --second-username, --second-password".into(),
        )),
    };
    let mut evidence = Evidence::none(limits.clone(), signed_in, &no_time);
    let cx = Context {
        deployment,
        wire,
        limits,
        first,
        second,
        aws,
        disruptive,
        selection,
        conversation: Uuid::new_v4(),
        started_at,
    };
    let conversation = Uuid::new_v4();
    {
        let experiments = experiments(&cx, conversation, &mut evidence);
        tokio::select! {
            () = experiments => {}
            () = interrupted => tracing::warn!("interrupted: what the run began is deleted"),
        }
    }
    clean_up(&cx, conversation, &mut evidence).await;
    Report::new(
        &cx.deployment,
        &evidence,
        &cx.selection,
        started_at.elapsed(),
    )
}

/// Runs the experiments that are needed: first those whose order, pace or cost matters, alone, then the others side by
/// side.
async fn experiments(cx: &Context, conversation: Uuid, evidence: &mut Evidence) {
    let refusals = errors::provoke(cx).boxed();
    evidence.refusals = tried(cx, Experiment::Refusals, refusals).await;
    let told = assistants::look(cx).boxed();
    evidence.assistants = tried(cx, Experiment::Assistants, told).await;
    let used = quotas::used(cx).await;
    evidence.asked = tried(cx, Experiment::Asked, ask(cx).boxed()).await;
    let session = evidence.asked.as_ref().map(|asked| asked.session);
    let session = session.map_err(needs_an_answer);
    let again = async { ask_again(cx, session.clone()?).await };
    evidence.again = tried(cx, Experiment::Again, again.boxed()).await;
    let counted = quotas::count(cx, used.clone()).boxed();
    evidence.counted = tried(cx, Experiment::Counted, counted).await;
    side_by_side(cx, conversation, quotas::sessions_left(&used), evidence).await;
    evidence.crowd = tried(cx, Experiment::Crowd, delivery::gather(cx).boxed()).await;
    // Where a stranger may delete the conversation, nothing else is asked in it any more.
    let strangers = async { intrude(cx, session.clone()?, QUESTION).await };
    evidence.strangers = tried(cx, Experiment::Strangers, strangers.boxed()).await;
    evidence.deployed = tried(cx, Experiment::Deployed, deployed::look(cx).boxed()).await;
    let poisoned = disruptive::poison(cx).boxed();
    evidence.poisoned = tried(cx, Experiment::Poisoned, poisoned).await;
    // Nobody can start anything while the quota is used up.
    let beyond = beyond_quota::exceed(cx).boxed();
    evidence.beyond_quota = tried(cx, Experiment::BeyondQuota, beyond).await;
}

/// Runs the experiments that don't disturb each other, as many at once as the quota allows questions.
async fn side_by_side(
    cx: &Context,
    conversation: Uuid,
    sessions_left: Option<u64>,
    evidence: &mut Evidence,
) {
    // One session is left to the user.
    let at_once = sessions_left.map_or(QUESTIONS_AT_ONCE, |left| left.saturating_sub(1));
    let at_once = usize::try_from(at_once.clamp(1, QUESTIONS_AT_ONCE)).unwrap_or(1);
    let questions = Semaphore::new(at_once);
    let questions = &questions;
    let assistant = assistants::default_name(&evidence.assistants);
    // Their requests come one after the other, so that what goes wrong is known by its number.
    let over_url = async {
        let url = asking(cx, questions, Experiment::Url, url::probe(cx).boxed()).await;
        let stopped = channel_stops::over_url(cx).boxed();
        let stopped = asking(cx, questions, Experiment::UrlStopped, stopped).await;
        let ai_sdk = asking(cx, questions, Experiment::AiSdk, ai_sdk::speak(cx).boxed()).await;
        let completed = front_ends::complete(cx, assistant.clone()).boxed();
        let open_ai = asking(cx, questions, Experiment::OpenAi, completed).await;
        let run = front_ends::run(cx).boxed();
        (
            url,
            stopped,
            ai_sdk,
            open_ai,
            asking(cx, questions, Experiment::AgUi, run).await,
        )
    };
    let conversed = converse(cx, conversation, assistant.clone()).boxed();
    let over_websocket = async {
        let websocket = websocket::probe(cx).boxed();
        let websocket = asking(cx, questions, Experiment::WebSocket, websocket).await;
        let stopped = channel_stops::over_websocket(cx).boxed();
        let stopped = asking(cx, questions, Experiment::WebSocketStopped, stopped).await;
        (websocket, stopped)
    };
    let (stopped, reloaded, conversed, over_url, over_websocket, idle) = tokio::join!(
        asking(cx, questions, Experiment::Stopped, stop(cx).boxed()),
        asking(cx, questions, Experiment::Reloaded, reload(cx).boxed()),
        asking(cx, questions, Experiment::Conversed, conversed),
        over_url,
        over_websocket,
        tried(cx, Experiment::Idle, measurements::idle(cx).boxed()),
    );
    evidence.stopped = stopped;
    evidence.reloaded = reloaded;
    evidence.conversed = conversed;
    let (url, url_stopped, ai_sdk, open_ai, ag_ui) = over_url;
    evidence.url = url;
    evidence.url_stopped = url_stopped;
    evidence.ai_sdk = ai_sdk;
    evidence.open_ai = open_ai;
    evidence.ag_ui = ag_ui;
    let (websocket, websocket_stopped) = over_websocket;
    evidence.websocket = websocket;
    evidence.websocket_stopped = websocket_stopped;
    evidence.idle = idle;
}

/// Why what comes after the question can't be tried.
fn needs_an_answer(wrong: &Wrong) -> Wrong {
    match wrong {
        Wrong::NotProbed(why) => Wrong::NotProbed(why.clone()),
        Wrong::At { probe, .. } => {
            Wrong::NotProbed(format!("it needs an answer, and `{probe}` failed"))
        }
        Wrong::Failed(_) => Wrong::NotProbed("it needs an answer".into()),
    }
}

/// Deletes the run's two conversations, and with them every session of the run.
async fn clean_up(cx: &Context, conversation: Uuid, evidence: &mut Evidence) {
    if cx.selection.needs(Experiment::Deleted) {
        evidence.deleted = match &evidence.asked {
            Ok(asked) => {
                let deleted = delete(cx, cx.conversation, asked.session);
                let deleted = timeout_at(cx.closed_by(), deleted).await;
                deleted.unwrap_or_else(|_| {
                    Err(Wrong::NotProbed("the time was over before its end".into()))
                })
            }
            Err(wrong) => Err(needs_an_answer(wrong)),
        };
    }
    let document =
        "mutation DoctorTidies($id: String!) { deleteConversation(id: $id) { conversationId } }";
    for conversation in [cx.conversation, conversation] {
        let tidied = cx.first(document, json!({ "id": conversation }));
        if let Ok(Err(got)) = timeout_at(cx.closed_by() + cx.limits.told, tidied).await {
            tracing::warn!(%got, %conversation, "a conversation of the run is not deleted");
        }
    }
}

/// An experiment that is needed, once it may ask.
async fn asking<T>(
    cx: &Context,
    questions: &Semaphore,
    experiment: Experiment,
    future: BoxFuture<'_, Found<T>>,
) -> Found<T> {
    let once_it_may = async {
        let _permit = questions.acquire().await;
        future.await
    };
    tried(cx, experiment, once_it_may.boxed()).await
}

/// An experiment that is needed.
async fn tried<T>(
    cx: &Context,
    experiment: Experiment,
    future: BoxFuture<'_, Found<T>>,
) -> Found<T> {
    if cx.selection.needs(experiment) {
        in_time(cx, future).await
    } else {
        Err(Wrong::NotProbed("--only leaves it out".into()))
    }
}

/// An experiment, for as long as there is time.
async fn in_time<T>(cx: &Context, experiment: BoxFuture<'_, Found<T>>) -> Found<T> {
    let found = timeout_at(cx.over_by(), experiment).await;
    found.unwrap_or_else(|_| Err(Wrong::NotProbed("the time was over before its end".into())))
}
