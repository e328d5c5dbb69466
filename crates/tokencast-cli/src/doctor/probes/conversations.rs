//! A conversation: its tree, its list, what is told of it, and that it can be deleted.

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::doctor::context::{Context, POLL, START};
use crate::doctor::evidence::{Evidence, of};
use crate::doctor::probe::{Found, Judged, Probe, Wrong, ensure};
use crate::doctor::wire::graphql::Reply;
use crate::doctor::wire::realtime::Socket;

const SOURCE: &str = "design: conversations";
const TELL: &str = "Open an issue with this report.";
const TITLE: &str = "Renamed by tokencast doctor";

const FIRST: &str =
    "A check by tokencast doctor: remember the word marigold, and answer with the one word yes.";
const SECOND: &str = "Which word was it? Answer with that word alone.";
const SIBLING: &str = "Which colour does it have? Answer with one word.";

pub const PROBES: &[Probe] = &[
    Probe {
        id: "conversations.chain",
        promise: "a turn continues the last one that is over, unless it says which",
        source: SOURCE,
        expected: "the second turn's `parentId` is the first one's id",
        remedy: TELL,
        judge: |evidence| {
            let Conversed { first, second, .. } = conversed(evidence)?;
            let got = &second.start.field("startStream")["parentId"];
            ensure(*got == json!(first.session), || format!("parentId {got}"))?;
            Ok("the first turn".into())
        },
    },
    Probe {
        id: "conversations.history",
        promise: "the model is told the turns before the prompt",
        source: SOURCE,
        expected: "the second turn's input has more tokens than its own prompt: at least the first turn's answer and prompt besides",
        remedy: "Check `maxHistoryTokens`; 0 sends no history.",
        judge: |evidence| {
            let Conversed { first, second, .. } = conversed(evidence)?;
            // What is read from or written into a prompt cache isn't in `inputTokens`, but in the total.
            let input = |record: &Value| {
                let usage = &record["usage"];
                Some(usage["totalTokens"].as_u64()? - usage["outputTokens"].as_u64()?)
            };
            let (Some(before), Some(after)) = (input(&first.record), input(&second.record)) else {
                return Err(Wrong::NotProbed(
                    "the model reports no usage: see sessions.usage".into(),
                ));
            };
            ensure(after > before, || {
                format!("{before} tokens in the first turn, {after} in the second")
            })?;
            Ok(format!(
                "{before} tokens in the first turn, {after} in the second"
            ))
        },
    },
    Probe {
        id: "conversations.branches",
        promise: "editing and regenerating make siblings, and nothing is overwritten",
        source: SOURCE,
        expected: "three turns: the second and the third have the first as their parent",
        remedy: TELL,
        judge: |evidence| {
            let Conversed { first, tree, .. } = conversed(evidence)?;
            let turns = tree.ok("conversation").map_err(Wrong::Failed)?["turns"].as_array();
            let turns = turns.map(Vec::as_slice).unwrap_or_default();
            let children = turns
                .iter()
                .filter(|turn| turn["parentId"] == json!(first.session))
                .count();
            ensure(turns.len() == 3 && children == 2, || {
                format!(
                    "{} turns, {children} of them continue the first",
                    turns.len()
                )
            })?;
            Ok("two versions of the second turn".into())
        },
    },
    Probe {
        id: "conversations.listed",
        promise: "a new conversation is soon in the list, which a global index has",
        source: SOURCE,
        expected: "`conversations` has it within 15 s",
        remedy: "Look at the table's index `byOwner` in DynamoDB: whether it is active, and throttled.",
        judge: |evidence| of(&conversed(evidence)?.listed).cloned(),
    },
    Probe {
        id: "conversations.told",
        promise: "whoever shows a conversation hears of its turns",
        source: SOURCE,
        expected: "`onConversationUpdated` brings `TURN_STARTED` and `TURN_ENDED` of the second turn",
        remedy: "Look for `publishConversation` in the worker's and the request function's logs: their roles must be allowed to call it.",
        judge: |evidence| of(&conversed(evidence)?.told).cloned(),
    },
    Probe {
        id: "conversations.told-to-the-owner",
        promise: "whoever shows the list hears of its conversations",
        source: SOURCE,
        expected: "`onConversationsUpdated` brings `TURN_STARTED` and `TURN_ENDED` of the second turn",
        remedy: "Look for `publishConversation` in the worker's and the request function's logs: their roles must be allowed to call it.",
        judge: |evidence| of(&conversed(evidence)?.told_to_the_owner).cloned(),
    },
    Probe {
        id: "conversations.rename",
        promise: "a user renames a conversation",
        source: SOURCE,
        expected: "`renameConversation` answers with the new title",
        remedy: TELL,
        judge: |evidence| {
            let reply = &conversed(evidence)?.renamed;
            let title = &reply.ok("renameConversation").map_err(Wrong::Failed)?["title"];
            ensure(title == TITLE, || format!("title {title}"))?;
            Ok("renamed".into())
        },
    },
    Probe {
        id: "conversations.export",
        promise: "a user takes a conversation away as a document",
        source: SOURCE,
        expected: "`exportConversation` answers with the prompts and the answers",
        remedy: TELL,
        judge: |evidence| {
            let reply = &conversed(evidence)?.exported;
            let content =
                reply.ok("exportConversation").map_err(Wrong::Failed)?["content"].as_str();
            ensure(
                content.is_some_and(|content| content.contains("marigold")),
                || "the first prompt isn't in it".into(),
            )?;
            Ok("the document has the first prompt".into())
        },
    },
    Probe {
        id: "conversations.deleted",
        promise: "what is deleted can't be read",
        source: SOURCE,
        expected: "once `deleteConversation` has answered, the conversation and its sessions are null",
        remedy: TELL,
        judge: |evidence| {
            let Deleted {
                reply: deleted,
                session,
                conversation,
                ..
            } = deleted(evidence)?;
            deleted.ok("deleteConversation").map_err(Wrong::Failed)?;
            gone(session, "getStream")?;
            gone(conversation, "conversation")
        },
    },
    Probe {
        id: "conversations.stays-deleted",
        promise: "nothing is started in what was deleted",
        source: SOURCE,
        expected: "a start in the conversation is refused with `CONVERSATION_DELETED`",
        remedy: TELL,
        judge: |evidence| {
            let Deleted {
                reply: deleted,
                started,
                ..
            } = deleted(evidence)?;
            deleted
                .ok("deleteConversation")
                .map_err(|got| Wrong::NotProbed(format!("it was not deleted: {got}")))?;
            started
                .refused_as("CONVERSATION_DELETED")
                .map_err(Wrong::Failed)
        },
    },
    Probe {
        id: "conversations.purged",
        promise: "a worker deletes what a deleted conversation consisted of",
        source: SOURCE,
        expected: "within a minute the tables have no text of the conversation and its sessions, only ids",
        remedy: "Look for the job in the worker's log and in the dead-letter queue; `tokencast redrive` puts it back.",
        judge: |evidence| of(&deleted(evidence)?.purged).cloned(),
    },
];

