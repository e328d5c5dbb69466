//! `tokencast doctor`: green on a stack that keeps its promises, and for each probe a stack that breaks one.

mod breaks;
mod cases;
mod control_plane;
mod packaged;
mod scene;
mod whole;
