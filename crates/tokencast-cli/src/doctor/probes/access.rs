//! Who may sign in, and who may not read, stop or hear what is another's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokencast_client::cognito::{SignInError, sign_in};
use uuid::Uuid;

use crate::doctor::context::{Context, START, SUBSCRIBE, User};
use crate::doctor::deployment::Deployment;
use crate::doctor::evidence::{Evidence, of};
use crate::doctor::logins::Login;
use crate::doctor::probe::{Experiment, Found, Judged, Probe, Wrong};
use crate::doctor::wire::graphql::Reply;
use crate::doctor::wire::{Wire, chain};

const STRANGER: &str = "design: sessions, only the owner subscribes, reads or stops";
const LEAK: &str = "Take the API offline: one user can reach another's answers. Compare the resolvers' code with cdk/resolvers, and open an issue.";

const NO_LEAK: &str = "Nothing has leaked, but the second user wasn't refused as clients expect. If this is a fault of the moment, run it again; otherwise compare the resolvers' code with cdk/resolvers.";
const NO_POOL: &str = "Cognito can't be reached: look at the Region of the user pool's id, and at the way from here to there.";
const CHALLENGED: &str = "Somebody has to sign in by hand first, or take a user without this challenge: `npm run user` in cdk/ makes one.";
const NOT_TAKEN: &str = "Sign in again for a token: this one may have expired, or be of another user pool than the API's. With a user name and a password, compare the outputs' pool with the API's.";
const NO_API: &str = "No AppSync API answers there: compare the GraphQL URL with the deployment's output `GraphqlUrl`, and look for what is between here and there.";

pub const PROBES: &[Probe] = &[
    Probe {
        id: "access.sign-in",
        experiment: Experiment::SignIn,
        promise: "two users sign in to the user pool",
        source: "DEPLOY: a first user",
        expected: "an access token for each, by SRP, with a `sub`, which the API takes",
        remedy: "Check user names and passwords, and that the app client allows SRP and has no secret. `npm run user` in cdk/ makes a user.",
        judge: |evidence| {
            let SignedIn { first, second } = &evidence.signed_in;
            of(first)?;
            match second {
                None => Ok("the first user has signed in; there is no second".into()),
                Some(second) => of(second).map(|()| "both users have signed in".into()),
            }
        },
    },
    Probe {
        id: "access.users-cannot-publish",
        experiment: Experiment::Strangers,
        promise: "a user can't send tokens to anybody's subscribers",
        source: "design: schema, authorization",
        expected: "`publishToken` with a user's token is refused with `Unauthorized`",
        remedy: "The schema that is deployed must have `@aws_iam` alone at `publishToken`: compare it with schema.graphql.",
        judge: |evidence| of(&strangers(evidence)?.publishes_token)?.refused_as("Unauthorized"),
    },
    Probe {
        id: "access.users-cannot-publish-conversations",
        experiment: Experiment::Strangers,
        promise: "a user can't tell anybody of changes",
        source: "design: conversations",
        expected: "`publishConversation` with a user's token is refused with `Unauthorized`",
        remedy: "The schema that is deployed must have `@aws_iam` alone at `publishConversation`: compare it with schema.graphql.",
        judge: |evidence| {
            of(&strangers(evidence)?.publishes_conversation)?.refused_as("Unauthorized")
        },
    },
    Probe {
        id: "access.stranger-reads",
        experiment: Experiment::Strangers,
        promise: "nobody reads another's session",
        source: STRANGER,
        expected: "`getStream` answers null to the second user, as for an unknown id",
        remedy: LEAK,
        judge: |evidence| {
            null(
                &strangers(evidence)?.reads,
                "getStream",
                "access.stranger-reads",
            )
        },
    },
    Probe {
        id: "access.stranger-stops",
        experiment: Experiment::Strangers,
        promise: "nobody stops another's session",
        source: STRANGER,
        expected: "`stopStream` of the second user is refused with `UNAUTHORIZED`",
        remedy: LEAK,
        judge: |evidence| {
            let reply = &strangers(evidence)?.stops;
            refused(reply, "UNAUTHORIZED", "access.stranger-stops")
        },
    },
    Probe {
        id: "access.stranger-starts",
        experiment: Experiment::Strangers,
        promise: "nobody starts anything under another's id",
        source: STRANGER,
        expected: "`startStream` of the second user with the first one's id is refused with `UNAUTHORIZED`",
        remedy: LEAK,
        judge: |evidence| {
            let reply = &strangers(evidence)?.starts;
            refused(reply, "UNAUTHORIZED", "access.stranger-starts")
        },
    },
    Probe {
        id: "access.stranger-subscribes",
        experiment: Experiment::Strangers,
        promise: "nobody hears another's session: the resolver of the subscription field refuses at its start",
        source: "design: sessions; aws-facts: a Lambda resolver on a subscription field, not established",
        expected: "an `error` frame with `UNAUTHORIZED` in place of `start_ack`",
        remedy: LEAK,
        judge: |evidence| {
            unheard(
                &strangers(evidence)?.subscribes,
                "access.stranger-subscribes",
            )
        },
    },
    Probe {
        id: "access.stranger-reads-conversation",
        experiment: Experiment::Strangers,
        promise: "nobody reads another's conversation",
        source: "design: conversations",
        expected: "`conversation` answers null to the second user",
        remedy: LEAK,
        judge: |evidence| {
            let reply = &strangers(evidence)?.reads_conversation;
            null(reply, "conversation", "access.stranger-reads-conversation")
        },
    },
    Probe {
        id: "access.stranger-deletes-conversation",
        experiment: Experiment::Strangers,
        promise: "nobody deletes another's conversation",
        source: "design: conversations",
        expected: "`deleteConversation` of the second user is refused with `CONVERSATION_NOT_FOUND`",
        remedy: LEAK,
        judge: |evidence| {
            let reply = &strangers(evidence)?.deletes_conversation;
            let probe = "access.stranger-deletes-conversation";
            refused(reply, "CONVERSATION_NOT_FOUND", probe)
        },
    },
    Probe {
        id: "access.stranger-hears-list",
        experiment: Experiment::Strangers,
        promise: "nobody hears of the changes of another's conversations",
        source: "design: conversations, `onConversationsUpdated` is refused unless `owner` is the caller",
        expected: "an `error` frame with `UNAUTHORIZED` in place of `start_ack`",
        remedy: LEAK,
        judge: |evidence| {
            unheard(
                &strangers(evidence)?.hears_list,
                "access.stranger-hears-list",
            )
        },
    },
];

