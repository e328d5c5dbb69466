//! Runs the experiments, cleans up behind them, and judges.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::aws::Aws;
use super::context::{Context, Limits, User};
use super::deployment::Deployment;
use super::evidence::{Evidence, of};
use super::logins::Login;
use super::probe::{Experiment, Found, Wrong};
use super::probes::access::{SignedIn, intrude, sign_user_in};
use super::probes::conversations::converse;
use super::probes::deletion::{Deleted, delete};
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

/// The user who has to be a stranger is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the second user is the first one: expected two users, whose tokens have different `sub`s; without --second-username and --second-token, the probes that need two are left out"
)]
pub struct SameUser;

/// Probes a deployment. `interrupted` ends the experiments early; what they began is deleted in any case.
///
/// # Errors
///
/// The second user is the first one, so that nothing was tried.
pub async fn examine(
    deployment: Deployment,
    wire: Wire,
    logins: (&Login, Option<&Login>),
    aws: Found<Aws>,
    settings: Settings,
    interrupted: impl Future<Output = ()>,
) -> Result<Report, SameUser> {
    let Settings {
        limits,
        disruptive,
        selection,
    } = settings;
    let started_at = Instant::now();
    let early = Wrong::NotProbed("interrupted".into());
    let mut interrupted = std::pin::pin!(interrupted);
    let (first, second) = tokio::select! {
        users = sign_in(&wire, &deployment, logins) => users,
        () = &mut interrupted => (Err(early.clone()), None),
    };
    let signed_in = SignedIn {
        first: first.as_ref().map(drop).map_err(Clone::clone),
        second: second
            .as_ref()
            .map(|user| user.as_ref().map(drop).map_err(Clone::clone)),
    };
    let first = match first {
        Ok(first) => first,
        Err(why) => {
            let evidence = Evidence::none(limits, signed_in, &why);
            let took = started_at.elapsed();
            return Ok(Report::new(&deployment, &evidence, &selection, took));
        }
    };
    let second = second.unwrap_or_else(|| {
        Err(Wrong::NotProbed(
            "a second user is needed: --second-username, --second-password".into(),
        ))
    });
    if second.as_ref().is_ok_and(|second| second.sub == first.sub) {
        return Err(SameUser);
    }
    let mut evidence = Evidence::none(limits.clone(), signed_in, &early);
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
    let is_whole = tokio::select! {
        () = experiments(&cx, conversation, &mut evidence) => true,
        () = interrupted => false,
    };
    if is_whole && cx.selection.needs(Experiment::Deleted) {
        evidence.deleted = delete_and_look(&cx, &evidence).await;
    }
    if !is_whole {
        tracing::warn!("interrupted: what the run began is deleted");
    }
    clean_up(&cx, conversation).await;
    Ok(Report::new(
        &cx.deployment,
        &evidence,
        &cx.selection,
        started_at.elapsed(),
    ))
}

async fn sign_in(
    wire: &Wire,
    deployment: &Deployment,
    (first, second): (&Login, Option<&Login>),
) -> (Found<User>, Option<Found<User>>) {
    let first = sign_user_in(wire, deployment, first).await;
    let second = match second {
        Some(login) => Some(sign_user_in(wire, deployment, login).await),
        None => None,
    };
    (first, second)
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
    let session = session.map_err(Clone::clone);
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
    let Evidence {
        stopped,
        reloaded,
        conversed,
        url,
        url_stopped,
        ai_sdk,
        open_ai,
        ag_ui,
        websocket,
        websocket_stopped,
        idle,
        ..
    } = evidence;
    // Their requests come one after the other, so that what goes wrong is known by its number.
    let over_url = async {
        *url = asking(cx, questions, Experiment::Url, url::probe(cx).boxed()).await;
        let stop = channel_stops::over_url(cx).boxed();
        *url_stopped = asking(cx, questions, Experiment::UrlStopped, stop).await;
        *ai_sdk = asking(cx, questions, Experiment::AiSdk, ai_sdk::speak(cx).boxed()).await;
        let complete = front_ends::complete(cx, assistant.clone()).boxed();
        *open_ai = asking(cx, questions, Experiment::OpenAi, complete).await;
        let run = front_ends::run(cx).boxed();
        *ag_ui = asking(cx, questions, Experiment::AgUi, run).await;
    };
    let over_websocket = async {
        let probe = websocket::probe(cx).boxed();
        *websocket = asking(cx, questions, Experiment::WebSocket, probe).await;
        let stop = channel_stops::over_websocket(cx).boxed();
        *websocket_stopped = asking(cx, questions, Experiment::WebSocketStopped, stop).await;
    };
    let over_appsync = async {
        let converse = converse(cx, conversation, assistant.clone()).boxed();
        (*stopped, *reloaded, *conversed) = tokio::join!(
            asking(cx, questions, Experiment::Stopped, stop(cx).boxed()),
            asking(cx, questions, Experiment::Reloaded, reload(cx).boxed()),
            asking(cx, questions, Experiment::Conversed, converse),
        );
    };
    let waiting = async {
        *idle = tried(cx, Experiment::Idle, measurements::idle(cx).boxed()).await;
    };
    tokio::join!(over_appsync, over_url, over_websocket, waiting);
}

/// Deletes the conversation of the run's question, and looks for what is left of it.
async fn delete_and_look(cx: &Context, evidence: &Evidence) -> Found<Deleted> {
    let session = of(&evidence.asked)?.session;
    let deleted = delete(cx, cx.conversation, session);
    let deleted = timeout_at(cx.closed_by(), deleted).await;
    deleted.unwrap_or_else(|_| Err(Wrong::NotProbed("the time was over before its end".into())))
}

/// Deletes the run's two conversations, and with them every session of the run.
async fn clean_up(cx: &Context, conversation: Uuid) {
    let document =
        "mutation DoctorTidies($id: String!) { deleteConversation(id: $id) { conversationId } }";
    let until = cx.closed_by().min(Instant::now()) + cx.limits.told;
    let tidy = async |conversation: Uuid| {
        let tidied = cx.first(document, json!({ "id": conversation }));
        let got = match timeout_at(until, tidied).await {
            Ok(Ok(reply)) => match reply.error() {
                // It is deleted already, or nothing was asked in it.
                None | Some(("CONVERSATION_NOT_FOUND", _)) => return,
                Some(_) => reply.as_text(),
            },
            Ok(Err(got)) => got,
            Err(_) => "no response in time".to_owned(),
        };
        tracing::warn!(%got, %conversation, "a conversation of the run is not deleted");
    };
    // A run that starts nothing leaves nothing.
    if cx.selection.may_start() {
        tokio::join!(tidy(cx.conversation), tidy(conversation));
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
