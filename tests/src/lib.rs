//! What the whole-system tests share: a stack of its own for each test, clients, and bounded waiting.
//!
//! | module | what |
//! | --- | --- |
//! | [`stack`] | [`TestStack`]: a stack on a free port, with a script for its model |
//! | [`delivery`] | over which delivery a client has its answer; [`over_each_delivery`] makes a test over each |
//! | [`answer`] | [`Answer`]: what a client has when a stream is over |
//! | [`forged`] | tokens that must be refused, and the few like them that must be taken |
//! | [`soak`] | everything going wrong at random, and what must hold all the same |
//! | [`templates`] | what `npm run variants` in `cdk/` wrote |
//! | [`websocket`] | a client of the WebSocket API by hand |
//! | [`url`] | a client of the function URL by hand |
//! | [`wait`] | bounds on everything that is waited for |
//! | [`graphql`] | GraphQL by hand, for what the client would not send |

#![expect(
    clippy::missing_panics_doc,
    reason = "these helpers fail the test they are called from"
)]

pub mod answer;
pub mod delivery;
pub mod forged;
pub mod graphql;
pub mod soak;
pub mod stack;
pub mod templates;
pub mod url;
pub mod wait;
pub mod websocket;

pub use answer::{Answer, collect};
pub use delivery::Delivery;
pub use stack::TestStack;
pub use wait::{eventually, within};
