//! The pipeline and the delivery around it, on a paused clock.

mod memory;
mod scene;

mod back_pressure;
mod blocks;
mod endings;
mod followers;
mod lease;
mod pace;
mod start_by;
mod waits;