/// How the two sign-ins ended.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub first: Found<()>,
    /// `None` if no second user is known.
    pub second: Option<Found<()>>,
}

/// What the second user has got for trying what is the first one's.
#[derive(Debug)]
pub struct Strangers {
    publishes_token: Found<Reply>,
    publishes_conversation: Found<Reply>,
    reads: Found<Reply>,
    stops: Found<Reply>,
    starts: Found<Reply>,
    subscribes: Found<Result<(), String>>,
    reads_conversation: Found<Reply>,
    deletes_conversation: Found<Reply>,
    hears_list: Found<Result<(), String>>,
}

/// Signs a user in, or takes the token that is given, and tries whether the API takes it.
///
/// # Errors
///
/// Why there is no token, or none that the API takes.
pub async fn sign_user_in(wire: &Wire, deployment: &Deployment, login: &Login) -> Found<User> {
    let place = Wrong::at("access.sign-in");
    let token = match (login, &deployment.pool) {
        (Login::Token(token), _) => token.trim().trim_start_matches("Bearer ").to_owned(),
        (Login::Password { username, password }, Some(pool)) => {
            let tokens = sign_in(&wire.http, pool, username, password).await;
            let tokens = tokens.map_err(|error| {
                let wrong = place(chain(&error));
                match error {
                    SignInError::Request(_) => wrong.advised(NO_POOL),
                    SignInError::Challenge(_) => wrong.advised(CHALLENGED),
                    _ => wrong,
                }
            });
            tokens?.access_token
        }
        (Login::Password { .. }, None) => return Err(place("no user pool is known".into())),
    };
    let sub = subject(&token).ok_or("the token has no `sub`: it is no JWT of a user pool");
    let sub = sub.map_err(|got| place(got.into()).advised(NOT_TAKEN))?;
    // The cheapest request that needs a token.
    let document = "query DoctorSignsIn { __typename }";
    let reply = wire.graphql(&deployment.graphql_url, &token, document, json!({}));
    let reply = reply.await.map_err(|got| place(got).advised(NO_API))?;
    let kind = reply.error().map(|(kind, _)| kind);
    let is_refused = matches!(reply.status, 401 | 403)
        || kind.is_some_and(|kind| kind.starts_with("Unauthorized"));
    if is_refused {
        return Err(place(reply.as_text()).advised(NOT_TAKEN));
    }
    // A faulty API has errors of its own, which other probes tell apart.
    if kind.is_none() && !reply.body["data"].is_object() {
        return Err(place(reply.as_text()).advised(NO_API));
    }
    Ok(User { token, sub })
}

fn subject(token: &str) -> Option<String> {
    claims(token)?["sub"].as_str().map(str::to_owned)
}

