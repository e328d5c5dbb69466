//! The shapes of refusals, which clients read.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::doctor::context::{Context, START, SUBSCRIBE};
use crate::doctor::evidence::of;
use crate::doctor::probe::{Experiment, Found, Judged, Probe, Wrong, ensure};
use crate::doctor::wire::graphql::{QUOTA_EXCEEDED, Reply};

const SHAPES: &str = "aws-facts: AppSync's errors";
const TELL: &str = "Open an issue with this report: clients decide by this shape.";

pub const PROBES: &[Probe] = &[
    Probe {
        id: "errors.no-token",
        experiment: Experiment::Refusals,
        promise: "nothing is answered without a token",
        source: SHAPES,
        expected: "HTTP 401 and `UnauthorizedException` for a token that is none",
        remedy: "Check the API's authorization modes: user pools must be the default, with IAM beside them.",
        judge: |evidence| {
            let reply = &of(&evidence.refusals)?.no_token;
            ensure(reply.status == 401, || reply.as_text())?;
            reply.refused_as("UnauthorizedException")
        },
    },
    Probe {
        id: "errors.bad-token-socket",
        experiment: Experiment::Refusals,
        promise: "nothing is heard without a token",
        source: "aws-facts: real-time WebSocket",
        expected: "a refused handshake (401 or 403), or a `connection_error` with `UnauthorizedException`",
        remedy: "Check the API's authorization modes: user pools must be the default, with IAM beside them.",
        judge: |evidence| {
            let refusals = of(&evidence.refusals)?;
            match &refusals.bad_socket {
                Ok(()) => Err(Wrong::Failed("the connection was acknowledged".into())),
                Err(got)
                    if ["Unauthorized", "401", "403"]
                        .iter()
                        .any(|it| got.contains(it)) =>
                {
                    // A refusal says nothing where every token is refused.
                    of(&refusals.upper_case)?;
                    Ok(got.clone())
                }
                Err(got) => Err(Wrong::Failed(got.clone())),
            }
        },
    },
    Probe {
        id: "errors.refusal",
        experiment: Experiment::Refusals,
        promise: "a refusal says what was expected, and is no fault of Lambda's",
        source: "aws-facts: AppSync's errors; design: failures",
        expected: "HTTP 200, no data, and one error with `path`, `errorType` `INVALID_PROMPT` and our message",
        remedy: "The resolvers' code must raise what the function returns: compare it with cdk/resolvers/requestFunction.js.",
        judge: |evidence| {
            let reply = &of(&evidence.refusals)?.empty_prompt;
            let shown = reply.refused_as("INVALID_PROMPT")?;
            ensure(
                reply.status == 200 && reply.field("startStream").is_null(),
                || shown.clone(),
            )?;
            let error = &reply.body["errors"][0];
            ensure(error["path"] == json!(["startStream"]), || {
                format!("path {}", error["path"])
            })?;
            ensure(
                error["message"]
                    .as_str()
                    .is_some_and(|text| text.contains("prompt")),
                || shown.clone(),
            )?;
            Ok(shown)
        },
    },
    Probe {
        id: "errors.unknown-session",
        experiment: Experiment::Refusals,
        promise: "a read doesn't tell whether an id is somebody's",
        source: "PROTOCOL: getStream",
        expected: "`getStream` of an unknown id answers null, without an error",
        remedy: TELL,
        judge: |evidence| match of(&evidence.refusals)?.unknown.ok("getStream") {
            Ok(Value::Null) => Ok("null".into()),
            Ok(_) => Err(Wrong::Failed("a session".into())),
            Err(got) => Err(Wrong::Failed(got)),
        },
    },
    Probe {
        id: "errors.malformed",
        experiment: Experiment::Refusals,
        promise: "a body that is no request is refused as such",
        source: "aws-facts: malformed, 400 `MalformedHttpRequestException`, not established",
        expected: "HTTP 400 with `MalformedHttpRequestException`",
        remedy: TELL,
        judge: |evidence| {
            let reply = &of(&evidence.refusals)?.malformed;
            ensure(reply.status == 400, || reply.as_text())?;
            reply.refused_as("MalformedHttpRequestException")
        },
    },
    Probe {
        id: "errors.half-a-character",
        experiment: Experiment::Refusals,
        promise: "a prompt with half of a surrogate pair is refused",
        source: "PROTOCOL: order of calls; what AppSync does with it is not documented",
        expected: "HTTP 400, or an error: no session is started",
        remedy: TELL,
        judge: |evidence| {
            let reply = &of(&evidence.refusals)?.half_a_character;
            // Any refusal will do, but one that isn't about the prompt shows nothing.
            let kind = reply.error().map(|(kind, _)| kind);
            let is_about_it = matches!(reply.status, 200 | 400)
                && kind.is_some_and(|kind| !kind.starts_with("Unauthorized"));
            ensure(is_about_it, || reply.as_text())?;
            match kind {
                Some(QUOTA_EXCEEDED) => reply.refused_as("INVALID_PROMPT"),
                _ => Ok(reply.as_text()),
            }
        },
    },
    Probe {
        id: "errors.upper-case",
        experiment: Experiment::Refusals,
        promise: "a subscription takes small letters only, because AppSync compares ids letter by letter",
        source: "PROTOCOL: order of calls",
        expected: "an `error` frame with `INVALID_PROMPT` for an id in capital letters",
        remedy: "The function that is deployed isn't this version's, or the resolver's code changes the id.",
        judge: |evidence| refused_frame(of(&of(&evidence.refusals)?.upper_case)?, "INVALID_PROMPT"),
    },
    Probe {
        id: "errors.other-subprotocol",
        experiment: Experiment::Refusals,
        promise: "AppSync refuses `graphql-transport-ws`",
        source: "aws-facts: AppSync refuses `graphql-transport-ws`",
        expected: "no `connection_ack` over that subprotocol",
        remedy: "Nothing, if it is `tokencast dev --graphql-transport-ws`. On AWS it would be news: open an issue.",
        judge: |evidence| {
            let refusals = of(&evidence.refusals)?;
            match &refusals.other_subprotocol {
                Ok(()) => Err(Wrong::Failed("the connection was acknowledged".into())),
                Err(got) => of(&refusals.upper_case).map(|_| got.clone()),
            }
        },
    },
    Probe {
        id: "errors.largest-operation",
        experiment: Experiment::Refusals,
        promise: "the contract's largest operation is within the API's limits",
        source: "design: depth and resolver limits; aws-facts: how they count, not established",
        expected: "the query `conversation` with all its fields is answered",
        remedy: "Raise `queryDepthLimit` or `resolverCountLimit` of the API to what cdk/ computes, and open an issue.",
        judge: |evidence| match of(&evidence.refusals)?.largest.ok("conversation") {
            Ok(_) => Ok("answered".into()),
            Err(got) => Err(Wrong::Failed(got)),
        },
    },
];

