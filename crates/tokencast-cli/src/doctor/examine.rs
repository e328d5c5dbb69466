//! Runs the experiments, cleans up behind them, and judges.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::aws::Aws;
use super::context::{Context, Limits};
use super::deployment::{Deployment, Login};
use super::evidence::Evidence;
use super::probe::{Found, Wrong};
use super::probes::access::{SignedIn, intrude, sign_user_in};
use super::probes::conversations::{converse, delete};
use super::probes::sessions::{QUESTION, ask, ask_again};
use super::probes::stopping::{reload, stop};
use super::probes::{
    delivery, deployed, disruptive, errors, measurements, protocols, url, websocket,
};
use super::report::Report;
use super::wire::Wire;

/// What a run may do, and for how long.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub limits: Limits,
    pub disruptive: bool,
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
    let Settings { limits, disruptive } = settings;
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
        return Report::new(&deployment, &evidence, started_at.elapsed());
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
    Report::new(&cx.deployment, &evidence, started_at.elapsed())
}

/// Runs the experiments: first those whose order or pace matters, alone, then the others side by side.
async fn experiments(cx: &Context, conversation: Uuid, evidence: &mut Evidence) {
    evidence.refusals = in_time(cx, errors::provoke(cx).boxed()).await;
    evidence.asked = in_time(cx, ask(cx).boxed()).await;
    let session = evidence.asked.as_ref().map(|asked| asked.session);
    let session = session.map_err(|wrong| match wrong {
        Wrong::NotProbed(why) => Wrong::NotProbed(why.clone()),
        Wrong::At { probe, .. } => {
            Wrong::NotProbed(format!("it needs an answer, and `{probe}` failed"))
        }
        Wrong::Failed(_) => Wrong::NotProbed("it needs an answer".into()),
    });
    let again = async {
        match &session {
            Ok(session) => ask_again(cx, *session).await,
            Err(wrong) => Err(wrong.clone()),
        }
    };
    // Their requests come one after the other, so that what goes wrong is known by its number.
    let channels = async {
        let url = in_time(cx, url::probe(cx).boxed()).await;
        (url, in_time(cx, protocols::speak(cx).boxed()).await)
    };
    let (again, stopped, reloaded, conversed, (url, protocols), websocket, idle) = tokio::join!(
        in_time(cx, again.boxed()),
        in_time(cx, stop(cx).boxed()),
        in_time(cx, reload(cx).boxed()),
        in_time(cx, converse(cx, conversation).boxed()),
        channels,
        in_time(cx, websocket::probe(cx).boxed()),
        in_time(cx, measurements::idle(cx).boxed()),
    );
    evidence.again = again;
    evidence.stopped = stopped;
    evidence.reloaded = reloaded;
    evidence.conversed = conversed;
    evidence.url = url;
    evidence.protocols = protocols;
    evidence.websocket = websocket;
    evidence.idle = idle;
    evidence.crowd = in_time(cx, delivery::gather(cx).boxed()).await;
    // Where a stranger may delete the conversation, nothing else is asked in it any more.
    evidence.strangers = match &session {
        Ok(session) => in_time(cx, intrude(cx, *session, QUESTION).boxed()).await,
        Err(wrong) => Err(wrong.clone()),
    };
    evidence.deployed = in_time(cx, deployed::look(cx).boxed()).await;
    evidence.poisoned = in_time(cx, disruptive::poison(cx).boxed()).await;
}

/// Deletes the run's two conversations, and with them every session of the run.
async fn clean_up(cx: &Context, conversation: Uuid, evidence: &mut Evidence) {
    let session = evidence.asked.as_ref().map(|asked| asked.session);
    let is_there = session.is_ok();
    let session = session.unwrap_or_else(|_| Uuid::new_v4());
    let deleted = delete(cx, cx.conversation, session);
    let deleted = timeout_at(cx.closed_by(), deleted).await;
    evidence.deleted = match deleted {
        Ok(deleted) if is_there => deleted,
        Ok(_) => Err(Wrong::NotProbed(
            "no session was there to be deleted".into(),
        )),
        Err(_) => Err(Wrong::NotProbed("the time was over before".into())),
    };
    let document =
        "mutation DoctorTidies($id: String!) { deleteConversation(id: $id) { conversationId } }";
    let tidied = cx.first(document, json!({ "id": conversation }));
    if let Ok(Err(got)) = timeout_at(cx.closed_by() + cx.limits.told, tidied).await {
        tracing::warn!(%got, %conversation, "the second conversation of the run is not deleted");
    }
}

/// An experiment, for as long as there is time.
async fn in_time<T>(cx: &Context, experiment: BoxFuture<'_, Found<T>>) -> Found<T> {
    let found = timeout_at(cx.over_by(), experiment).await;
    found.unwrap_or_else(|_| Err(Wrong::NotProbed("the time was over before its end".into())))
}