/// A turn that is over.
#[derive(Debug)]
struct Turn {
    session: Uuid,
    start: Reply,
    record: Value,
}

/// A conversation of three turns.
#[derive(Debug)]
pub struct Conversed {
    pub conversation: Uuid,
    first: Turn,
    second: Turn,
    tree: Reply,
    listed: Judged,
    told: Judged,
    told_to_the_owner: Judged,
    renamed: Reply,
    exported: Reply,
}

/// The run's conversations after their deletion.
#[derive(Debug)]
pub struct Deleted {
    reply: Reply,
    session: Reply,
    conversation: Reply,
    started: Reply,
    purged: Judged,
}

/// Holds a conversation of three turns, the last two of which are siblings.
///
/// # Errors
///
/// A turn isn't answered.
pub async fn converse(cx: &Context, conversation: Uuid) -> Found<Conversed> {
    let first = turn(cx, conversation, None, FIRST, "DoctorFirstTurn").await?;
    let mut listeners = listen(cx, conversation).await;
    let second = turn(cx, conversation, None, SECOND, "DoctorSecondTurn").await?;
    let told = match &mut listeners {
        Ok(socket) => told(cx, socket, second.session).await,
        Err(wrong) => [Err(wrong.clone()), Err(wrong.clone())],
    };
    if let Ok(socket) = listeners {
        socket.close().await;
    }
    let [told, told_to_the_owner] = told;
    turn(
        cx,
        conversation,
        Some(first.session),
        SIBLING,
        "DoctorSibling",
    )
    .await?;
    let wrong = |got| Wrong::NotProbed(format!("no response: {got}"));
    let id = || json!({ "id": conversation });
    let tree = "query DoctorTree($id: String!) { conversation(id: $id) { turnCount turns { sessionId parentId } } }";
    let rename = "mutation DoctorRenames($id: String!, $title: String!) { renameConversation(id: $id, title: $title) { title } }";
    let export = "query DoctorExports($id: String!) { exportConversation(id: $id, format: MARKDOWN) { content nextToken } }";
    Ok(Conversed {
        conversation,
        first,
        second,
        tree: cx.first(tree, id()).await.map_err(wrong)?,
        listed: listed(cx, conversation).await,
        told,
        told_to_the_owner,
        renamed: cx
            .first(rename, json!({ "id": conversation, "title": TITLE }))
            .await
            .map_err(wrong)?,
        exported: cx.first(export, id()).await.map_err(wrong)?,
    })
}

