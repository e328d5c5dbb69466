//! Functions as processes, and their measurements from `/proc`. So these benchmarks need Linux.

use std::fs;
use std::process::Child;
use std::time::Duration;

use crate::error::{BenchError, Step as _};

/// The environment variables that both functions need.
pub const ENVIRONMENT: [(&str, &str); 13] = [
    (
        "APPSYNC_API_URL",
        "https://example.appsync-api.us-east-1.amazonaws.com/graphql",
    ),
    ("AWS_ACCESS_KEY_ID", "AKIABENCH"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_SECRET_ACCESS_KEY", "bench"),
    (
        "DEAD_LETTER_QUEUE_URL",
        "https://sqs.us-east-1.amazonaws.com/000000000000/dead-letters",
    ),
    ("MODEL_ID", "example.model-v1:0"),
    (
        "QUEUE_URL",
        "https://sqs.us-east-1.amazonaws.com/000000000000/jobs",
    ),
    ("SESSIONS_TABLE", "sessions"),
];

/// A process that is killed and waited for when this value is dropped.
#[derive(Debug)]
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Both calls only fail for a process that has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns the CPU time that a process has used, over all its threads that still exist.
///
/// # Errors
///
/// There is no such process.
pub fn cpu_time(pid: u32) -> Result<Duration, BenchError> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).to("list the threads of a function")?;
    let mut nanos = 0;
    for task in tasks.flatten() {
        // `schedstat` is in nanoseconds, where `stat` counts hundredths of a second. A thread may have ended meanwhile.
        let schedstat = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        let used = schedstat.split(' ').next().unwrap_or_default();
        nanos += used.parse::<u64>().unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanos))
}

/// Returns the CPU time that this thread has used.
///
/// # Errors
///
/// The system has no `/proc`.
pub fn thread_cpu_time() -> Result<Duration, BenchError> {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat").to("read a thread's time")?;
    let nanos = schedstat.split(' ').next();
    let nanos = nanos.and_then(|nanos| nanos.parse().ok());
    Ok(Duration::from_nanos(nanos.unwrap_or(0)))
}

/// Returns the most memory that a process has held, in bytes.
///
/// # Errors
///
/// There is no such process.
pub fn peak_memory_bytes(pid: u32) -> Result<u64, BenchError> {
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).to("read a function's memory")?;
    let figure = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = figure.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    match kilobytes {
        Some(kilobytes) => Ok(kilobytes * 1024),
        None => Err(BenchError::Wrong(
            "/proc says nothing of a process's memory".to_owned(),
        )),
    }
}
