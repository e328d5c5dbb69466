//! What the experiments have found. Probes judge it, and ask nothing themselves.

use super::context::Limits;
use super::probe::{Found, Wrong};
use super::probes::{
    access::{SignedIn, Strangers},
    conversations::{Conversed, Deleted},
    delivery::Crowd,
    deployed::Deployed,
    disruptive::Poisoned,
    errors::Refusals,
    measurements::Idle,
    protocols::Protocols,
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
    pub asked: Found<Asked>,
    pub again: Found<Again>,
    pub stopped: Found<Stopped>,
    pub reloaded: Found<Reloaded>,
    pub strangers: Found<Strangers>,
    pub conversed: Found<Conversed>,
    pub deleted: Found<Deleted>,
    pub url: Found<Url>,
    pub websocket: Found<WebSocket>,
    pub protocols: Found<Protocols>,
    pub idle: Found<Idle>,
    pub crowd: Found<Crowd>,
    pub deployed: Found<Deployed>,
    pub poisoned: Found<Poisoned>,
}

impl Evidence {
    /// Nothing found yet, each time for this reason.
    pub fn none(limits: Limits, signed_in: SignedIn, why: &Wrong) -> Self {
        Self {
            limits,
            signed_in,
            refusals: Err(why.clone()),
            asked: Err(why.clone()),
            again: Err(why.clone()),
            stopped: Err(why.clone()),
            reloaded: Err(why.clone()),
            strangers: Err(why.clone()),
            conversed: Err(why.clone()),
            deleted: Err(why.clone()),
            url: Err(why.clone()),
            websocket: Err(why.clone()),
            protocols: Err(why.clone()),
            idle: Err(why.clone()),
            crowd: Err(why.clone()),
            deployed: Err(why.clone()),
            poisoned: Err(why.clone()),
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
