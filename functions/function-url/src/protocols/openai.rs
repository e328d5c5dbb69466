//! `/v1`: what OpenAI's clients ask for.
//!
//! | request | what |
//! | --- | --- |
//! | `POST /v1/chat/completions` | the answer to the last message, streamed or not |
//! | `GET /v1/models` | the assistants |
//! | `GET /v1/models/NAME` | one of them |

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use tokencast_aws::jwt::JwtError;
use tokencast_core::assistant::AssistantName;
use tokencast_core::conversation::history;
use tokencast_core::event::TokenEvent;
use tokencast_core::failure::FailureCode;
use tokencast_core::id::{Owner, Position, SessionId};
use tokencast_core::job::Channel;
use tokencast_core::quota::Caller;
use tokencast_core::requests::{RequestError, Start};
use tokencast_core::time::Timestamp;
use tokencast_protocols::ids;
use tokencast_protocols::openai::chunks::Chunks;
use tokencast_protocols::openai::completion::Completion;
use tokencast_protocols::openai::error::ApiError;
use tokencast_protocols::openai::request::ChatRequest;
use tokencast_protocols::openai::{Named, models};
use tokencast_protocols::tries::{self, Try};

use super::{Wait, Writer, decode, frames};
use crate::body::BrokenOff;
use crate::error::UrlError;
use crate::event::UrlEvent;
use crate::handle::FunctionUrl;
use crate::quota::is_worth_waiting;
use crate::reply::{Content, Reply, Whole};

/// The first part of the paths.
pub const PATH: &str = "v1";

/// The header by which OpenAI's clients name a response; ours has the session's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header by which OpenAI's clients know whether another try makes sense.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Only its key makes a request the same as another.
const OTHER_INPUT: &str = "the `Idempotency-Key` was sent with another request before: expected the same body, or another key";

/// A request below [`PATH`].
#[derive(Debug, PartialEq, Eq)]
pub enum Route {
    Complete,
    Models,
    Model(String),
}

impl Route {
    /// `below` is the path behind [`PATH`], without slashes around it.
    ///
    /// # Errors
    ///
    /// There is nothing at this path, or not by this method.
    pub fn of(method: &str, below: &str) -> Result<Self, UrlError> {
        let not = |allowed| Err(UrlError::Method { allowed });
        match (method, below) {
            ("POST", "chat/completions") => Ok(Self::Complete),
            (_, "chat/completions") => not("POST"),
            ("GET", "models") => Ok(Self::Models),
            (_, "models") => not("GET, HEAD"),
            (method, below) => match (method, below.strip_prefix("models/")) {
                ("GET", Some(name)) => Ok(Self::Model(decode(name))),
                (_, Some(_)) => not("GET, HEAD"),
                (_, None) => Err(UrlError::UnknownPath),
            },
        }
    }
}

impl FunctionUrl {
    pub(crate) async fn openai(
        self: &Arc<Self>,
        caller: Caller,
        route: Route,
        event: &UrlEvent,
        killed_at: Timestamp,
    ) -> Result<Reply, UrlError> {
        let whole = |json: serde_json::Value| Whole::new(StatusCode::OK, json.to_string());
        match route {
            Route::Complete => self.complete(caller, event, killed_at).await,
            Route::Models => {
                let assistants = self.requests.assistants.iter();
                let names = assistants.map(|assistant| assistant.name.as_str());
                Ok(Reply::Whole(whole(models::list(names))))
            }
            Route::Model(name) => {
                let name = self.assistant_name(&name)?;
                Ok(Reply::Whole(whole(models::model(name.as_str()))))
            }
        }
    }

