//! What a probe is, and what it can say.

use std::fmt;

use super::evidence::Evidence;

/// One promise, or one thing that nobody could establish, and how the evidence is judged.
#[derive(Clone, Copy)]
pub struct Probe {
    /// `GROUP.NAME`. It stays the same from one version to the next.
    pub id: &'static str,
    /// Where its evidence comes from.
    pub experiment: Experiment,
    /// What should hold.
    pub promise: &'static str,
    /// Where that is decided or left open.
    pub source: &'static str,
    /// What a deployment that keeps the promise shows.
    pub expected: &'static str,
    /// What to do if it fails.
    pub remedy: &'static str,
    pub judge: fn(&Evidence) -> Judged,
}

/// What is done to a deployment. Many probes judge what one experiment finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Experiment {
    /// Two users sign in.
    SignIn,
    /// Requests that have to be refused.
    Refusals,
    /// The assistants, and one that there is not.
    Assistants,
    /// One question over AppSync.
    Asked,
    /// The same question again.
    Again,
    /// What is used of the quota, before the question and after it.
    Counted,
    /// An answer that is stopped.
    Stopped,
    /// An answer whose socket is lost.
    Reloaded,
    /// A conversation of three turns.
    Conversed,
    /// One question over the Function URL.
    Url,
    /// An answer over the Function URL that is stopped.
    UrlStopped,
    /// A chat in the AI SDK's protocol.
    AiSdk,
    /// A completion in OpenAI's protocol.
    OpenAi,
    /// A run in AG-UI's protocol.
    AgUi,
    /// One question over the WebSocket API.
    WebSocket,
    /// An answer over the WebSocket API that is stopped.
    WebSocketStopped,
    /// A connection that is idle for a while.
    Idle,
    /// A question before a hundred subscribers.
    Crowd,
    /// A second user tries what is the first one's.
    Strangers,
    /// What AWS's APIs say.
    Deployed,
    /// A message that is no job.
    Poisoned,
    /// Starts beyond the quota.
    BeyondQuota,
    /// The deletion of the run's conversations.
    Deleted,
}

impl Experiment {
    /// The experiments whose findings this one begins with.
    pub fn needs(self) -> &'static [Self] {
        match self {
            Self::Again | Self::Strangers | Self::Deleted => &[Self::Asked],
            Self::Counted => &[Self::Asked, Self::Again],
            Self::Conversed | Self::OpenAi => &[Self::Assistants],
            _ => &[],
        }
    }
}

/// What the evidence shows of the promise that holds, or why it doesn't.
pub type Judged = Result<String, Wrong>;

/// What an experiment has found, or what has kept it from finding anything.
pub type Found<T> = Result<T, Wrong>;

/// Why a promise isn't seen to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It doesn't hold: this came in place of what was expected.
    Failed(String),
    /// This probe failed, and nothing that comes after it could be tried.
    At { probe: &'static str, got: String },
    /// It wasn't tried, for this reason.
    NotProbed(String),
}

/// What a probe says of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Ok(String),
    Failed(String),
    NotProbed(String),
}

impl Probe {
    /// The part of the id before the dot.
    pub fn group(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(group, _)| group)
    }

    pub fn verdict(&self, evidence: &Evidence) -> Verdict {
        match (self.judge)(evidence) {
            Ok(got) => Verdict::Ok(got),
            Err(Wrong::Failed(got)) => Verdict::Failed(got),
            Err(Wrong::At { probe, got }) if probe == self.id => Verdict::Failed(got),
            Err(Wrong::At { probe, .. }) => {
                Verdict::NotProbed(format!("it comes after `{probe}`, which failed"))
            }
            Err(Wrong::NotProbed(why)) => Verdict::NotProbed(why),
        }
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Probe")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Wrong {
    /// A step of an experiment that belongs to a probe.
    pub fn at(probe: &'static str) -> impl FnOnce(String) -> Self {
        move |got| Self::At { probe, got }
    }
}

/// Fails with what came, unless `holds`.
///
/// # Errors
///
/// It doesn't hold.
pub fn ensure(holds: bool, got: impl FnOnce() -> String) -> Result<(), Wrong> {
    if holds {
        Ok(())
    } else {
        Err(Wrong::Failed(got()))
    }
}
