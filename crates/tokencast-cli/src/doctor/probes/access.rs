//! Who may sign in, and who may not read, stop or hear what is another's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokencast_client::cognito::{UserPool, sign_in};
use uuid::Uuid;

use crate::doctor::context::{Context, START, SUBSCRIBE, User};
use crate::doctor::deployment::Login;
use crate::doctor::evidence::{Evidence, of};
use crate::doctor::probe::{Experiment, Found, Judged, Probe, Wrong};
use crate::doctor::wire::graphql::Reply;
use crate::doctor::wire::{Wire, chain};

const STRANGER: &str = "design: sessions, only the owner subscribes, reads or stops";
const LEAK: &str = "Take the API offline: one user can reach another's answers. Compare the resolvers' code with cdk/resolvers, and open an issue.";

pub const PROBES: &[Probe] = &[
    Probe {
        id: "access.sign-in",
        experiment: Experiment::SignIn,
        promise: "two users sign in to the user pool",
        source: "DEPLOY: a first user",
        expected: "an access token for each, by SRP, with a `sub`",
        remedy: "Check user names and passwords, and that the app client allows SRP and has no secret. `npm run user` in cdk/ makes a user.",
        judge: |evidence| {
            let SignedIn { first, second } = &evidence.signed_in;
            first.clone().map_err(Wrong::Failed)?;
            match second {
                None => Ok("the first user has signed in; there is no second".into()),
                Some(second) => second
                    .clone()
                    .map_err(Wrong::Failed)
                    .map(|()| "both users have signed in".into()),
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
        judge: |evidence| refused(&strangers(evidence)?.publishes_token, "Unauthorized"),
    },
    Probe {
        id: "access.users-cannot-publish-conversations",
        experiment: Experiment::Strangers,
        promise: "a user can't tell anybody of changes",
        source: "design: conversations",
        expected: "`publishConversation` with a user's token is refused with `Unauthorized`",
        remedy: "The schema that is deployed must have `@aws_iam` alone at `publishConversation`: compare it with schema.graphql.",
        judge: |evidence| refused(&strangers(evidence)?.publishes_conversation, "Unauthorized"),
    },
    Probe {
        id: "access.stranger-reads",
        experiment: Experiment::Strangers,
        promise: "nobody reads another's session",
        source: STRANGER,
        expected: "`getStream` answers null to the second user, as for an unknown id",
        remedy: LEAK,
        judge: |evidence| null(&strangers(evidence)?.reads, "getStream"),
    },
    Probe {
        id: "access.stranger-stops",
        experiment: Experiment::Strangers,
        promise: "nobody stops another's session",
        source: STRANGER,
        expected: "`stopStream` of the second user is refused with `UNAUTHORIZED`",
        remedy: LEAK,
        judge: |evidence| refused(&strangers(evidence)?.stops, "UNAUTHORIZED"),
    },
    Probe {
        id: "access.stranger-starts",
        experiment: Experiment::Strangers,
        promise: "nobody starts anything under another's id",
        source: STRANGER,
        expected: "`startStream` of the second user with the first one's id is refused with `UNAUTHORIZED`",
        remedy: LEAK,
        judge: |evidence| refused(&strangers(evidence)?.starts, "UNAUTHORIZED"),
    },
    Probe {
        id: "access.stranger-subscribes",
        experiment: Experiment::Strangers,
        promise: "nobody hears another's session: the resolver of the subscription field refuses at its start",
        source: "design: sessions; aws-facts: a Lambda resolver on a subscription field, not established",
        expected: "an `error` frame with `UNAUTHORIZED` in place of `start_ack`",
        remedy: LEAK,
        judge: |evidence| unheard(&strangers(evidence)?.subscribes),
    },
    Probe {
        id: "access.stranger-reads-conversation",
        experiment: Experiment::Strangers,
        promise: "nobody reads another's conversation",
        source: "design: conversations",
        expected: "`conversation` answers null to the second user",
        remedy: LEAK,
        judge: |evidence| null(&strangers(evidence)?.reads_conversation, "conversation"),
    },
    Probe {
        id: "access.stranger-deletes-conversation",
        experiment: Experiment::Strangers,
        promise: "nobody deletes another's conversation",
        source: "design: conversations",
        expected: "`deleteConversation` of the second user is refused with `CONVERSATION_NOT_FOUND`",
        remedy: LEAK,
        judge: |evidence| {
            refused(
                &strangers(evidence)?.deletes_conversation,
                "CONVERSATION_NOT_FOUND",
            )
        },
    },
    Probe {
        id: "access.stranger-hears-list",
        experiment: Experiment::Strangers,
        promise: "nobody hears of the changes of another's conversations",
        source: "design: conversations, `onConversationsUpdated` is refused unless `owner` is the caller",
        expected: "an `error` frame with `UNAUTHORIZED` in place of `start_ack`",
        remedy: LEAK,
        judge: |evidence| unheard(&strangers(evidence)?.hears_list),
    },
];

/// How the two sign-ins ended.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub first: Result<(), String>,
    /// `None` if no second user is known.
    pub second: Option<Result<(), String>>,
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

/// Signs a user in, or takes the token that is given.
///
/// # Errors
///
/// Why there is no token.
pub async fn sign_user_in(
    wire: &Wire,
    pool: Option<&UserPool>,
    login: &Login,
) -> Result<User, String> {
    let token = match (login, pool) {
        (Login::Token(token), _) => token.trim().trim_start_matches("Bearer ").to_owned(),
        (Login::Password { username, password }, Some(pool)) => {
            let tokens = sign_in(&wire.http, pool, username, password).await;
            tokens.map_err(|error| chain(&error))?.access_token
        }
        (Login::Password { .. }, None) => {
            return Err("no user pool is known: --user-pool-id and --user-pool-client-id".into());
        }
    };
    let sub = subject(&token).ok_or("the token has no `sub`: it is no JWT of a user pool")?;
    Ok(User { token, sub })
}

fn subject(token: &str) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims["sub"].as_str().map(str::to_owned)
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
            let none = Wrong::NotProbed(format!("no socket: {}", refused.message));
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

fn refused(reply: &Found<Reply>, expected: &str) -> Judged {
    of(reply)?.refused_as(expected).map_err(Wrong::Failed)
}

/// The subscription is refused.
fn unheard(tried: &Found<Result<(), String>>) -> Judged {
    match of(tried)? {
        Err(refused) if refused.to_uppercase().contains("UNAUTHORIZED") => Ok(refused.clone()),
        Err(refused) => Err(Wrong::Failed(refused.clone())),
        Ok(()) => Err(Wrong::Failed("the subscription was established".into())),
    }
}

/// The field answers null, without an error.
fn null(reply: &Found<Reply>, field: &str) -> Judged {
    match of(reply)?.ok(field) {
        Ok(Value::Null) => Ok("null".into()),
        Ok(_) => Err(Wrong::Failed("the second user got the first one's".into())),
        Err(got) => Err(Wrong::Failed(got)),
    }
}
