//! Tests the function URL against the whole local stack: its promises hold, and no fault breaks it.

mod answers;
mod empty;
mod failures;
mod pace;
mod recovery;
mod refusals;
