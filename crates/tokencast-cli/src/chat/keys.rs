//! What is typed at a terminal, until the line editor wants it.
//!
//! The editor reads all bytes that are there, and drops those behind the end of its line: of lines that arrive together, all
//! but the first would be lost, and a Ctrl-C behind a line would stop nothing. So the editor reads a pseudoterminal, which is
//! stdin from then on, and gets one line at a time there. The rest waits here. While an answer comes, the terminal has its own
//! settings, so that it makes Ctrl-C a signal; what is typed then waits here as well.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, FdFlags};
use rustix::process::{Signal, getpgrp, getpid, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr,
    tcgetpgrp, tcsetattr,
};

/// The editor reads at most so many bytes at once.
const CHUNK_BYTES: usize = 1024;
/// The terminal isn't read while so much waits.
const MOST_BYTES: usize = 1 << 20;
/// How often is looked whether the editor has read what it was given, while more waits.
const UNREAD: Duration = Duration::from_millis(1);
/// How often is looked whether the command is in the foreground again, while its terminal is read by others.
const BACKGROUND: Duration = Duration::from_millis(200);

/// The terminal's input, taken over for the editor.
#[derive(Clone, Debug)]
pub(super) struct Keys(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    terminal: OwnedFd,
    /// The terminal's settings from before, and those in which each key comes by itself.
    own: Termios,
    raw: Termios,
    /// The pseudoterminal: where it is written, and where the editor reads.
    ours: OwnedFd,
    editors: OwnedFd,
    typed: Mutex<Typed>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Typed {
    /// What the editor hasn't got.
    waiting: VecDeque<u8>,
    is_editing: bool,
}

impl Keys {
    /// Takes over the terminal that is stdin. Stdin is a pseudoterminal then.
    ///
    /// # Errors
    ///
    /// There is no pseudoterminal to be had, or the terminal's settings can't be read.
    pub(super) fn take_over() -> io::Result<Self> {
        let terminal = io::stdin().as_fd().try_clone_to_owned()?;
        let own = tcgetattr(&terminal)?;
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        rustix::io::fcntl_setfd(&ours, FdFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let name = ptsname(&ours, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let editors = rustix::fs::open(name, flags, Mode::empty())?;
        let raw = raw(own.clone());
        tcsetattr(&editors, OptionalActions::Now, &raw)?;
        rustix::stdio::dup2_stdin(&editors)?;
        let shared = Arc::new(Shared {
            terminal,
            own,
            raw,
            ours,
            editors,
            typed: Mutex::default(),
            changed: Condvar::new(),
        });
        let reader = Arc::clone(&shared);
        std::thread::spawn(move || reader.read());
        let writer = Arc::clone(&shared);
        std::thread::spawn(move || writer.write());
        Ok(Self(shared))
    }

    /// The editor reads from now on: first what waits.
    pub(super) fn give(&self) {
        let mut typed = self.0.typed();
        self.0.set(&self.0.raw);
        typed.is_editing = true;
        self.0.changed.notify_all();
    }

    /// The editor has left: keeps what it hasn't read. A Ctrl-C behind its line becomes a signal, as it would a moment later.
    pub(super) fn keep(&self, has_line: bool) {
        let mut typed = self.0.typed();
        typed.is_editing = false;
        self.0.set(&self.0.own);
        let mut unread = Vec::new();
        let mut bytes = [0; CHUNK_BYTES];
        while self.0.is_unread() {
            match rustix::io::read(&self.0.editors, &mut bytes) {
                Ok(count @ 1..) => unread.extend_from_slice(&bytes[..count]),
                Err(Errno::INTR) => {}
                Ok(0) | Err(_) => break,
            }
        }
        for byte in unread.into_iter().rev() {
            typed.waiting.push_front(byte);
        }
        if has_line {
            self.0.interrupt(&mut typed);
        }
    }

    /// The command goes on after it was stopped by Ctrl-Z: whoever came between has set the terminal.
    pub(super) fn resume(&self) {
        let typed = self.0.typed();
        if typed.is_editing {
            self.0.set(&self.0.raw);
        }
    }
}

impl Shared {
    fn typed(&self) -> MutexGuard<'_, Typed> {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, settings: &Termios) {
        if let Err(error) = tcsetattr(&self.terminal, OptionalActions::Now, settings) {
            tracing::debug!(%error, "the terminal can't be set");
        }
    }

    fn code(&self, index: SpecialCodeIndex) -> u8 {
        self.own.special_codes[index]
    }

    /// Reads the terminal until it is gone.
    fn read(&self) {
        let mut bytes = [0; CHUNK_BYTES];
        loop {
            let typed = self.typed();
            let is_full = |typed: &mut Typed| typed.waiting.len() >= MOST_BYTES;
            let room = self.changed.wait_while(typed, is_full);
            drop(room.unwrap_or_else(PoisonError::into_inner));
            let mut input = [PollFd::new(&self.terminal, PollFlags::IN)];
            let ready = poll(&mut input, None);
            if matches!(ready, Err(Errno::INTR)) {
                continue;
            }
            if tcgetpgrp(&self.terminal).is_ok_and(|group| group != getpgrp()) {
                std::thread::sleep(BACKGROUND);
                continue;
            }
            let is_gone = input[0].revents().contains(PollFlags::HUP);
            let count = match rustix::io::read(&self.terminal, &mut bytes) {
                Err(Errno::INTR | Errno::AGAIN) => continue,
                // The terminal's own settings make Ctrl-D an end; another line may follow.
                Ok(0) if !is_gone => None,
                Ok(count @ 1..) => Some(count),
                Ok(_) | Err(_) => {
                    self.wait(&[self.code(SpecialCodeIndex::VEOF)]);
                    return;
                }
            };
            match count {
                Some(count) => self.wait(&bytes[..count]),
                None => self.wait(&[self.code(SpecialCodeIndex::VEOF)]),
            }
        }
    }

    /// Has bytes wait for the editor.
    fn wait(&self, bytes: &[u8]) {
        let mut typed = self.typed();
        typed.waiting.extend(bytes);
        if !typed.is_editing {
            self.interrupt(&mut typed);
        }
        self.changed.notify_all();
    }

    /// Makes a signal of a Ctrl-C that the terminal took for a key, since it came with the line before. As from the terminal,
    /// it drops the line that is being written.
    fn interrupt(&self, typed: &mut Typed) {
        let code = self.code(SpecialCodeIndex::VINTR);
        if code != 0
            && drop_interrupted(&mut typed.waiting, code)
            && let Err(error) = kill_process(getpid(), Signal::INT)
        {
            tracing::debug!(%error, "Ctrl-C is lost");
        }
    }

    /// Gives the editor what waits, one line after the other, while it reads.
    fn write(&self) {
        let mut typed = self.typed();
        loop {
            let is_idle = |typed: &mut Typed| !typed.is_editing || typed.waiting.is_empty();
            let woken = self.changed.wait_while(typed, is_idle);
            typed = woken.unwrap_or_else(PoisonError::into_inner);
            if self.is_unread() {
                let woken = self.changed.wait_timeout(typed, UNREAD);
                typed = woken.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let count = self.next_count(&typed.waiting);
            let bytes: Vec<_> = typed.waiting.drain(..count).collect();
            if bytes.last() == Some(&self.code(SpecialCodeIndex::VSUSP)) {
                // The editor stops the command.
                self.set(&self.own);
            }
            // There is room: the editor has read all that was written before.
            if let Err(error) = rustix::io::write(&self.ours, &bytes) {
                tracing::debug!(%error, "the editor's terminal is gone");
                return;
            }
            self.changed.notify_all();
        }
    }

    /// Whether the editor hasn't read all that it was given. On Linux, `poll` waits until what was written has arrived.
    fn is_unread(&self) -> bool {
        let mut input = [PollFd::new(&self.editors, PollFlags::IN)];
        poll(&mut input, Some(&Timespec::default())) == Ok(1)
    }

    /// How much the editor may get: up to the first byte at which it may end, and so drop what it has read behind it.
    fn next_count(&self, waiting: &VecDeque<u8>) -> usize {
        let codes = [
            SpecialCodeIndex::VINTR,
            SpecialCodeIndex::VQUIT,
            SpecialCodeIndex::VEOF,
            SpecialCodeIndex::VSUSP,
        ];
        let codes = codes.map(|index| self.code(index));
        let ends = |byte: &u8| b"\r\n\x03\x04".contains(byte) || codes.contains(byte);
        let end = waiting.iter().take(CHUNK_BYTES).position(ends);
        end.map_or(waiting.len().min(CHUNK_BYTES), |end| end + 1)
    }
}

/// Takes out each Ctrl-C with the unfinished line before it. Returns whether there was one.
fn drop_interrupted(waiting: &mut VecDeque<u8>, code: u8) -> bool {
    let mut was_there = false;
    while let Some(at) = waiting.iter().position(|byte| *byte == code) {
        was_there = true;
        let is_end = |byte: &u8| b"\r\n".contains(byte);
        let line = waiting.iter().take(at).rposition(is_end);
        waiting.drain(line.map_or(0, |end| end + 1)..=at);
    }
    was_there
}

/// The settings in which each key comes at once, unchanged and unseen.
fn raw(mut settings: Termios) -> Termios {
    settings.input_modes -= InputModes::BRKINT
        | InputModes::ICRNL
        | InputModes::INPCK
        | InputModes::ISTRIP
        | InputModes::IXON;
    settings.control_modes |= ControlModes::CS8;
    settings.local_modes -=
        LocalModes::ECHO | LocalModes::ICANON | LocalModes::IEXTEN | LocalModes::ISIG;
    settings.special_codes[SpecialCodeIndex::VMIN] = 1;
    settings.special_codes[SpecialCodeIndex::VTIME] = 0;
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ctrl_c_takes_the_unfinished_line_before_it_along() {
        for (typed, left, is_there) in [
            ("", "", false),
            ("one\rtw", "one\rtw", false),
            ("\x03", "", true),
            ("one\rtw\x03three\n", "one\rthree\n", true),
            ("a\x03\x03b", "b", true),
        ] {
            let mut waiting = typed.bytes().collect();
            assert_eq!(drop_interrupted(&mut waiting, 3), is_there, "{typed:?}");
            assert_eq!(waiting, left.as_bytes(), "{typed:?}");
        }
    }
}
