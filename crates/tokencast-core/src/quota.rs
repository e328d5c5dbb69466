//! Quotas: how much an owner may start and use, and the rules by which that is counted.
//!
//! A start reserves what its session may use at most. The write that ends the session settles the reservation with what
//! was used. Both are one transaction with the write of the session's record, and the record says whether its reservation
//! is settled. So each reservation is settled exactly once, however often a message is delivered.
//!
//! As those of a session, the rules are pure functions, and a store writes their results by compare and set.
//!
//! | module | what |
//! | --- | --- |
//! | [`caller`] | who asks, and in which groups they are |
//! | [`day`] | the day that a quota is of |
//! | [`limits`] | the limits of a caller, by group and by override |
//! | [`settings`] | the limits as an administrator writes them |
//! | [`reservation`] | what a session holds of its owner's quota, and what it has used |
//! | [`change`] | what a write of a session's record means for its owner's ledger |
//! | [`ledger`] | what an owner has used of a day, and the rule that admits a start |
//! | [`report`] | what an owner has used and what is left, for people to read |

pub mod caller;
pub mod change;
pub mod day;
pub mod ledger;
pub mod limits;
pub mod report;
pub mod reservation;
pub mod settings;

pub use caller::Caller;
pub use change::QuotaChange;
pub use day::Day;
pub use ledger::{Exceeded, Ledger, Live};
pub use limits::{LimitName, Limits, Override, Overrides};
pub use report::{LimitUse, UsageReport};
pub use reservation::{Reservation, Spent};
pub use settings::{InvalidQuotas, Quotas};
