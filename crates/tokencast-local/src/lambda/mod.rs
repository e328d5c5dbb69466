//! Lambda: the Runtime API, one process per concurrent invocation, and the SQS event source mapping.

pub mod invoke;
