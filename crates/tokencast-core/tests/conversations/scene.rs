//! An owner, the tables and a worker.

use std::collections::BTreeMap;
use std::sync::{LazyLock, PoisonError};
use std::time::Duration;

use tokencast_core::assistant::{Assistant, Assistants};
use tokencast_core::brought::Brought;
use tokencast_core::deliver::{Disposition, Message, Policy, deliver};
use tokencast_core::failure::FailureCode;
use tokencast_core::id::{ConversationId, Owner, SessionId};
use tokencast_core::job::{Channel, Job, Purge};
use tokencast_core::pipeline::{AttemptContext, PublishMode, Settings};
use tokencast_core::ports::Clock as _;
use tokencast_core::requests::{RequestError, Requests, Rules, Start, Started, Within};
use tokencast_core::session::{Session, Status};
use tokencast_core::time::Deadline;

use crate::memory::{Memory, Parrot, Tables};

pub(crate) const TTL: Duration = Duration::from_hours(24);

const SETTINGS: Settings = Settings {
    publish_mode: PublishMode::Joined,
    flush_interval: Duration::ZERO,
    checkpoint_interval: Duration::from_millis(500),
    lease: Duration::from_secs(30),
    model_first_token_timeout: Duration::from_mins(2),
    model_idle_timeout: Duration::from_secs(30),
    throttle_patience: Duration::from_mins(5),
};

pub(crate) struct Scene {
    pub(crate) tables: Tables,
    pub(crate) model: Parrot,
    pub(crate) requests: Requests<Memory>,
    pub(crate) id: ConversationId,
    pub(crate) max_history_tokens: u32,
}

pub(crate) fn owner(name: &str) -> Owner {
    Owner::new(name).expect("not empty")
}

pub(crate) fn me() -> &'static Owner {
    static ME: LazyLock<Owner> = LazyLock::new(|| owner("me"));
    &ME
}

/// Two assistants, of which `general` is the default.
fn assistants() -> Assistants {
    let names = ["general", "law"].map(|name| name.parse().expect("a name"));
    let all = names.clone().map(|name| Assistant {
        name,
        ..Assistant::only("model".to_owned(), 100)
    });
    Assistants::new(&names[0], all, BTreeMap::new()).expect("a default")
}

impl Scene {
    pub(crate) fn new() -> Self {
        let tables = Tables::default();
        Self {
            requests: Requests {
                sessions: tables.clone(),
                conversations: tables.clone(),
                queue: tables.clone(),
                changes: tables.clone(),
                clock: tables.clone(),
                rules: Rules {
                    max_prompt_bytes: 100_000,
                    session_ttl: TTL,
                    start_within: Duration::from_hours(1),
                    conversation_ttl: TTL,
                    purge_delay: Duration::from_secs(30),
                    max_history_tokens: 10_000,
                },
                assistants: assistants(),
                quotas: None,
            },
            tables,
            model: Parrot::default(),
            id: ConversationId::random(),
            max_history_tokens: 10_000,
        }
    }

    /// Starts a session anywhere.
    pub(crate) async fn start_as(
        &self,
        by: &Owner,
        prompt: &str,
        session_id: SessionId,
        within: Option<Within>,
    ) -> Result<Started, RequestError> {
        self.start_with(by, prompt, session_id, within, None).await
    }

    /// Starts a session anywhere, with an assistant.
    pub(crate) async fn start_with(
        &self,
        by: &Owner,
        prompt: &str,
        session_id: SessionId,
        within: Option<Within>,
        assistant: Option<&str>,
    ) -> Result<Started, RequestError> {
        self.tables.state().now += Duration::from_millis(1);
        let start = Start {
            prompt: prompt.to_owned().into(),
            brought: Brought::default(),
            session_id: Some(session_id),
            within,
            channel: Channel::Subscription,
            delay: Duration::ZERO,
            follower: None,
            assistant: assistant.map(str::to_owned),
        };
        self.requests.start(&by.clone().into(), start).await
    }

    #[expect(clippy::unnecessary_wraps, reason = "as a start takes it")]
    pub(crate) fn within(&self, parent_id: Option<SessionId>) -> Option<Within> {
        Some(Within {
            conversation_id: self.id,
            parent_id,
        })
    }

    /// Starts a turn of the conversation.
    pub(crate) async fn start(
        &self,
        prompt: &str,
        parent: Option<SessionId>,
    ) -> Result<Session, RequestError> {
        let started = self.start_as(me(), prompt, SessionId::random(), self.within(parent));
        started.await.map(|started| started.session)
    }

    /// Starts a turn and has it answered.
    pub(crate) async fn ask(&self, prompt: &str, parent: Option<SessionId>) -> SessionId {
        let session = self.start(prompt, parent).await.expect("started");
        assert_eq!(self.work().await, [Disposition::Done]);
        session.id
    }

    pub(crate) async fn refused(&self, parent: SessionId) -> FailureCode {
        let refused = self.start("Why?", Some(parent)).await;
        refused.expect_err("refused").code()
    }

    /// Delivers all messages of the queue, each once.
    pub(crate) async fn work(&self) -> Vec<Disposition> {
        let (jobs, purges) = {
            let mut state = self.tables.state();
            (
                std::mem::take(&mut state.jobs),
                std::mem::take(&mut state.purges),
            )
        };
        let mut dispositions = Vec::new();
        for body in jobs
            .iter()
            .map(Job::to_json)
            .chain(purges.iter().map(Purge::to_json))
        {
            dispositions.push(self.deliver(&body).await);
        }
        dispositions
    }

    pub(crate) async fn deliver(&self, body: &str) -> Disposition {
        let context = AttemptContext::<Memory> {
            model: &self.model,
            sink: &self.tables,
            store: &self.tables,
            conversations: &self.tables,
            changes: &self.tables,
            receipt: &self.tables,
            clock: &self.tables,
            settings: &SETTINGS,
            observe: &|_| {},
        };
        let policy = Policy {
            max_attempts: 3,
            session_ttl: TTL,
            max_history_tokens: self.max_history_tokens,
        };
        let killed_at = self.tables.now() + Duration::from_mins(10);
        let message = Message {
            body,
            deadline: Deadline::at(killed_at - Duration::from_secs(10)),
            killed_at,
        };
        deliver(&context, &policy, &message).await
    }

    pub(crate) fn session(&self, id: SessionId) -> Session {
        self.tables.state().sessions[&id].session.clone()
    }

    pub(crate) fn status(&self, id: SessionId) -> Status {
        self.session(id).status
    }

    /// What the model was told last.
    pub(crate) fn told(&self) -> Vec<String> {
        let told = self
            .model
            .told
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let last = told.last().expect("it was asked");
        last.turns.iter().map(|turn| turn.text.clone()).collect()
    }
}
