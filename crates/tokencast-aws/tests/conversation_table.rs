//! The conversation table against a DynamoDB that answers by a script: what it leaves out comes with the next request, and
//! what keeps a transaction out passes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use tokencast_aws::conversations::ConversationTable;
use tokencast_aws::sdk;
use tokencast_aws::sessions::SessionTable;
use tokencast_core::conversation::{Added, Conversation, MAX_SHORT_PROMPT_BYTES, TurnHead};
use tokencast_core::id::{ConversationId, Owner, SessionId};
use tokencast_core::ports::{ConversationStore as _, NewTurn};
use tokencast_core::session::{Fingerprint, Input, Place, Session};
use tokencast_core::time::Timestamp;
use tokio::net::TcpListener;

const NOW: Timestamp = Timestamp::from_millis(1_767_312_000_123);
const TTL: Duration = Duration::from_hours(24);

type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// A DynamoDB that gives these answers, and notes what it was asked.
async fn table(answers: Vec<Result<Value, Value>>) -> (ConversationTable, Asked) {
    let asked = Asked::default();
    let (noted, answers) = (Arc::clone(&asked), Mutex::new(VecDeque::from(answers)));
    let answers = Arc::new(answers);
    let service = Router::new().fallback(async move |headers: HeaderMap, body: Bytes| {
        let target = headers["x-amz-target"].to_str().expect("a target");
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = serde_json::from_slice(&body).expect("JSON");
        noted.lock().expect("not poisoned").push((operation, body));
        let answer = answers.lock().expect("not poisoned").pop_front();
        let (status, body) = match answer.expect("no further request") {
            Ok(body) => (StatusCode::OK, body),
            Err(body) => (StatusCode::BAD_REQUEST, body),
        };
        let content_type = [(header::CONTENT_TYPE, "application/x-amz-json-1.0")];
        (status, content_type, body.to_string()).into_response()
    });
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let listener = listener.expect("loopback works");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(axum::serve(listener, service).into_future());
    let sdk = sdk::load_for_endpoint(&url, "us-east-1").await;
    let sessions = SessionTable::new(&sdk, "sessions".to_owned(), "conversations".to_owned());
    let table = ConversationTable::new(&sdk, "conversations".to_owned(), sessions);
    (table, asked)
}

fn turn(id: SessionId, prompt: &str) -> TurnHead {
    TurnHead::new(id, None, prompt, NOW + TTL, NOW)
}

/// A prompt that doesn't stand with the head of its turn.
fn long(text: &str) -> String {
    text.repeat(MAX_SHORT_PROMPT_BYTES)
}

fn prompt_item(conversation: ConversationId, id: SessionId, text: &str) -> Value {
    json!({
        "conversationId": {"S": conversation}, "item": {"S": format!("prompt#{id}#0")},
        "text": {"S": text}, "expiresAt": {"N": "1"},
    })
}

#[tokio::test]
async fn what_a_batch_leaves_out_is_asked_for_again() {
    let conversation = ConversationId::random();
    let (one, two) = (SessionId::random(), SessionId::random());
    let left = json!({ "conversations": { "Keys": [
        {"conversationId": {"S": conversation}, "item": {"S": format!("prompt#{two}#0")}},
    ] } });
    let (table, asked) = table(vec![
        Ok(json!({
            "Responses": { "sessions": [], "conversations": [prompt_item(conversation, one, &long("One"))] },
            "UnprocessedKeys": left,
        })),
        Ok(json!({
            "Responses": { "conversations": [prompt_item(conversation, two, &long("Two"))] },
            "UnprocessedKeys": {},
        })),
    ])
    .await;
    let turns = vec![turn(one, &long("One")), turn(two, &long("Two"))];
    let texts = table.texts(conversation, turns).await.expect("read");
    let prompts: Vec<_> = texts.iter().map(|stored| stored.prompt.as_str()).collect();
    assert_eq!(prompts, [long("One"), long("Two")]);
    assert!(texts.iter().all(|stored| stored.session.is_none()));
    let asked = asked.lock().expect("not poisoned");
    assert_eq!(asked.len(), 2);
    let keys = asked[0].1["RequestItems"]["sessions"]["Keys"].as_array();
    assert_eq!(keys.map(Vec::len), Some(2), "both tables at once");
    assert_eq!(
        asked[0].1["RequestItems"]["conversations"]["ConsistentRead"],
        true
    );
}

