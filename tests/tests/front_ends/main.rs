//! OpenAI's and AG-UI's protocols over the Function URL, by hand: what goes out is looked at byte by byte. The packages
//! that speak them are among the referees.

mod assistants;
mod completions;
mod failures;
mod proxy;
mod runs;
mod stream;
