//! The sending side in a process of its own, so that its memory and its time are its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child as Process, Command, Stdio};

use serde_json::Value;

use super::serve::Role;
use crate::Options;
use crate::error::{BenchError, Step as _};

/// Ends when it is dropped.
#[derive(Debug)]
pub(super) struct Child {
    process: Process,
    /// What it said when it was ready.
    pub(super) ready: Value,
}

impl Child {
    /// Starts this program in a role, and returns once it is ready.
    pub(super) fn start(role: Role, options: &Options) -> Result<Self, BenchError> {
        let program = std::env::current_exe().to("find this program")?;
        let process = Command::new(program)
            .args(["--serve", role.name(), "--functions-dir"])
            .arg(&options.functions_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .to("start the sending side")?;
        let mut child = Self {
            process,
            ready: Value::Null,
        };
        let mut line = String::new();
        if let Some(stdout) = child.process.stdout.as_mut() {
            let read = BufReader::new(stdout).read_line(&mut line);
            read.to("await the sending side")?;
        }
        child.ready = serde_json::from_str(&line).to("understand the sending side")?;
        Ok(child)
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(super) fn text(&self, name: &str) -> Result<&str, BenchError> {
        let text = self.ready[name].as_str();
        text.ok_or_else(|| BenchError::Wrong(format!("the sending side did not say its {name}")))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It ends by itself when its standard input does. What can fail here fails only for a process that has ended.
        drop(self.process.stdin.take());
        let ended = (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            matches!(self.process.try_wait(), Ok(Some(_)) | Err(_))
        });
        if !ended {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}
