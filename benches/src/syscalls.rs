//! How many system calls a process makes, counted by `perf`.

use std::fs;
use std::process::Stdio;

use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::error::{BenchError, Step as _};

/// A count that is being made.
#[derive(Debug)]
pub struct Counting {
    perf: Child,
    report: NamedTempFile,
}

impl Counting {
    /// Counts from now on. `None` where the system does not let `perf` count.
    pub async fn of(pid: u32) -> Result<Option<Self>, BenchError> {
        let report = NamedTempFile::new().to("make a file for perf")?;
        // It counts while its command runs: one that says that it began, and ends with its input.
        let spawned = Command::new("perf")
            .args(["stat", "-x,", "-e", "raw_syscalls:sys_enter"])
            .args(["-p", &pid.to_string(), "-o"])
            .arg(report.path())
            .args(["--", "sh", "-c", "echo; read line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let Ok(mut perf) = spawned else {
            return Ok(None);
        };
        let Some(output) = perf.stdout.take() else {
            return Ok(None);
        };
        let began = BufReader::new(output).lines().next_line().await;
        let began = began.to("start perf")?.is_some();
        Ok(began.then_some(Self { perf, report }))
    }

    pub async fn end(mut self) -> Result<u64, BenchError> {
        drop(self.perf.stdin.take());
        self.perf.wait().await.to("end perf")?;
        let report = fs::read_to_string(self.report.path()).to("read what perf counted")?;
        let line = report.lines().find(|line| line.contains("sys_enter"));
        let count = line.and_then(|line| line.split(',').next()?.parse().ok());
        count.ok_or_else(|| BenchError::Wrong("perf counted nothing".to_owned()))
    }
}