#[tokio::test]
async fn a_short_prompt_is_no_read_of_its_own() {
    let conversation = ConversationId::random();
    let (one, two) = (SessionId::random(), SessionId::random());
    let prompt =
        json!({"conversationId": {"S": conversation}, "item": {"S": format!("prompt#{two}#0")}});
    let answer = json!({
        "Responses": { "conversations": [prompt_item(conversation, two, &long("Two"))] },
        "UnprocessedKeys": {},
    });
    let (table, asked) = table(vec![Ok(answer)]).await;
    let turns = vec![turn(one, "One"), turn(two, &long("Two"))];
    let texts = table.texts(conversation, turns).await.expect("read");
    let prompts: Vec<_> = texts.iter().map(|stored| stored.prompt.as_str()).collect();
    assert_eq!(prompts, ["One", &long("Two")]);
    let asked = asked.lock().expect("not poisoned");
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].1["RequestItems"]["conversations"]["Keys"],
        json!([prompt])
    );
}

fn cancelled(codes: &[&str]) -> Value {
    let reasons: Vec<_> = codes.iter().map(|code| json!({ "Code": code })).collect();
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "cancelled", "CancellationReasons": reasons,
    })
}

/// Adds a first turn, against these answers. Returns whether it was added, and what was asked.
async fn add(answers: Vec<Result<Value, Value>>) -> (Option<bool>, Vec<(String, Value)>) {
    let (table, asked) = table(answers).await;
    let (id, owner) = (SessionId::random(), Owner::new("me").expect("not empty"));
    let added = Added {
        session_id: id,
        prompt: "Why?",
        assistant: None,
        ttl: TTL,
    };
    let conversation_id = ConversationId::random();
    let conversation = Conversation::add_turn(None, conversation_id, &owner, added, NOW);
    let conversation = conversation.expect("new");
    let input = Input {
        fingerprint: Fingerprint::of("Why?", &[]),
        start_by: NOW + TTL,
        follower: None,
        place: Some(Place {
            conversation_id,
            parent_id: None,
            expires_at: conversation.expires_at,
        }),
        assistant: None,
        price: None,
        reservation: None,
    };
    let session = Session::start(None, id, &owner, &input, NOW, TTL).expect("new");
    let new = NewTurn {
        session: &session,
        session_version: None,
        conversation: &conversation,
        conversation_version: None,
        turn: &turn(id, "Why?"),
        prompt: "Why?",
        ledger: None,
    };
    let written = table.add_turn(new).await.ok();
    let asked = asked.lock().expect("not poisoned").clone();
    (written.map(|version| version.is_some()), asked)
}

#[tokio::test]
async fn a_turn_is_written_at_once() {
    let (written, asked) = add(vec![Ok(json!({}))]).await;
    assert_eq!(written, Some(true));
    let (operation, body) = &asked[0];
    assert_eq!(operation, "TransactWriteItems");
    let items = body["TransactItems"].as_array().expect("items");
    let tables: Vec<_> = items.iter().map(|item| &item["Put"]["TableName"]).collect();
    // The prompt is short, and stands with the head of its turn.
    assert_eq!(tables, ["sessions", "conversations", "conversations"]);
    assert!(items[0]["Put"]["ConditionExpression"].is_string());
    assert!(items[1]["Put"]["ConditionExpression"].is_string());
}

#[tokio::test]
async fn a_record_that_has_changed_is_no_failure() {
    let answer = cancelled(&["None", "ConditionalCheckFailed", "None", "None"]);
    let (written, asked) = add(vec![Err(answer)]).await;
    assert_eq!((written, asked.len()), (Some(false), 1));
}

#[tokio::test]
async fn another_transaction_is_waited_for() {
    let conflict = || Err(cancelled(&["None", "TransactionConflict", "None", "None"]));
    let (written, asked) = add(vec![conflict(), conflict(), Ok(json!({}))]).await;
    assert_eq!((written, asked.len()), (Some(true), 3));
}

#[tokio::test]
async fn what_does_not_pass_is_a_failure() {
    let answer = cancelled(&["None", "ValidationError", "None", "None"]);
    let (written, asked) = add(vec![Err(answer)]).await;
    assert_eq!((written, asked.len()), (None, 1));
}
