//! Conversations from a request to the model: requests and deliveries over tables in memory.
//!
//! | module | what |
//! | --- | --- |
//! | `memory` | the tables, a queue, a model and the listeners, in memory |
//! | `scene` | an owner with all of these |
//! | `starts` | which turn a start continues, and which starts are refused |
//! | `answers` | what a model is told, and who hears of a turn |
//! | `brought` | what a client brings with its prompt |
//! | `quotas` | starts within quotas, and what is settled at their end |
//! | `reads` | lists, pages and documents |
//! | `deletes` | deleting and purging |
//! | `lifetimes` | titles and extensions |

mod answers;
mod brought;
mod deletes;
mod lifetimes;
mod memory;
mod quotas;
mod reads;
mod scene;
mod starts;