    /// Answers the last message, in a session outside of conversations.
    async fn complete(
        self: &Arc<Self>,
        caller: Caller,
        event: &UrlEvent,
        killed_at: Timestamp,
    ) -> Result<Reply, UrlError> {
        let request = ChatRequest::read(&event.body().unwrap_or_default())?;
        let assistant = self.assistant_name(&request.model)?;
        let tokens = history::brought_cost(&request.brought);
        let max = self.config.policy.max_history_tokens;
        if tokens > max.into() {
            return Err(UrlError::LongContext { tokens, max });
        }
        let start = Start {
            prompt: request.prompt.0.into(),
            brought: request.brought,
            assistant: Some(assistant.to_string()),
            session_id: self.repeated(&caller.owner, event).await?,
            within: None,
            channel: Channel::Response,
            // As long as this process holds its lease.
            delay: self.config.pipeline.lease,
            follower: None,
        };
        let started = self.requests.start(&caller, start).await?;
        let named = Named {
            session_id: started.session.id,
            created: started.session.created_at,
            model: assistant.as_str().into(),
        };
        let known = Position::default();
        Ok(if request.is_streamed {
            let session_id = named.session_id;
            let chunks = Chunks::new(named, request.includes_usage);
            let words = Stream { session_id, chunks };
            self.begin(caller.owner, started, known, words, killed_at)
        } else {
            let session_id = named.session_id;
            let completion = Completion::new(named);
            let words = Completed {
                session_id,
                completion,
            };
            self.begin(caller.owner, started, known, words, killed_at)
        })
    }

    fn assistant_name(&self, model: &str) -> Result<AssistantName, UrlError> {
        let chosen = self.requests.assistants.choose(Some(model), None);
        let chosen = chosen.map_err(RequestError::from)?;
        Ok(chosen.name.clone())
    }

    /// The session of a request that can be told from another by its key. After one that failed or was stopped, the request
    /// is asked anew.
    async fn repeated(
        &self,
        owner: &Owner,
        event: &UrlEvent,
    ) -> Result<Option<SessionId>, UrlError> {
        let Some(key) = event.idempotency_key() else {
            return Ok(None);
        };
        let first = ids::request_session_id(owner, key);
        Ok(Some(
            match tries::last(&self.requests, owner, first).await? {
                Try::Free(id) => id,
                Try::Taken(found) => found.id,
            },
        ))
    }
}

/// Writes an answer as a streamed completion.
struct Stream {
    session_id: SessionId,
    chunks: Chunks,
}

impl Writer for Stream {
    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        request_id(self.session_id)
    }

    fn waits(&self) -> Wait {
        Wait::Begin
    }

    fn event(&mut self, event: &TokenEvent) -> Result<Bytes, BrokenOff> {
        Ok(frames(&self.chunks.event(event)))
    }

    fn has_ended(&self) -> bool {
        self.chunks.is_over()
    }

    fn interrupted(&mut self) -> Bytes {
        frames(&self.chunks.interrupted())
    }

    fn refusal(&self, error: UrlError) -> Whole {
        refusal(error)
    }
}

/// Writes an answer as a completion that isn't streamed.
struct Completed {
    session_id: SessionId,
    completion: Completion,
}

impl Writer for Completed {
    fn content_type(&self) -> &'static str {
        "application/json"
    }

    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        request_id(self.session_id)
    }

    fn waits(&self) -> Wait {
        Wait::End
    }

    fn event(&mut self, event: &TokenEvent) -> Result<Bytes, BrokenOff> {
        Ok(self.completion.event(event).unwrap_or_default().into())
    }

    fn refusal(&self, error: UrlError) -> Whole {
        refusal(error)
    }
}

fn request_id(session_id: SessionId) -> Vec<(HeaderName, HeaderValue)> {
    let id = HeaderValue::from_str(session_id.as_str());
    id.map(|id| (REQUEST_ID, id)).into_iter().collect()
}

/// A refusal or a failure in OpenAI's shape. Its clients try again what has a status of 409, 429 or 5xx, unless a header
/// says that it makes no sense.
pub(crate) fn refusal(error: UrlError) -> Whole {
    let (code, message) = (error.code(), error.to_string());
    let api_error = match &error {
        UrlError::Caller(JwtError::Refused(_)) => ApiError::of_key(message),
        UrlError::OpenAi(invalid) => invalid.into(),
        UrlError::Request(RequestError::UnknownAssistant(unknown)) => {
            ApiError::no_model(unknown.known.iter().map(AssistantName::as_str))
        }
        UrlError::Request(RequestError::OtherInput) => ApiError::of(code, OTHER_INPUT.to_owned()),
        UrlError::LongContext { tokens, max } => ApiError::long_context(*tokens, *max),
        UrlError::Request(
            RequestError::EmptyPrompt
            | RequestError::LongPrompt { .. }
            | RequestError::LongJob { .. }
            | RequestError::LongHistory { .. }
            | RequestError::LongSystemPrompt { .. }
            | RequestError::NotUnicode
            | RequestError::SystemPrompt,
        ) => ApiError::of(code, message).about("messages"),
        // To OpenAI's clients, a quota that is exceeded stays so until somebody acts.
        UrlError::Request(RequestError::Quota(exceeded)) if is_worth_waiting(exceeded) => {
            ApiError::of(FailureCode::Throttled, message)
        }
        _ => ApiError::of(code, message),
    };
    let is_unknown = matches!(error, UrlError::Request(RequestError::UnknownAssistant(_)));
    let mut whole = Whole::from(error);
    if is_unknown {
        whole.status = StatusCode::NOT_FOUND;
    }
    if code == FailureCode::Throttled {
        whole.status = StatusCode::TOO_MANY_REQUESTS;
    }
    // A quota says by itself when another try makes sense.
    if !code.retryable() && code != FailureCode::QuotaExceeded {
        let no = HeaderValue::from_static("false");
        whole.headers.push((SHOULD_RETRY, no));
    }
    whole.content = Content::Json(api_error.to_json());
    whole
}

