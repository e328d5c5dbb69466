//! What a probe is, and what it can say.

use std::fmt;

use serde_json::Value;

use super::evidence::Evidence;
use super::probes::all;

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
    /// Whether it starts a session, or would if it weren't refused.
    pub fn may_start(self) -> bool {
        !matches!(
            self,
            Self::SignIn | Self::Idle | Self::Deployed | Self::Poisoned
        )
    }

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
    /// A step failed, and nothing that comes after it could be tried.
    At(Step),
    /// It wasn't tried, for this reason.
    NotProbed(String),
}

/// A step of an experiment that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The probe that the step belongs to.
    probe: &'static str,
    got: String,
    /// What to do, where the probe's own remedy doesn't fit.
    remedy: Option<&'static str>,
    /// If one of these probes failed, it says more of the reason.
    because: &'static [&'static str],
}

/// What a probe says of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Ok(String),
    Failed(String),
    NotProbed(String),
}

/// A probe's verdict, with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub verdict: Verdict,
    /// What to do, where the probe's own remedy doesn't fit.
    pub remedy: Option<&'static str>,
    /// The probe whose failure has kept this one from being tried.
    pub blamed: Option<&'static str>,
}

impl Probe {
    /// The part of the id before the dot.
    pub fn group(&self) -> &'static str {
        group_of(self.id)
    }

    /// Judges the evidence.
    pub fn judgement(&self, evidence: &Evidence) -> Judgement {
        let plain = |verdict| Judgement {
            verdict,
            remedy: None,
            blamed: None,
        };
        let step = match (self.judge)(evidence) {
            Ok(got) => return plain(Verdict::Ok(got)),
            Err(Wrong::Failed(got)) => return plain(Verdict::Failed(got)),
            Err(Wrong::NotProbed(why)) => return plain(Verdict::NotProbed(why)),
            Err(Wrong::At(step)) => step,
        };
        let because = step.because.iter().copied();
        let blamed = because
            .filter(|id| *id != self.id)
            .find(|id| has_failed(id, evidence));
        let blamed = blamed.or_else(|| (step.probe != self.id).then_some(step.probe));
        let Some(probe) = blamed else {
            return Judgement {
                remedy: step.remedy,
                ..plain(Verdict::Failed(step.got))
            };
        };
        let why = if has_failed(probe, evidence) {
            format!("it comes after `{probe}`, which failed")
        } else {
            format!("it comes after `{probe}`: {}", step.got)
        };
        Judgement {
            blamed,
            ..plain(Verdict::NotProbed(why))
        }
    }
}

/// The group that an id belongs to.
pub fn group_of(id: &'static str) -> &'static str {
    id.split_once('.').map_or(id, |(group, _)| group)
}

fn has_failed(id: &str, evidence: &Evidence) -> bool {
    let probes = all();
    let probe = probes.iter().find(|probe| probe.id == id);
    probe.is_some_and(|probe| matches!(probe.judgement(evidence).verdict, Verdict::Failed(_)))
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
    pub fn at(probe: &'static str) -> impl Fn(String) -> Self + Copy {
        Self::after(probe, &[])
    }

    /// A step of an experiment that belongs to a probe, unless one of the others failed, which then is the reason.
    pub fn after(
        probe: &'static str,
        because: &'static [&'static str],
    ) -> impl Fn(String) -> Self + Copy {
        move |got| {
            Self::At(Step {
                probe,
                got,
                remedy: None,
                because,
            })
        }
    }

    /// Has the step's failure advise this in place of its probe's remedy.
    #[must_use]
    pub fn advised(self, remedy: &'static str) -> Self {
        match self {
            Self::At(step) => Self::At(Step {
                remedy: Some(remedy),
                ..step
            }),
            other => other,
        }
    }

    /// What came at a step of this probe, if that is what failed.
    pub fn got_at(&self, probe: &str) -> Option<&str> {
        match self {
            Self::At(step) if step.probe == probe => Some(&step.got),
            _ => None,
        }
    }

    /// A failure that isn't any step's yet becomes one.
    #[must_use]
    pub fn placed(self, place: impl FnOnce(String) -> Self) -> Self {
        match self {
            Self::Failed(got) => place(got),
            other => other,
        }
    }

    /// The user's quota doesn't allow a start now, which says nothing of the deployment.
    pub fn beyond_quota(limit: &Value, resets_at: &Value) -> Self {
        Self::NotProbed(format!(
            "the user's quota allows no start before {}: QUOTA_EXCEEDED, `{}`",
            resets_at.as_str().unwrap_or("it resets"),
            limit.as_str().unwrap_or("unknown")
        ))
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
