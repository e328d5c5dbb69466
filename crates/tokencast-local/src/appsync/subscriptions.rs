//! Who listens to what, and the fan-out of a mutation's result.
