//! Cognito's tokens and SigV4 signatures.
