//! The protocols that chat front ends speak already, in terms of sessions: what a request asks for, and an answer's
//! events in the protocol's words. It knows neither HTTP nor AWS: the functions send what is written here.
//!
//! | module | what |
//! | --- | --- |
//! | [`ids`] | ids that a front end makes, mapped to ours |
//! | [`ai_sdk`] | the AI SDK's UI message stream |
//! | [`openai`] | OpenAI's chat completions and models |
//! | [`ag_ui`] | AG-UI's runs |
//! | [`json`] | bodies in JSON, and what is wrong with them |
//! | [`tries`] | the sessions of a request that is sent again |

pub mod ag_ui;
pub mod ai_sdk;
pub mod ids;
pub mod json;
pub mod openai;
mod system;
mod tool_calls;
pub mod tries;
