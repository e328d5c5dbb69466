//! The records of one event do not share their fate.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lambda_runtime::Context;
use serde_json::json;
use tokencast_aws::bedrock::ModelSettings;
use tokencast_aws::clock::SystemClock;
use tokencast_aws::queue::{SqsQueue, SqsReceipt};
use tokencast_aws::sdk;
use tokencast_core::assistant::Assistant;
use tokencast_core::block::Piece;
use tokencast_core::deliver::Policy;
use tokencast_core::event::{ConversationEvent, TokenEvent};
use tokencast_core::failure::Failure;
use tokencast_core::id::{Owner, SessionId};
use tokencast_core::job::Job;
use tokencast_core::pipeline::{PublishMode, Settings};
use tokencast_core::ports::{
    Conflict, ConversationSink, Fence, LedgerStore, LedgerWrite, Model, ModelEvent, ModelRequest,
    NoConversations, Ports, SessionStore, StoreError, TokenSink, TokenSource, Version, Versioned,
};
use tokencast_core::session::{Session, Status};
use tokencast_core::time::{Deadline, Timestamp};
use tokio::net::TcpListener;
use worker::config::Config;
use worker::handle::{Batch, Worker};

/// Panics at this prompt, as a bug would; answers any other.
const BUG: &str = "bug";

struct FaultyModel;

impl Model for FaultyModel {
    type Tokens = Answer;

    async fn start(&self, request: &ModelRequest) -> Result<Answer, Failure> {
        let prompt = request.turns.last().map(|turn| turn.text.as_str());
        assert!(prompt != Some(BUG), "a bug");
        Ok(Answer(VecDeque::from([
            ModelEvent::Piece(Piece::text("An answer.")),
            ModelEvent::Stopped("end_turn".to_owned()),
        ])))
    }
}

struct Answer(VecDeque<ModelEvent>);

impl TokenSource for Answer {
    async fn next(&mut self) -> Result<Option<ModelEvent>, Failure> {
        Ok(self.0.pop_front())
    }
}

/// Whom nobody listens to.
struct NoSubscribers;

impl ConversationSink for NoSubscribers {
    async fn tell(&self, _: &ConversationEvent, _: Deadline) -> Result<(), Failure> {
        Ok(())
    }
}

impl TokenSink for NoSubscribers {
    async fn publish(&self, _: &TokenEvent, _: &Fence, _: Deadline) -> Result<(), Failure> {
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Sessions(Arc<Mutex<HashMap<SessionId, Versioned>>>);

impl Sessions {
    fn status(&self, id: SessionId) -> Option<Status> {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        records.get(&id).map(|record| record.session.status)
    }
}

impl LedgerStore for Sessions {}

impl SessionStore for Sessions {
    async fn get(&self, id: SessionId) -> Result<Option<Versioned>, StoreError> {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(records.get(&id).cloned())
    }

    async fn put(
        &self,
        session: &Session,
        expected: Option<Version>,
        _: Option<LedgerWrite<'_>>,
    ) -> Result<Result<Version, Conflict>, StoreError> {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = records.get(&session.id).cloned();
        if found.as_ref().map(|found| found.version) != expected {
            return Ok(Err(Conflict(found)));
        }
        let version = Version::after(expected);
        let session = session.clone();
        records.insert(session.id, Versioned { session, version });
        Ok(Ok(version))
    }
}

enum FaultyPorts {}

impl Ports for FaultyPorts {
    type Model = FaultyModel;
    type Sink = NoSubscribers;
    type Store = Sessions;
    type Conversations = NoConversations;
    type Changes = NoConversations;
    type Receipt = SqsReceipt;
    type Clock = SystemClock;
}

fn config() -> Config {
    Config {
        appsync_api_url: String::new(),
        websocket_callback_url: None,
        queue_url: String::new(),
        dead_letter_queue_url: String::new(),
        sessions_table: String::new(),
        quotas_table: None,
        conversations_table: String::new(),
        conversation_ttl: Duration::from_hours(24),
        title_model_id: None,
        model: ModelSettings {
            assistants: Assistant::only(String::new(), 1).into(),
            log_errors: false,
        },
        pipeline: Settings {
            publish_mode: PublishMode::Joined,
            flush_interval: Duration::ZERO,
            checkpoint_interval: Duration::from_millis(500),
            lease: Duration::from_secs(30),
            model_first_token_timeout: Duration::from_mins(2),
            model_idle_timeout: Duration::from_secs(30),
            throttle_patience: Duration::from_mins(5),
        },
        policy: Policy {
            max_attempts: 3,
            session_ttl: Duration::from_hours(1),
            max_history_tokens: 0,
        },
        deadline_reserve: Duration::from_secs(10),
    }
}

/// An SQS that agrees to everything.
async fn queue() -> SqsQueue {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let listener = listener.expect("loopback works");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let agree = axum::Router::new().fallback(async || "{}");
    tokio::spawn(axum::serve(listener, agree).into_future());
    let sdk = sdk::load_for_endpoint(&url, "us-east-1").await;
    SqsQueue::new(&sdk, format!("{url}/000000000000/jobs"))
}

#[tokio::test]
async fn a_delivery_that_panics_fails_alone() {
    let sessions = Sessions::default();
    let worker = Arc::new(Worker::<FaultyPorts> {
        model: FaultyModel,
        title_model: None,
        conversations: NoConversations,
        subscribers: NoSubscribers,
        gateway: None,
        sessions: sessions.clone(),
        queue: queue().await,
        dead_letters: queue().await,
        clock: SystemClock,
        config: config(),
    });
    let prompts = ["one", BUG, "three"];
    let ids = prompts.map(|_| SessionId::random());
    let records = prompts.iter().zip(ids).map(|(&prompt, id)| {
        let owner = Owner::new("owner").expect("not empty");
        let job = Job::new(id, owner, prompt.to_owned(), Timestamp::EPOCH);
        json!({
            "messageId": prompt,
            "receiptHandle": prompt,
            "body": job.to_json(),
            "attributes": { "ApproximateReceiveCount": "1" },
            "messageAttributes": {},
        })
    });
    let event = json!({ "Records": records.collect::<Vec<_>>() });
    let batch: Batch = serde_json::from_value(event).expect("an SQS event");
    let mut context = Context::default();
    context.deadline = u64::MAX / 4;

    let response = worker.handle(batch, &context).await;

    let failures = response.batch_item_failures.iter();
    let failed: Vec<_> = failures.map(|it| it.item_identifier.as_str()).collect();
    assert_eq!(failed, [BUG]);
    let statuses = ids.map(|id| sessions.status(id));
    let [one, bug, three] = statuses;
    assert_eq!(
        (one, three),
        (Some(Status::Completed), Some(Status::Completed))
    );
    assert_ne!(
        bug,
        Some(Status::Completed),
        "its next attempt is still to come"
    );
}
