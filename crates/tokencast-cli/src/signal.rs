//! Ctrl-C, SIGTERM, and SIGHUP, which a closing terminal sends.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

use crate::exit::Exit;

/// Signals this close together are one key press. A terminal sends Ctrl-C to each process in the foreground, and `npx` and
/// the npm package's command pass theirs on.
const ONE_KEY_PRESS: Duration = Duration::from_millis(500);

/// The signals that end the command, caught from the creation of this value on.
pub struct Signals {
    last: Option<Instant>,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Catches the signals from now on.
    ///
    /// # Errors
    ///
    /// If the system can't register a handler for a signal.
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            last: None,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn receive(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
            _ = self.hang_up.recv() => Exit::Terminated,
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Catches Ctrl-C from now on.
    ///
    /// # Errors
    ///
    /// Never: on other systems than Unix there is nothing to register.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { last: None })
    }

    async fn receive(&mut self) -> Exit {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Exit::Interrupted
    }
}

impl Signals {
    /// Waits for the next signal. Returns the exit code for it. Cancel-safe.
    pub async fn next(&mut self) -> Exit {
        loop {
            let exit = self.receive().await;
            let now = Instant::now();
            let repeats = self.last.is_some_and(|last| now - last < ONE_KEY_PRESS);
            if !repeats {
                self.last = Some(now);
                return exit;
            }
        }
    }
}
