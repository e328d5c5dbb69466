//! What functions, event source mappings and function URLs are made of.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use local_iam::Statement;

#[derive(Clone, Debug)]
pub struct FunctionConfig {
    pub name: String,
    /// The program that speaks the Runtime API: a packaged `bootstrap`, or any other.
    pub program: PathBuf,
    pub args: Vec<OsString>,
    pub environment: BTreeMap<String, String>,
    pub timeout: Duration,
    pub memory_mb: u32,
    /// What its role's credentials may do.
    pub policy: Vec<Statement>,
    /// At most this many invocations at once; further ones are throttled. AWS's default is 1,000 in a region.
    pub max_concurrency: NonZeroU32,
}

/// An SQS event source mapping.
#[derive(Clone, Debug)]
pub struct EventSourceConfig {
    pub queue: String,
    pub function: String,
    pub batch_size: NonZeroU32,
    pub batching_window: Duration,
    /// AWS takes 2 to 1,000.
    pub maximum_concurrency: NonZeroU32,
    pub report_batch_item_failures: bool,
}

/// A function URL with response streaming (`RESPONSE_STREAM`) that asks for no credentials (`NONE`).
///
/// It answers at `http://localhost:PORT/function-urls/NAME/`, of which the function sees the path behind `NAME`, and at
/// `http://NAME.lambda-url.localhost:PORT/`.
#[derive(Clone, Debug)]
pub struct FunctionUrlConfig {
    /// Stands for the URL's id: small letters, digits and `-`.
    pub name: String,
    pub function: String,
    /// With it the URL answers every `OPTIONS` itself; without it, browsers of other origins are told nothing.
    pub cors: Option<CorsConfig>,
}

/// Whom a function URL answers in browsers; `*` in a list is any.
#[derive(Clone, Debug, Default)]
pub struct CorsConfig {
    pub allow_credentials: bool,
    pub allow_headers: Vec<String>,
    pub allow_methods: Vec<String>,
    pub allow_origins: Vec<String>,
    pub expose_headers: Vec<String>,
    /// How long a browser may keep the answer to a preflight request.
    pub max_age: Option<Duration>,
}
