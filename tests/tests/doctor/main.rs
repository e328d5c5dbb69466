//! `tokencast doctor`: green on a stack that keeps its promises, and for each probe a stack that breaks one.

#![expect(
    clippy::large_futures,
    reason = "a test has few futures, and moves each of them once"
)]

mod breaks;
mod cases;
mod control_plane;
mod outside;
mod packaged;
mod runs;
mod scene;
mod whole;
