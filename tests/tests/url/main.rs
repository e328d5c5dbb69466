//! The function URL against the whole local stack: what it promises, and that nothing that goes wrong breaks it.

mod answers;
mod empty;
mod failures;
mod pace;
mod recovery;
mod refusals;
