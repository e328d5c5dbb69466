//! The newest glibc that a program needs, from the versions that its dynamic symbols ask for.

use std::fmt;
use std::path::Path;

use crate::error::TaskError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.0, self.1)
    }
}

/// `None` if the program needs no glibc at all.
pub fn newest(path: &Path) -> Result<Option<Version>, TaskError> {
    let elf = std::fs::read(path).map_err(TaskError::file("read", path))?;
    read(&elf).map_err(|problem| TaskError::Elf {
        path: path.to_owned(),
        problem,
    })
}

/// `SHT_GNU_verneed`, as in the Linux Standard Base: <https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html>.
const VERSIONS_NEEDED: u32 = 0x6fff_fffe;
/// `VER_FLG_WEAK`: the loader doesn't insist.
const WEAK: u16 = 0x2;

fn read(elf: &[u8]) -> Result<Option<Version>, &'static str> {
    const CUT: &str = "is cut short";
    let file = Bytes(elf);
    // 64 bits, little-endian.
    if elf.get(..6) != Some(b"\x7fELF\x02\x01") {
        return Err("is no 64-bit ELF file");
    }
    let sections = (file.u64(0x28).ok_or(CUT)?, file.u16(0x3a).ok_or(CUT)?);
    let count = file.u16(0x3c).ok_or(CUT)?;
    let section = |index: u32| {
        let at = sections
            .0
            .checked_add(u64::from(index) * u64::from(sections.1))?;
        usize::try_from(at).ok()
    };
    let mut newest = None;
    for index in 0..u32::from(count) {
        let header = section(index).ok_or(CUT)?;
        if file.u32(header + 4).ok_or(CUT)? != VERSIONS_NEEDED {
            continue;
        }
        let strings = section(file.u32(header + 40).ok_or(CUT)?).ok_or(CUT)?;
        let strings = file.offset(strings + 24).ok_or(CUT)?;
        let needed = file.offset(header + 24).ok_or(CUT)?;
        let versions = versions(&file, needed, strings).ok_or(CUT)?;
        newest = newest.max(versions.into_iter().max());
    }
    Ok(newest)
}

/// What the list of libraries says, and each library's list of versions. `None` if the file ends before they do.
fn versions(file: &Bytes<'_>, first: usize, strings: usize) -> Option<Vec<Version>> {
    let (mut library, mut versions) = (first, Vec::new());
    loop {
        let mut version = library + file.index(library + 8)?;
        for _ in 0..file.u16(library + 2)? {
            let weak = file.u16(version + 4)? & WEAK != 0;
            let name = file.text(strings + file.index(version + 8)?)?;
            versions.extend(parse(name).filter(|_| !weak));
            version += file.index(version + 12)?;
        }
        match file.index(library + 12)? {
            0 => return Some(versions),
            next => library += next,
        }
    }
}

/// `GLIBC_2.34`, or `GLIBC_2.2.5`.
fn parse(name: &str) -> Option<Version> {
    let mut numbers = name.strip_prefix("GLIBC_")?.split('.');
    let mut number = || numbers.next()?.parse().ok();
    Some(Version(number()?, number()?))
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.0.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    fn u16(&self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: usize) -> Option<u64> {
        self.array(at).map(u64::from_le_bytes)
    }

    fn index(&self, at: usize) -> Option<usize> {
        usize::try_from(self.u32(at)?).ok()
    }

    fn offset(&self, at: usize) -> Option<usize> {
        usize::try_from(self.u64(at)?).ok()
    }

    fn text(&self, at: usize) -> Option<&str> {
        let rest = self.0.get(at..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        std::str::from_utf8(&rest[..end]).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_symbols() {
        assert_eq!(parse("GLIBC_2.34"), Some(Version(2, 34)));
        assert_eq!(parse("GLIBC_2.2.5"), Some(Version(2, 2)));
        assert_eq!(parse("GCC_3.0"), None);
        assert_eq!(parse("GLIBC_PRIVATE"), None);
        assert!(Version(2, 9) < Version(2, 34));
    }

    #[test]
    fn a_file_that_is_no_program_is_refused() {
        assert!(read(b"#!/bin/sh").is_err());
        assert!(read(b"\x7fELF\x02\x01\x01").is_err());
    }

    /// The test's own executable: linked on a system with glibc, it needs some of it.
    #[cfg(all(
        target_os = "linux",
        target_env = "gnu",
        target_pointer_width = "64",
        target_endian = "little"
    ))]
    #[test]
    fn a_linked_program_needs_glibc() {
        let program = std::env::current_exe().expect("a program");
        let needed = newest(&program)
            .expect("it is read")
            .expect("it is linked to glibc");
        assert!(needed >= Version(2, 2), "{needed}");
    }
}