/// Deletes a conversation of the run, and looks for what is left of it.
///
/// # Errors
///
/// There is no response.
pub async fn delete(cx: &Context, conversation: Uuid, session: Uuid) -> Found<Deleted> {
    let wrong = |got| Wrong::NotProbed(format!("no response: {got}"));
    let delete =
        "mutation DoctorDeletes($id: String!) { deleteConversation(id: $id) { conversationId } }";
    let id = || json!({ "id": conversation });
    let deleted = cx.first(delete, id()).await.map_err(wrong)?;
    let read = "query DoctorReadsDeleted($id: String!) { getStream(sessionId: $id) { status } }";
    let browse = "query DoctorBrowsesDeleted($id: String!) { conversation(id: $id) { title } }";
    let start = START.replace("DoctorStart", "DoctorStartsInDeleted");
    let start_in = json!({ "prompt": "Nobody answers this.", "sessionId": Uuid::new_v4(), "conversationId": conversation });
    Ok(Deleted {
        session: cx
            .first(read, json!({ "id": session }))
            .await
            .map_err(wrong)?,
        conversation: cx.first(browse, id()).await.map_err(wrong)?,
        started: cx.first(&start, start_in).await.map_err(wrong)?,
        purged: purged(cx, conversation, session).await,
        reply: deleted,
    })
}

async fn turn(
    cx: &Context,
    conversation: Uuid,
    parent: Option<Uuid>,
    prompt: &str,
    name: &str,
) -> Found<Turn> {
    let session = Uuid::new_v4();
    let start = cx.start_in(session, prompt, conversation, parent).await;
    let none = |got: String| Wrong::NotProbed(format!("{name} was not answered: {got}"));
    let start = start.map_err(none)?;
    let record = cx.ended(name, session).await.map_err(none)?;
    if record["status"] != "COMPLETED" {
        return Err(none(record["status"].to_string()));
    }
    Ok(Turn {
        session,
        start,
        record,
    })
}

const FIELDS: &str = "{ conversationId owner kind title sessionId parentId status timestamp }";

async fn listen(cx: &Context, conversation: Uuid) -> Found<Socket> {
    let socket = cx
        .wire
        .realtime(&cx.deployment.graphql_url, &cx.first.token)
        .await;
    let mut socket = socket
        .map_err(|refused| Wrong::NotProbed(format!("no connection: {}", refused.message)))?;
    let one = format!(
        "subscription DoctorHears($id: String!) {{ onConversationUpdated(conversationId: $id) {FIELDS} }}"
    );
    let all = format!(
        "subscription DoctorHearsAll($owner: String!) {{ onConversationsUpdated(owner: $owner) {FIELDS} }}"
    );
    let established = socket
        .subscribe("one", &one, json!({ "id": conversation }))
        .await;
    established.map_err(|refused| Wrong::Failed(refused.message))?;
    let established = socket
        .subscribe("all", &all, json!({ "owner": cx.first.sub }))
        .await;
    established.map_err(|refused| Wrong::Failed(refused.message))?;
    Ok(socket)
}

