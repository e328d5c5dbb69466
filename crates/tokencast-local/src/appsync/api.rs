//! The schema, and the execution of an operation against it.
