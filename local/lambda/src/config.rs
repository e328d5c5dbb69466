//! The configuration of functions, event source mappings and function URLs.

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
    /// The policy of the function's role.
    pub policy: Vec<Statement>,
    /// The most invocations at once; further ones are throttled. AWS's default is 1,000 in a region.
    pub max_concurrency: NonZeroU32,
}

/// An SQS event source mapping.
#[derive(Clone, Debug)]
pub struct EventSourceConfig {
    pub queue: String,
    pub function: String,
    pub batch_size: NonZeroU32,
    pub batching_window: Duration,
    /// AWS allows 2 to 1,000.
    pub maximum_concurrency: NonZeroU32,
    pub report_batch_item_failures: bool,
}

/// A function URL with response streaming (`RESPONSE_STREAM`) and without credentials (`NONE`).
///
/// It is served at `http://localhost:PORT/function-urls/NAME/`, where the function sees the path after `NAME`, and at
/// `http://NAME.lambda-url.localhost:PORT/`.
#[derive(Clone, Debug)]
pub struct FunctionUrlConfig {
    /// Takes the place of the URL's id: lower-case letters, digits and `-`.
    pub name: String,
    pub function: String,
    /// With it, the URL responds to every `OPTIONS` itself. Without it, pages of other origins can't read responses.
    pub cors: Option<CorsConfig>,
}

/// The CORS configuration of a function URL. `*` in a list allows any value.
#[derive(Clone, Debug, Default)]
pub struct CorsConfig {
    pub allow_credentials: bool,
    pub allow_headers: Vec<String>,
    pub allow_methods: Vec<String>,
    pub allow_origins: Vec<String>,
    pub expose_headers: Vec<String>,
    /// How long a browser may cache the response to a preflight request.
    pub max_age: Option<Duration>,
}