/// What was refused, and how.
#[derive(Debug)]
pub struct Refusals {
    no_token: Reply,
    bad_socket: Result<(), String>,
    empty_prompt: Reply,
    unknown: Reply,
    malformed: Reply,
    half_a_character: Reply,
    /// Not probed if no token opens a socket.
    upper_case: Found<Result<(), String>>,
    other_subprotocol: Result<(), String>,
    largest: Reply,
}

/// Does what has to be refused. No model is asked.
///
/// # Errors
///
/// The API can't be reached.
pub async fn provoke(cx: &Context) -> Found<Refusals> {
    let url = &cx.deployment.graphql_url;
    // The socket with the bad token is the first of the run.
    let bad_socket = cx.wire.realtime(url, "no.token.here").await;
    let read = |name: &str| {
        format!("query {name}($id: String!) {{ getStream(sessionId: $id) {{ status }} }}")
    };
    let unknown_id = || json!({ "id": Uuid::new_v4() });
    let no_token = cx
        .wire
        .graphql(url, "no.token.here", &read("DoctorNoToken"), unknown_id())
        .await;
    let no_token = no_token.map_err(Wrong::at("errors.no-token"))?;
    let start = START.replace("DoctorStart", "DoctorEmptyPrompt");
    let empty_prompt = cx
        .first(&start, json!({ "prompt": "" }))
        .await
        .map_err(Wrong::at("errors.refusal"))?;
    let unknown = cx
        .first(&read("DoctorUnknown"), unknown_id())
        .await
        .map_err(Wrong::at("errors.unknown-session"))?;
    let token = &cx.first.token;
    let malformed = cx
        .wire
        .graphql_text(url, token, "{\"doctor\": malformed".into());
    let malformed = malformed.await.map_err(Wrong::at("errors.malformed"))?;
    let start = START.replace("DoctorStart", "DoctorHalfCharacter");
    // Should it be started, it is deleted with the run's conversation.
    let variables = json!({ "prompt": "half: HALF", "conversationId": cx.conversation, "parentId": cx.conversation });
    let body = json!({ "query": start, "variables": variables });
    // A JSON writer can't write half of a pair.
    let body = body.to_string().replace("half: HALF", "half: \\ud83d");
    let half_a_character = cx
        .wire
        .graphql_text(url, token, body)
        .await
        .map_err(Wrong::at("errors.half-a-character"))?;
    let upper_case = match cx.wire.realtime(url, token).await {
        Ok(mut socket) => {
            let loud = SUBSCRIBE.replace("DoctorListens", "DoctorListensLoudly");
            let id = Uuid::new_v4().to_string().to_uppercase();
            let subscribed = socket
                .subscribe("capitals", &loud, json!({ "id": id }))
                .await;
            socket.close().await;
            Ok(subscribed.map_err(|refused| refused.message))
        }
        Err(refused) => Err(no_socket(refused.message)),
    };
    let other = cx
        .wire
        .realtime_as("graphql-transport-ws", url, token)
        .await;
    let largest = cx.first(LARGEST, unknown_id()).await;
    Ok(Refusals {
        no_token,
        bad_socket: bad_socket.map(drop).map_err(|refused| refused.message),
        empty_prompt,
        unknown,
        malformed,
        half_a_character,
        upper_case,
        other_subprotocol: other.map(drop).map_err(|refused| refused.message),
        largest: largest.map_err(Wrong::at("errors.largest-operation"))?,
    })
}

/// Nobody gets a socket, whatever the token.
fn no_socket(message: String) -> Wrong {
    Wrong::after("errors.upper-case", &["delivery.subscribes"])(message)
        .advised("Look at the API's real-time endpoint: no socket is to be had with a good token.")
}

fn refused_frame(got: &Result<(), String>, expected: &str) -> Judged {
    match got {
        Err(got) if got.contains(expected) => Ok(got.clone()),
        Err(got) => Err(Wrong::Failed(got.clone())),
        Ok(()) => Err(Wrong::Failed("the subscription was established".into())),
    }
}

/// Every field of a conversation with its turns, as a page reads it.
const LARGEST: &str = "query DoctorLargest($id: String!) { conversation(id: $id, limit: 1) {
    conversationId title lastSessionId turnCount nextToken createdAt updatedAt
    turns { sessionId parentId prompt createdAt stream {
        sessionId status text reasoningMs sequence attempt stopReason conversationId parentId createdAt updatedAt
        usage { inputTokens outputTokens totalTokens cacheReadInputTokens cacheWriteInputTokens }
        error { code message retryable } waiting { reason since }
        blocks { index type text reasoning citation { title url text } toolUse { toolUseId name input }
            toolResult { toolUseId status content } }
    } }
} }";
