//! What the system says of a process, from `/proc`: so these benchmarks run on Linux.

use std::fs;
use std::time::Duration;

use crate::error::{BenchError, Step as _};

/// The CPU time that a process has used, over all its threads that are still there.
pub fn cpu_time(pid: u32) -> Result<Duration, BenchError> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).to("list the threads of a function")?;
    let mut nanos = 0;
    for task in tasks.flatten() {
        // In nanoseconds, where `stat` counts hundredths of a second. A thread may have ended meanwhile.
        let schedstat = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        let used = schedstat.split(' ').next().unwrap_or_default();
        nanos += used.parse::<u64>().unwrap_or(0);
    }
    Ok(Duration::from_nanos(nanos))
}

/// The most memory that a process has held, in bytes.
pub fn peak_memory_bytes(pid: u32) -> Result<u64, BenchError> {
    status_bytes(pid, "VmHWM:")
}

/// The memory that a process holds, in bytes.
pub fn memory_bytes(pid: u32) -> Result<u64, BenchError> {
    status_bytes(pid, "VmRSS:")
}

fn status_bytes(pid: u32, name: &str) -> Result<u64, BenchError> {
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).to("read a function's memory")?;
    let figure = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = figure.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    match kilobytes {
        Some(kilobytes) => Ok(kilobytes * 1024),
        None => Err(BenchError::Wrong(
            "/proc says nothing of a process's memory".to_owned(),
        )),
    }
}