/// Whether each of the two subscriptions has heard of the turn's beginning and of its end.
async fn told(cx: &Context, socket: &mut Socket, session: Uuid) -> [Judged; 2] {
    const WANTED: [&str; 2] = ["TURN_STARTED", "TURN_ENDED"];
    let until = Instant::now() + cx.limits.told;
    let mut heard = [Vec::new(), Vec::new()];
    let is_done = |kinds: &Vec<String>| WANTED.iter().all(|kind| kinds.iter().any(|it| it == kind));
    while !heard.iter().all(is_done) {
        let Some(event) = socket.event(until).await else {
            break;
        };
        let (field, place) = match event.of.as_str() {
            "one" => ("onConversationUpdated", 0),
            _ => ("onConversationsUpdated", 1),
        };
        let value = &event.data[field];
        if value["sessionId"] == json!(session) {
            heard[place].extend(value["kind"].as_str().map(str::to_owned));
        }
    }
    heard.map(|kinds| {
        ensure(is_done(&kinds), || format!("only {kinds:?}"))?;
        Ok(kinds.join(", "))
    })
}

async fn listed(cx: &Context, conversation: Uuid) -> Judged {
    let list = "query DoctorLists { conversations(limit: 20) { items { conversationId } } }";
    let since = Instant::now();
    loop {
        let reply = cx.first(list, json!({})).await.map_err(Wrong::Failed)?;
        let items = reply.ok("conversations").map_err(Wrong::Failed)?["items"].as_array();
        let id = json!(conversation);
        if items.is_some_and(|items| items.iter().any(|item| item["conversationId"] == id)) {
            return Ok(format!("after {} ms", since.elapsed().as_millis()));
        }
        if since.elapsed() >= cx.limits.listed {
            return Err(Wrong::Failed(format!(
                "not after {} ms",
                since.elapsed().as_millis()
            )));
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn purged(cx: &Context, conversation: Uuid, session: Uuid) -> Judged {
    let aws = cx.aws.as_ref().map_err(Clone::clone)?;
    let (Some(sessions), Some(conversations)) = (
        cx.deployment.resource("SessionsTableName"),
        cx.deployment.resource("ConversationsTableName"),
    ) else {
        return Err(Wrong::NotProbed("the outputs name no tables".into()));
    };
    let since = Instant::now();
    loop {
        let query = json!({
            "TableName": conversations,
            "KeyConditionExpression": "conversationId = :id",
            "ExpressionAttributeValues": { ":id": { "S": conversation } },
            "ConsistentRead": true,
        });
        let turns = aws.dynamodb("Query", &query).await?;
        let get = json!({
            "TableName": sessions,
            "Key": { "sessionId": { "S": session } },
            "ConsistentRead": true,
        });
        let record = aws.dynamodb("GetItem", &get).await?;
        let items = turns["Items"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let texts = items
            .iter()
            .chain(record.get("Item"))
            .flat_map(|item| ["prompt", "text", "title"].map(|name| item.get(name)))
            .flatten()
            .filter(|value| value["S"].as_str().is_some_and(|text| !text.is_empty()))
            .count();
        let turns_left = items.len().saturating_sub(1);
        if texts == 0 {
            return Ok(format!("{turns_left} items without text are left"));
        }
        if since.elapsed() >= cx.limits.purged {
            return Err(Wrong::Failed(format!(
                "{texts} texts are left after {} s",
                since.elapsed().as_secs()
            )));
        }
        tokio::time::sleep(POLL).await;
    }
}

fn gone(reply: &Reply, field: &str) -> Judged {
    match reply.ok(field) {
        Ok(Value::Null) => Ok("null".into()),
        Ok(_) => Err(Wrong::Failed(format!("`{field}` is still there"))),
        Err(got) => Err(Wrong::Failed(got)),
    }
}

fn conversed(evidence: &Evidence) -> Result<&Conversed, Wrong> {
    of(&evidence.conversed)
}

fn deleted(evidence: &Evidence) -> Result<&Deleted, Wrong> {
    of(&evidence.deleted)
}
