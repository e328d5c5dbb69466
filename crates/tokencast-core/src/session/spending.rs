//! What a session uses of its owner's quota, and what its answer costs.
//!
//! Each attempt is charged once: when it is given up or ends the session, or when somebody finds that it was interrupted.
//! A model counts only what it has said to the end. What it said of an interrupted answer is counted by its length.

use super::{Progress, Session};
use crate::assistant::Cost;
use crate::event::Usage;
use crate::id::Sequence;
use crate::quota::{Reservation, Spent};
use crate::time::Timestamp;

impl Session {
    /// What the session holds of its owner's quota now.
    pub fn reserved(&self) -> Option<Reservation> {
        self.reservation.filter(|it| !it.is_settled)
    }

    /// What a session that is over has cost; `None` where the model has no price. Without a reservation, only what the model
    /// counted is known.
    pub fn cost(&self) -> Option<Cost> {
        self.price?;
        match self.reservation {
            Some(_) => Some(self.spent.cost),
            None => self.ending.usage?.cost,
        }
    }

    /// Charges an attempt that is over. `counted` is what the model counted.
    pub(super) fn charge(&mut self, progress: &Progress, counted: Option<Usage>) {
        let said = (progress.sequence > Sequence(0)).then(|| progress.bytes());
        self.charge_said(counted, said);
    }

    /// Charges the attempt that has a lease and left it: its worker died. What it said last is lost.
    pub(super) fn charge_interrupted(&mut self) {
        if self.lease.take().is_none() {
            return;
        }
        let has_said = self.attempt == self.last_attempt && self.sequence > Sequence(0);
        // The text of a deleted session is gone.
        let said = has_said.then(|| self.text.len() + self.others.contents().len());
        self.charge_said(None, said);
    }

    fn charge_said(&mut self, counted: Option<Usage>, said_bytes: Option<usize>) {
        if let Some(reserved) = self.reserved() {
            let price = self.price.as_ref();
            let spent = Spent::of_attempt(&reserved, price, counted, said_bytes);
            self.spent = self.spent.plus(spent);
        }
    }

    /// Notes what the answer costs, and that nothing is reserved any more.
    pub(super) fn settle(&mut self) {
        if let (Some(usage), Some(price)) = (&mut self.ending.usage, &self.price) {
            usage.cost = Some(price.cost(usage));
        }
        if let Some(reservation) = &mut self.reservation {
            reservation.is_settled = true;
        }
    }

    /// Reserves anew for a session that is opened again. Nothing refuses that.
    pub(super) fn reserve_again(&mut self, start_by: Timestamp, now: Timestamp) {
        if let Some(reservation) = &mut self.reservation {
            if reservation.is_settled {
                self.spent = Spent::default();
            }
            *reservation = reservation.reopened(start_by, now);
        }
    }
}

#[cfg(test)]
mod tests;