/// What a JWT says of its user.
pub fn claims(token: &str) -> Option<Value> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// Tries everything as the second user. `session` is the first one's, and over.
///
/// # Errors
///
/// There is no second user.
pub async fn intrude(cx: &Context, session: Uuid, prompt: &str) -> Found<Strangers> {
    let stranger = cx.second.as_ref().map_err(Clone::clone)?;
    let id = || json!({ "id": session });
    let conversation = json!({ "id": cx.conversation });
    let publishes_token = cx
        .second(
            "mutation DoctorPublishes($id: String!) { publishToken(sessionId: $id, token: \"\", isComplete: false) { sessionId } }",
            json!({ "id": Uuid::new_v4() }),
        )
        .await;
    let publishes_conversation = cx
        .second(
            "mutation DoctorTells($id: String!, $owner: String!) { publishConversation(conversationId: $id, owner: $owner, kind: RENAMED) { conversationId } }",
            json!({ "id": Uuid::new_v4(), "owner": stranger.sub }),
        )
        .await;
    let reads = cx
        .second(
            "query DoctorStrangerReads($id: String!) { getStream(sessionId: $id) { status } }",
            id(),
        )
        .await;
    let stops = cx
        .second(
            "mutation DoctorStrangerStops($id: String!) { stopStream(sessionId: $id) { status } }",
            id(),
        )
        .await;
    let start = json!({ "prompt": prompt, "sessionId": session, "conversationId": cx.conversation, "parentId": cx.conversation });
    let starts = cx.second(START, start).await;
    let reads_conversation = cx
        .second(
            "query DoctorStrangerBrowses($id: String!) { conversation(id: $id) { title } }",
            conversation.clone(),
        )
        .await;
    let deletes_conversation = cx
        .second(
            "mutation DoctorStrangerDeletes($id: String!) { deleteConversation(id: $id) { conversationId } }",
            conversation,
        )
        .await;
    let [subscribes, hears_list] = overhear(cx, &stranger.token, session).await;
    Ok(Strangers {
        publishes_token,
        publishes_conversation,
        reads,
        stops,
        starts,
        subscribes,
        reads_conversation,
        deletes_conversation,
        hears_list,
    })
}

/// Subscribes as the second user to the first one's session, and to their list.
async fn overhear(cx: &Context, token: &str, session: Uuid) -> [Found<Result<(), String>>; 2] {
    let socket = cx.wire.realtime(&cx.deployment.graphql_url, token).await;
    let mut socket = match socket {
        Ok(socket) => socket,
        Err(refused) => {
            let got = format!("no socket: {}", refused.message);
            let none = Wrong::after("access.stranger-subscribes", &["delivery.subscribes"])(got);
            let none = none.advised(NO_LEAK);
            return [Err(none.clone()), Err(none)];
        }
    };
    let subscribes = socket
        .subscribe("session", SUBSCRIBE, json!({ "id": session }))
        .await;
    let list = "subscription DoctorOverhears($owner: String!) { onConversationsUpdated(owner: $owner) { conversationId owner kind title sessionId parentId status timestamp } }";
    let hears_list = socket
        .subscribe("list", list, json!({ "owner": cx.first.sub }))
        .await;
    socket.close().await;
    [subscribes, hears_list].map(|tried| Ok(tried.map_err(|refused| refused.message)))
}

fn strangers(evidence: &Evidence) -> Result<&Strangers, Wrong> {
    of(&evidence.strangers)
}

/// Whether the second user is refused as is expected. Only data would be a leak.
fn refused(reply: &Found<Reply>, expected: &str, probe: &'static str) -> Judged {
    let reply = answered(reply, probe)?;
    reply
        .refused_as(expected)
        .map_err(|wrong| match reply.error() {
            None if reply.body["data"].is_object() => wrong,
            _ => wrong.placed(Wrong::at(probe)).advised(NO_LEAK),
        })
}

/// The response to the second user. Without one nothing has leaked.
fn answered<'a>(reply: &'a Found<Reply>, probe: &'static str) -> Result<&'a Reply, Wrong> {
    of(reply).map_err(|wrong| wrong.placed(Wrong::at(probe)).advised(NO_LEAK))
}

/// Whether the subscription is refused.
fn unheard(tried: &Found<Result<(), String>>, probe: &'static str) -> Judged {
    match of(tried)? {
        Err(refused) if refused.to_uppercase().contains("UNAUTHORIZED") => Ok(refused.clone()),
        Err(refused) => Err(Wrong::at(probe)(refused.clone()).advised(NO_LEAK)),
        Ok(()) => Err(Wrong::Failed("the subscription was established".into())),
    }
}

/// Whether the field answers null, without an error.
fn null(reply: &Found<Reply>, field: &str, probe: &'static str) -> Judged {
    match answered(reply, probe)?.ok(field) {
        Ok(Value::Null) => Ok("null".into()),
        Ok(_) => Err(Wrong::Failed("the second user got the first one's".into())),
        Err(got) => Err(Wrong::at(probe)(got).advised(NO_LEAK)),
    }
}
