//! When to ask for a snapshot: soon after a gap, and now and then in a long silence.

use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::bounds::{GAP_RETRY_FIRST, GAP_RETRY_MAX, Timeouts};

pub(super) struct CatchUp {
    due: Instant,
    under_way: UnderWay,
    /// Events are known to be missing.
    gap: bool,
    gap_wait: Duration,
    gap_retry: Backoff,
    idle: Duration,
    idle_retry: Backoff,
}

/// Whether a snapshot is being asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UnderWay {
    Nothing,
    Asked,
    /// Before the present subscription: it may miss what came between.
    AskedTooEarly,
}

impl CatchUp {
    pub(super) fn new(timeouts: &Timeouts) -> Self {
        let idle = timeouts.idle;
        Self {
            due: Instant::now() + idle,
            under_way: UnderWay::Nothing,
            gap: false,
            gap_wait: timeouts.gap,
            gap_retry: Backoff::new(GAP_RETRY_FIRST, GAP_RETRY_MAX),
            idle,
            idle_retry: Backoff::new(idle * 2, idle * 4),
        }
    }

    /// When to ask; `None` while an answer is awaited.
    pub(super) fn due(&self) -> Option<Instant> {
        (self.under_way == UnderWay::Nothing).then_some(self.due)
    }

    pub(super) fn asking(&mut self) {
        self.under_way = UnderWay::Asked;
    }

    /// Whatever was sent before now may be missing.
    pub(super) fn resubscribed(&mut self) {
        self.due = Instant::now();
        if self.under_way == UnderWay::Asked {
            self.under_way = UnderWay::AskedTooEarly;
        }
    }

    /// After an event: is anything missing?
    pub(super) fn event(&mut self, gap: bool) {
        self.idle_retry.reset();
        match (self.gap, gap) {
            (false, true) => self.due = Instant::now() + self.gap_wait,
            (_, false) => {
                self.gap_retry.reset();
                self.due = Instant::now() + self.idle;
            }
            (true, true) => {}
        }
        self.gap = gap;
    }

    /// After a snapshot, or an attempt to get one: is anything still missing, and is the session still in its queue?
    pub(super) fn asked(&mut self, gap: bool, queued: bool) {
        let too_early =
            std::mem::replace(&mut self.under_way, UnderWay::Nothing) == UnderWay::AskedTooEarly;
        let pause = if too_early {
            Duration::ZERO
        } else if gap {
            self.gap_retry.next()
        } else if queued {
            self.idle_retry.next()
        } else {
            self.idle_retry.reset();
            self.idle
        };
        self.gap = gap;
        self.due = Instant::now() + pause;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a subscriber hears of a session.
    enum Heard {
        Event,
        /// A snapshot.
        Queued,
        Streaming,
    }

    #[test]
    fn a_silent_session_is_asked_for_less_often_only_while_it_is_queued() {
        use Heard::{Event, Queued, Streaming};
        let mut catch_up = CatchUp::new(&Timeouts::default());
        for (heard, least_s, most_s) in [
            (Event, 15, 15),
            (Queued, 15, 30),
            (Queued, 30, 60),
            (Queued, 30, 60),
            (Streaming, 15, 15),
            (Streaming, 15, 15),
            (Queued, 15, 30),
            (Event, 15, 15),
        ] {
            let before = Instant::now();
            match heard {
                Event => catch_up.event(false),
                Queued => catch_up.asked(false, true),
                Streaming => catch_up.asked(false, false),
            }
            let due = catch_up.due().expect("nothing is under way");
            assert!(due >= before + Duration::from_secs(least_s), "{due:?}");
            assert!(
                due <= Instant::now() + Duration::from_secs(most_s),
                "{due:?}"
            );
        }
    }
}
