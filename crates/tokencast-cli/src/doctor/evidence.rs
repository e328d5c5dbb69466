//! What the experiments have found. Probes judge it, and ask nothing themselves.

use super::context::Limits;
use super::probe::{Found, Wrong};
use super::probes::{
    access::{SignedIn, Strangers},
    ai_sdk::AiSdk,
    assistants::Assistants,
    beyond_quota::BeyondQuota,
    channel_stops::{UrlStopped, WebSocketStopped},
    conversations::Conversed,
    deletion::Deleted,
    delivery::Crowd,
    deployed::Deployed,
    disruptive::Poisoned,
    errors::Refusals,
    front_ends::{AgUi, OpenAi},
    measurements::Idle,
    quotas::Counted,
    sessions::{Again, Asked},
    stopping::{Reloaded, Stopped},
    url::Url,
    websocket::WebSocket,
};

#[derive(Debug)]
pub struct Evidence {
    pub limits: Limits,
    pub signed_in: SignedIn,
    pub refusals: Found<Refusals>,
    pub assistants: Found<Assistants>,
    pub asked: Found<Asked>,
    pub again: Found<Again>,
    pub counted: Found<Counted>,
    pub stopped: Found<Stopped>,
    pub reloaded: Found<Reloaded>,
    pub strangers: Found<Strangers>,
    pub conversed: Found<Conversed>,
    pub deleted: Found<Deleted>,
    pub url: Found<Url>,
    pub url_stopped: Found<UrlStopped>,
    pub websocket: Found<WebSocket>,
    pub websocket_stopped: Found<WebSocketStopped>,
    pub ai_sdk: Found<AiSdk>,
    pub open_ai: Found<OpenAi>,
    pub ag_ui: Found<AgUi>,
    pub idle: Found<Idle>,
    pub crowd: Found<Crowd>,
    pub deployed: Found<Deployed>,
    pub poisoned: Found<Poisoned>,
    pub beyond_quota: Found<BeyondQuota>,
}

impl Evidence {
    /// Nothing found yet, each time for this reason.
    pub fn none(limits: Limits, signed_in: SignedIn, why: &Wrong) -> Self {
        Self {
            limits,
            signed_in,
            refusals: Err(why.clone()),
            assistants: Err(why.clone()),
            asked: Err(why.clone()),
            again: Err(why.clone()),
            counted: Err(why.clone()),
            stopped: Err(why.clone()),
            reloaded: Err(why.clone()),
            strangers: Err(why.clone()),
            conversed: Err(why.clone()),
            deleted: Err(why.clone()),
            url: Err(why.clone()),
            url_stopped: Err(why.clone()),
            websocket: Err(why.clone()),
            websocket_stopped: Err(why.clone()),
            ai_sdk: Err(why.clone()),
            open_ai: Err(why.clone()),
            ag_ui: Err(why.clone()),
            idle: Err(why.clone()),
            crowd: Err(why.clone()),
            deployed: Err(why.clone()),
            poisoned: Err(why.clone()),
            beyond_quota: Err(why.clone()),
        }
    }
}

/// What an experiment has found, or why it has found nothing.
///
/// # Errors
///
/// It has found nothing.
pub fn of<T>(found: &Found<T>) -> Result<&T, Wrong> {
    found.as_ref().map_err(Clone::clone)
}
