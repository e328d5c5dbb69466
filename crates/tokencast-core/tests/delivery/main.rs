//! The pipeline and the delivery around it, on a paused clock.

mod memory;

mod followers;
mod pipeline;
