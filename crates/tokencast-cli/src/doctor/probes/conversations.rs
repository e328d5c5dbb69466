//! A conversation: its tree, its list, and what is told of it.

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::doctor::context::{Context, POLL};
use crate::doctor::evidence::{Evidence, of};
use crate::doctor::probe::{Experiment, Found, Judged, Probe, Wrong, ensure};
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
        experiment: Experiment::Conversed,
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
        experiment: Experiment::Conversed,
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
        experiment: Experiment::Conversed,
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
        experiment: Experiment::Conversed,
        promise: "a new conversation is soon in the list, which a global index has",
        source: SOURCE,
        expected: "`conversations` has it within 15 s",
        remedy: "Look at the table's index `byOwner` in DynamoDB: whether it is active, and throttled.",
        judge: |evidence| of(&conversed(evidence)?.listed).cloned(),
    },
    Probe {
        id: "conversations.told",
        experiment: Experiment::Conversed,
        promise: "whoever shows a conversation hears of its turns",
        source: SOURCE,
        expected: "`onConversationUpdated` brings `TURN_STARTED` and `TURN_ENDED` of the second turn",
        remedy: "Look for `publishConversation` in the worker's and the request function's logs: their roles must be allowed to call it.",
        judge: |evidence| of(&conversed(evidence)?.told).cloned(),
    },
    Probe {
        id: "conversations.told-to-the-owner",
        experiment: Experiment::Conversed,
        promise: "whoever shows the list hears of its conversations",
        source: SOURCE,
        expected: "`onConversationsUpdated` brings `TURN_STARTED` and `TURN_ENDED` of the second turn",
        remedy: "Look for `publishConversation` in the worker's and the request function's logs: their roles must be allowed to call it.",
        judge: |evidence| of(&conversed(evidence)?.told_to_the_owner).cloned(),
    },
    Probe {
        id: "conversations.rename",
        experiment: Experiment::Conversed,
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
        experiment: Experiment::Conversed,
        promise: "a user takes a conversation away as a document",
        source: SOURCE,
        expected: "`exportConversation` answers with the prompts and the answers",
        remedy: TELL,
        judge: |evidence| {
            let Conversed {
                exported, first, ..
            } = conversed(evidence)?;
            let document = exported.ok("exportConversation").map_err(Wrong::Failed)?;
            let content = document["content"].as_str().unwrap_or_default();
            ensure(content.contains("marigold"), || {
                "the first prompt isn't in it".into()
            })?;
            // An answer may be marked up in the document, so its first word stands for it.
            let answer = first.record["text"].as_str().unwrap_or_default();
            let word = answer.split_whitespace().next().unwrap_or_default();
            ensure(content.contains(word), || {
                "the first answer isn't in it".into()
            })?;
            Ok("the document has the first turn".into())
        },
    },
];

/// A turn that is over.
#[derive(Debug)]
pub struct Turn {
    session: Uuid,
    pub start: Reply,
    record: Value,
}

/// A conversation of three turns.
#[derive(Debug)]
pub struct Conversed {
    /// The assistant that the first turn named.
    pub assistant: Option<String>,
    pub first: Turn,
    pub second: Turn,
    tree: Reply,
    listed: Judged,
    told: Judged,
    told_to_the_owner: Judged,
    renamed: Reply,
    exported: Reply,
}

/// Holds a conversation of three turns, the last two of which are siblings. `assistant` answers the first.
///
/// # Errors
///
/// A turn isn't answered.
pub async fn converse(
    cx: &Context,
    conversation: Uuid,
    assistant: Option<String>,
) -> Found<Conversed> {
    let named = assistant.as_deref();
    let first = turn(cx, conversation, (None, named), FIRST, "DoctorFirstTurn").await?;
    let mut listeners = listen(cx, conversation).await;
    let last = (None, None);
    let second = turn(cx, conversation, last, SECOND, "DoctorSecondTurn").await?;
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
        (Some(first.session), None),
        SIBLING,
        "DoctorSibling",
    )
    .await?;
    let id = || json!({ "id": conversation });
    let tree = "query DoctorTree($id: String!) { conversation(id: $id) { turnCount turns { sessionId parentId } } }";
    let rename = "mutation DoctorRenames($id: String!, $title: String!) { renameConversation(id: $id, title: $title) { title } }";
    let export = "query DoctorExports($id: String!) { exportConversation(id: $id, format: MARKDOWN) { content nextToken } }";
    Ok(Conversed {
        assistant,
        first,
        second,
        tree: cx
            .first(tree, id())
            .await
            .map_err(Wrong::at("conversations.branches"))?,
        listed: listed(cx, conversation).await,
        told,
        told_to_the_owner,
        renamed: cx
            .first(rename, json!({ "id": conversation, "title": TITLE }))
            .await
            .map_err(Wrong::at("conversations.rename"))?,
        exported: cx
            .first(export, id())
            .await
            .map_err(Wrong::at("conversations.export"))?,
    })
}

async fn turn(
    cx: &Context,
    conversation: Uuid,
    (parent, assistant): (Option<Uuid>, Option<&str>),
    prompt: &str,
    name: &str,
) -> Found<Turn> {
    let session = Uuid::new_v4();
    let start = cx
        .start_with(json!({
            "prompt": prompt,
            "sessionId": session,
            "conversationId": conversation,
            "parentId": parent,
            "assistant": assistant,
        }))
        .await;
    let none = |got: String| {
        let got = format!("{name} was not answered: {got}");
        Wrong::after(
            "conversations.chain",
            &["sessions.starts", "sessions.answers"],
        )(got)
    };
    let start = start.map_err(|wrong| wrong.placed(none))?;
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
    let mut socket = socket.map_err(|refused| {
        let got = format!("no connection: {}", refused.message);
        Wrong::after("conversations.told", &["delivery.subscribes"])(got)
    })?;
    let one = format!(
        "subscription DoctorHears($id: String!) {{ onConversationUpdated(conversationId: $id) {FIELDS} }}"
    );
    let all = format!(
        "subscription DoctorHearsAll($owner: String!) {{ onConversationsUpdated(owner: $owner) {FIELDS} }}"
    );
    let established = socket
        .subscribe("one", &one, json!({ "id": conversation }))
        .await;
    established.map_err(|refused| Wrong::at("conversations.told")(refused.message))?;
    let established = socket
        .subscribe("all", &all, json!({ "owner": cx.first.sub }))
        .await;
    established.map_err(|refused| Wrong::at("conversations.told-to-the-owner")(refused.message))?;
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
        ensure(is_done(&kinds), || match kinds.as_slice() {
            [] => "nothing".to_owned(),
            some => format!("only {}", some.join(", ")),
        })?;
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

/// A conversation that was held.
///
/// # Errors
///
/// It came to an end early.
pub fn conversed(evidence: &Evidence) -> Result<&Conversed, Wrong> {
    of(&evidence.conversed)
}
