//! Handles one event, from its arguments to its response.

use std::time::Duration;

use tokencast_aws::clock::iso8601;
use tokencast_aws::metrics;
use tokencast_aws::schema_json::AssistantJson;
use tokencast_core::brought::Brought;
use tokencast_core::id::{Owner, SessionId};
use tokencast_core::job::Channel;
use tokencast_core::ports::{Clock, RequestPorts};
use tokencast_core::quota::Caller;
use tokencast_core::requests::{self, Requests, Start, Within};
use tokencast_core::session::{Session, Status};
use tracing::{error, info};

use crate::error::RequestError;
use crate::event::{Arguments, Refusal, Reply, ResolverEvent, Response, StreamResponse};

/// The function's name in metrics.
const SERVICE: &str = "request";

/// Everything that the function works with.
pub struct Request<P: RequestPorts> {
    pub requests: Requests<P>,
}

impl<P: RequestPorts> Request<P> {
    /// # Errors
    ///
    /// A fault of ours. A refusal is no error, but a reply.
    pub async fn handle(&self, event: ResolverEvent) -> Result<Reply, RequestError> {
        let field = event.field.clone();
        match self.answer(event).await {
            Ok(response) => {
                info!(field, "answered");
                Ok(Reply::Data(response))
            }
            Err(error) if error.is_failure() => {
                error!(field, code = %error.code(), error = &error as &dyn std::error::Error, "failed");
                Err(error)
            }
            Err(refused) => {
                info!(field, code = %refused.code(), "refused");
                if let Some(exceeded) = refused.exceeded() {
                    metrics::count_refusal(SERVICE, exceeded);
                }
                Ok(Reply::Error(Refusal::from(&refused)))
            }
        }
    }

    async fn answer(&self, event: ResolverEvent) -> Result<Response, RequestError> {
        let caller = event.caller().ok_or(RequestError::NoOwner)?;
        let owner = caller.owner.clone();
        let arguments = event.arguments;
        match event.field.as_str() {
            "startStream" => {
                // Boxed, because it is much larger than all others.
                let started = Box::pin(self.start(&caller, arguments));
                started.await.map(Response::Status)
            }
            "stopStream" => self
                .stop(&owner, session_id(&arguments)?)
                .await
                .map(Response::Status),
            "getStream" => Ok(
                match self.requests.read(&owner, session_id(&arguments)?).await? {
                    Some(session) => Response::Stream(Box::new(session.into())),
                    None => Response::Nothing,
                },
            ),
            "getStreamStatus" => Ok(
                match self.requests.read(&owner, session_id(&arguments)?).await? {
                    Some(session) => {
                        Response::Status(self.response(&session, session.status.as_str(), ""))
                    }
                    None => Response::Nothing,
                },
            ),
            "onTokenReceived" => {
                // A subscription's resolver admits or refuses. Its value reaches nobody.
                let id = session_id(&arguments)?;
                // AppSync compares the argument with each event's id letter by letter, so a subscription with capital
                // letters would hear nothing.
                if arguments.session_id.as_deref() != Some(id.as_str()) {
                    return Err(RequestError::CapitalLetters(id));
                }
                self.requests.claim(&owner, id).await?;
                Ok(Response::Nothing)
            }
            "assistants" => {
                let assistants = AssistantJson::all(&self.requests.assistants);
                Ok(Response::Assistants(assistants))
            }
            "usage" => Ok(Response::Usage(self.requests.usage(&caller).await?.into())),
            other => self.answer_conversations(&owner, other, arguments).await,
        }
    }

    async fn start(
        &self,
        caller: &Caller,
        arguments: Arguments,
    ) -> Result<StreamResponse, RequestError> {
        let prompt = arguments.prompt;
        let start = Start {
            prompt: prompt.ok_or(RequestError::MissingArgument("prompt"))?,
            brought: Brought::default(),
            assistant: arguments.assistant,
            session_id: match arguments.session_id {
                Some(id) => Some(id.parse().map_err(requests::RequestError::from)?),
                None => None,
            },
            within: Within::read(
                arguments.conversation_id.as_deref(),
                arguments.parent_id.as_deref(),
            )?,
            channel: Channel::Subscription,
            delay: Duration::ZERO,
            follower: None,
        };
        let session = self.requests.start(caller, start).await?.session;
        if session.status.is_terminal() {
            let message =
                "This session has ended; getStream has its answer. A new sessionId starts another.";
            return Ok(self.response(&session, session.status.as_str(), message));
        }
        let message = "Subscribe to onTokenReceived with this sessionId.";
        Ok(self.response(&session, "streaming_started", message))
    }

    async fn stop(&self, owner: &Owner, id: SessionId) -> Result<StreamResponse, RequestError> {
        let session = self.requests.stop(owner, id).await?;
        Ok(match session.status {
            Status::Cancelled => {
                self.response(&session, session.status.as_str(), "The session is stopped.")
            }
            ended if ended.is_terminal() => {
                self.response(&session, ended.as_str(), "The session had ended already.")
            }
            _ => self.response(
                &session,
                "stopping",
                "The session stops in a moment; its last event says CANCELLED.",
            ),
        })
    }

    fn response(
        &self,
        session: &Session,
        status: &'static str,
        message: &'static str,
    ) -> StreamResponse {
        let timestamp = iso8601(self.requests.clock.now());
        StreamResponse {
            session_id: session.id.to_string(),
            status,
            message,
            timestamp,
            error: None,
            conversation_id: session.conversation_id.map(|id| id.to_string()),
            parent_id: session.parent_id.map(|id| id.to_string()),
            assistant: session.assistant.clone().map(String::from),
        }
    }
}

fn session_id(arguments: &Arguments) -> Result<SessionId, RequestError> {
    let id = arguments
        .session_id
        .as_deref()
        .ok_or(RequestError::MissingArgument("sessionId"))?;
    Ok(id.parse().map_err(requests::RequestError::from)?)
}
