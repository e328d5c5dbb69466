//! Named sets of a model, its instructions and its limits.
//!
//! | module | what |
//! | --- | --- |
//! | [`price`] | what a model's tokens cost |

pub mod price;

pub use price::{Cost, InvalidPrice, Price};
