//! Ends the command with the process that started it.
//!
//! The npm package's command is a Node process that starts this one. If Node is killed, it can't pass that on, and the
//! local stack would keep its port. So Node names itself in [`PARENT_PID`], and this process ends like after SIGTERM once
//! that process is no longer its parent.

use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use crate::exit::say;

/// The environment variable with the process id of the parent to end with.
pub const PARENT_PID: &str = "TOKENCAST_PARENT_PID";

/// How often the parent is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Has this process end with its parent, if the environment asks for it.
pub fn end_with(lookup: impl Fn(&str) -> Option<String>) {
    let Some(named) = lookup(PARENT_PID) else {
        return;
    };
    match named.parse() {
        Ok(parent) => watch(parent),
        Err(_) => say!("warning: {PARENT_PID} is `{named}`, expected a process id: it is ignored"),
    }
}

/// Another process inherits the variable, such as a shell that this process's parent started: nothing ends with a
/// grandparent.
fn watch(parent: u32) {
    if std::os::unix::process::parent_id() != parent {
        return;
    }
    std::thread::spawn(move || {
        while std::os::unix::process::parent_id() == parent {
            std::thread::sleep(LOOK_EVERY);
        }
        let _ = kill_process(getpid(), Signal::TERM);
    });
}
