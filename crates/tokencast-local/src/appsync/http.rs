//! The GraphQL endpoint.