#[cfg(test)]
mod tests {
    use tokencast_core::quota::{Exceeded, LimitName};

    use super::*;

    #[test]
    fn a_path_is_a_route() {
        let check = |method: &str, below: &str, expected: Result<Route, &str>| {
            let route = Route::of(method, below).map_err(|error| error.to_string());
            let expected = expected.map_err(str::to_owned);
            match (&route, &expected) {
                (Err(error), Err(start)) => assert!(error.starts_with(start), "{error}"),
                _ => assert_eq!(route, expected, "{method} {below}"),
            }
        };
        let not = "the method is not taken here";
        let name = |name: &str| Ok(Route::Model(name.to_owned()));
        check("POST", "chat/completions", Ok(Route::Complete));
        check("GET", "chat/completions", Err(not));
        check("GET", "models", Ok(Route::Models));
        check("POST", "models", Err(not));
        check("GET", "models/default", name("default"));
        check("GET", "models/a%2Fb", name("a/b"));
        check("DELETE", "models/default", Err(not));
        check("POST", "responses", Err("there is nothing at this path"));
        check("GET", "", Err("there is nothing at this path"));
    }

    #[test]
    fn a_refusal_says_whether_to_try_again() {
        let check = |error: UrlError, status: u16, code: &str, is_final: bool| {
            let whole = refusal(error);
            let Content::Json(json) = &whole.content else {
                panic!("{whole:?}");
            };
            let json: serde_json::Value = serde_json::from_str(json).expect("JSON");
            assert_eq!(
                (whole.status.as_u16(), &json["error"]["code"]),
                (status, &code.into())
            );
            assert!(json["error"]["message"].is_string() && json["error"]["type"].is_string());
            let said = whole.headers.iter().any(|(name, _)| *name == SHOULD_RETRY);
            assert_eq!(said, is_final, "{json}");
        };
        let failed =
            |code| UrlError::Answer(tokencast_core::failure::Failure::new(code, "It failed."));
        check(
            failed(FailureCode::Throttled),
            429,
            "rate_limit_exceeded",
            false,
        );
        check(failed(FailureCode::ModelError), 502, "MODEL_ERROR", false);
        check(
            failed(FailureCode::ModelUnavailable),
            502,
            "MODEL_UNAVAILABLE",
            true,
        );
        check(UrlError::Interrupted, 503, "INTERNAL", false);
        check(
            RequestError::from(tokencast_core::assistant::UnknownAssistant {
                named: None,
                known: Vec::new(),
            })
            .into(),
            404,
            "model_not_found",
            true,
        );
        check(
            UrlError::LongContext { tokens: 2, max: 1 },
            400,
            "context_length_exceeded",
            true,
        );
        check(
            UrlError::Request(RequestError::OtherInput),
            409,
            "invalid_prompt",
            true,
        );
        for (limit, resets_after_ms, code, is_final) in [
            (
                LimitName::StartsPerDay,
                3_600_000,
                "insufficient_quota",
                true,
            ),
            (
                LimitName::StartsPerMinute,
                60_000,
                "rate_limit_exceeded",
                false,
            ),
        ] {
            let exceeded = Exceeded {
                limit,
                used: 1,
                most: 1,
                needed: 1,
                at: Timestamp::EPOCH,
                resets_at: Timestamp::from_millis(resets_after_ms),
            };
            let quota = RequestError::Quota(exceeded).into();
            check(quota, 429, code, is_final);
        }
    }
}
