//! Support for the whole-system tests: each test gets a stack of its own, clients, and bounded waiting.
//!
//! | module | what |
//! | --- | --- |
//! | [`stack`] | [`TestStack`]: a stack on a free port, with a script for its model |
//! | [`channel`] | the channel by which a client gets its answer; [`over_each_channel`] makes a test over each |
//! | [`answer`] | [`Answer`]: the events of a whole stream, put together |
//! | [`forged`] | tokens that must be refused, and a few similar ones that must be accepted |
//! | [`soak`] | many sessions while every kind of fault happens at random |
//! | [`dead_letters`] | the dead-letter queue, and `tokencast redrive` |
//! | [`programs`] | the functions' own programs |
//! | [`templates`] | the templates that `npm run variants` in `cdk/` wrote |
//! | [`websocket`] | a client of the WebSocket API by hand |
//! | [`url`] | a client of the function URL by hand |
//! | [`wait`] | waits with a bound |
//! | [`graphql`] | GraphQL by hand, which the client would not send |
//! | [`conversations`] | conversations by hand |
//! | [`ai_sdk`] | a chat of the AI SDK by hand |

#![expect(
    clippy::missing_panics_doc,
    reason = "these helpers fail the test they are called from"
)]

pub mod ai_sdk;
pub mod answer;
pub mod channel;
pub mod conversations;
pub mod dead_letters;
pub mod forged;
pub mod graphql;
pub mod programs;
pub mod soak;
pub mod stack;
pub mod templates;
pub mod url;
pub mod wait;
pub mod websocket;

pub use answer::{Answer, collect};
pub use channel::Channel;
pub use stack::TestStack;
pub use wait::{eventually, within};
