//! What the worker does for a conversation once a turn is over and its subscribers know: a better title, and a longer life.
//! If it fails, the conversation keeps the title that it has, and the next turn's worker extends it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokencast_aws::bedrock::ModelSettings;
use tokencast_core::assistant::{Assistant, Assistants};
use tokencast_core::conversation::{care, title};
use tokencast_core::event::GuardrailAction;
use tokencast_core::failure::Failure;
use tokencast_core::id::ConversationId;
use tokencast_core::job::Job;
use tokencast_core::ports::{
    Clock, ConversationSink, ConversationStore, Model, ModelEvent, ModelRequest, Ports,
    SessionStore, StoreError, TokenSource, VersionedConversation,
};
use tokencast_core::session::{Session, Status};
use tokencast_core::time::Deadline;
use tokio::time::timeout;
use tracing::warn;

use crate::config::Config;
use crate::handle::Worker;

/// What the model for titles is told.
const INSTRUCTION: &str = "You name conversations. Answer with a title of two to six words for the conversation that you \
    are given, in its language, and with nothing else: no quotes, no full stop.";

/// The longest answer of that model, in tokens.
const MAX_TITLE_TOKENS: u32 = 60;

/// How much of a prompt and of an answer the model for titles is told, in characters.
const MAX_TOLD_CHARS: usize = 2000;

/// How long the model for titles may take.
const TITLE_TIMEOUT: Duration = Duration::from_secs(20);

/// How the model for titles is asked, if there is one: for each assistant behind the same guardrail, because it is told
/// what the assistant's model was told.
pub fn title_settings(config: &Config) -> Option<ModelSettings> {
    let model_id = config.title_model_id.clone()?;
    let assistants = &config.model.assistants;
    let entitlers = assistants.iter().map(|assistant| Assistant {
        name: assistant.name.clone(),
        system_prompt: Some(INSTRUCTION.to_owned()),
        prompt_caching: false,
        guardrail: assistant.guardrail.clone(),
        ..Assistant::only(model_id.clone(), MAX_TITLE_TOKENS)
    });
    let default = &assistants.default_assistant().name;
    Some(ModelSettings {
        assistants: Assistants::new(default, entitlers, BTreeMap::new()).ok()?,
        log_errors: config.model.log_errors,
    })
}

impl<P: Ports> Worker<P>
where
    P::Sink: ConversationSink,
{
    /// Does what a conversation needs after this job's turn.
    pub(crate) async fn care(&self, job: &Job, deadline: Deadline) {
        let Some(id) = job.conversation_id else {
            return;
        };
        let left = deadline.left(self.clock.now());
        match timeout(left, Box::pin(self.try_care(id, job, deadline))).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                warn!(conversation = %id, error = &error as &dyn std::error::Error, "not cared for");
            }
            Err(_) => warn!(conversation = %id, "not cared for: the time is up"),
        }
    }

    async fn try_care(
        &self,
        id: ConversationId,
        job: &Job,
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        let Some(found) = self.conversations.conversation(id).await? else {
            return Ok(());
        };
        let conversation = found.conversation.clone();
        if conversation.deleted_at.is_some() {
            return Ok(());
        }
        let ttl = self.config.conversation_ttl;
        if let Some(model) = &self.title_model {
            self.entitle(model, found, job, deadline).await?;
        }
        care::extend(&self.conversations, &self.clock, &conversation, ttl).await
    }

    /// Has the model make a title of the first turn that it has answered.
    async fn entitle(
        &self,
        model: &P::Model,
        found: VersionedConversation,
        job: &Job,
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        let id = found.conversation.id;
        if found
            .conversation
            .clone()
            .ask_title(self.clock.now())
            .is_none()
        {
            return Ok(());
        }
        let session = self.sessions.get(job.session_id).await?;
        let has_answer = |session: &Session| {
            session.status == Status::Completed
                && !session.text.trim().is_empty()
                && !session.ending.is_blocked()
        };
        let session = session.map(|found| found.session);
        let Some(session) = session.filter(has_answer) else {
            return Ok(());
        };
        if !care::claim_title(&self.conversations, &self.clock, found).await? {
            return Ok(());
        }
        let told = format!(
            "The question:\n\n{}\n\nThe answer:\n\n{}\n\nThe title:",
            beginning(&job.prompt),
            beginning(&session.text)
        );
        let request = ModelRequest {
            assistant: session.assistant.clone(),
            ..ModelRequest::of_prompt(told)
        };
        let answer = match timeout(TITLE_TIMEOUT, answer(model, &request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(failure)) => {
                warn!(conversation = %id, code = %failure.code, "no title was made");
                return Ok(());
            }
            Err(_) => {
                warn!(conversation = %id, "no title was made in time");
                return Ok(());
            }
        };
        let Some(title) = title::of_answer(&answer) else {
            return Ok(());
        };
        let entitled = care::entitle(&self.conversations, &self.clock, id, &title).await?;
        if let Some(renamed) = entitled
            && let Err(failure) = self.subscribers.tell(&renamed, deadline).await
        {
            warn!(conversation = %id, code = %failure.code, "nobody heard of a title");
        }
        Ok(())
    }
}

fn beginning(text: &str) -> &str {
    let end = text.char_indices().nth(MAX_TOLD_CHARS);
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// The model's text; none if a guardrail has spoken in its place.
async fn answer<M: Model>(model: &M, request: &ModelRequest) -> Result<String, Failure> {
    let mut tokens = model.start(request).await?;
    let mut answer = String::new();
    while let Some(event) = tokens.next().await? {
        match event {
            ModelEvent::Piece(piece) => answer.push_str(piece.token()),
            ModelEvent::Guardrail(it) if it.action == GuardrailAction::Blocked => {
                return Ok(String::new());
            }
            _ => {}
        }
    }
    Ok(answer)
}
