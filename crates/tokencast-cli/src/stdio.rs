//! The standard streams, which may be non-blocking.
//!
//! A pipe or a terminal may be shared with a program that has set `O_NONBLOCK` on it. std takes the `EAGAIN` of a slow
//! reader for a failure, and output is lost. Here the stream waits until the reader is ready. Nothing is buffered, so
//! that nothing is lost at the end.

use std::io::{self, Read, Write};

/// Standard output, unbuffered.
#[derive(Debug, Default)]
pub struct Stdout;

/// Standard error, unbuffered.
#[derive(Debug, Default)]
pub struct Stderr;

/// Standard input, unbuffered.
#[derive(Debug, Default)]
pub struct Stdin;

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::fd::BorrowedFd;

    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;

    /// Does `work` once `descriptor` is ready for it.
    pub(super) fn when_ready(
        descriptor: BorrowedFd<'_>,
        ready: PollFlags,
        mut work: impl FnMut() -> rustix::io::Result<usize>,
    ) -> io::Result<usize> {
        loop {
            match work() {
                Err(Errno::AGAIN) => {
                    let mut waiting = [PollFd::from_borrowed_fd(descriptor, ready)];
                    match poll(&mut waiting, None) {
                        Ok(_) | Err(Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                Err(Errno::INTR) => {}
                done => return done.map_err(io::Error::from),
            }
        }
    }

    pub(super) fn write(descriptor: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
        when_ready(descriptor, PollFlags::OUT, || {
            rustix::io::write(descriptor, bytes)
        })
    }

    pub(super) fn read(descriptor: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<usize> {
        when_ready(descriptor, PollFlags::IN, || {
            rustix::io::read(descriptor, &mut *bytes)
        })
    }
}

impl Write for Stdout {
    #[cfg(unix)]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        unix::write(std::os::fd::AsFd::as_fd(&io::stdout()), bytes)
    }

    #[cfg(not(unix))]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

impl Write for Stderr {
    #[cfg(unix)]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        unix::write(std::os::fd::AsFd::as_fd(&io::stderr()), bytes)
    }

    #[cfg(not(unix))]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stdin {
    #[cfg(unix)]
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        unix::read(std::os::fd::AsFd::as_fd(&io::stdin()), bytes)
    }

    #[cfg(not(unix))]
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        io::stdin().read(bytes)
    }
}
